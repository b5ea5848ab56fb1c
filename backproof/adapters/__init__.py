"""The many ways in which backward passes come, each turned into `(params, x, t) -> grads | (loss, grads)`.

These files run in the worker, under the user's interpreter: Python from 3.8 on, NumPy alone, and a framework
only where the subject is made with it. The worker loads them by their path, so nothing of ours is imported by
its name. What a form may say, and what is refused, is in `backproof.forms`.
"""

from .adapting import FOREIGN as FOREIGN
from .adapting import adapt as adapt
from .adapting import prepare as prepare
from .misfit import Misfit as Misfit
