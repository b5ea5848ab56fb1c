"""What holds, and why: theorems as values, and the normal form that decides each of their steps."""

from proofs.closed_equals_derived import closed_form_theorem as closed_form_theorem
from proofs.closed_equals_derived import prove_network as prove_network
from proofs.normal_form import Decision as Decision
from proofs.normal_form import decide as decide
from proofs.stable_forms import stable_form_theorems as stable_form_theorems
from proofs.theorem import NotProved as NotProved
from proofs.theorem import Proof as Proof
from proofs.theorem import Step as Step
from proofs.theorem import Theorem as Theorem
