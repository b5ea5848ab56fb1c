"""backproof decides whether a backpropagation is right, and shows why.

    import backproof as bp

Every name in `__all__` is loaded at its first use: `import backproof` itself costs next to nothing, and
SymPy and Hypothesis are paid for by those who need them. `symbolic`, `numeric` and `proofs` are packages of
ours at the top level; where something else bears one of these names, the import fails and says what to do.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from os.path import dirname, join, realpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backproof import strategies as strategies
    from backproof.checking import check as check
    from backproof.emitting import emit_test as emit_test
    from backproof.foreign_subjects import c_subject as c_subject
    from backproof.foreign_subjects import command_subject as command_subject
    from backproof.forms import Form as Form
    from backproof.importing.onnx_model import from_onnx as from_onnx
    from backproof.importing.sklearn_mlp import from_sklearn as from_sklearn
    from backproof.importing.torch_fx import from_torch as from_torch
    from backproof.pytest_plugin import backprop_test as backprop_test
    from backproof.report import Report as Report
    from backproof.subjects import FileSubject as FileSubject
    from numeric.arrays import evaluate_arrays as evaluate_arrays
    from numeric.native.compiling import compile as compile
    from numeric.second_order import hessian as hessian
    from numeric.second_order import jacobian as jacobian
    from proofs.closed_equals_derived import prove_network as prove_network
    from symbolic.closed_form import ClosedForm as ClosedForm
    from symbolic.codegen import generate as generate
    from symbolic.codegen import numpy_module as numpy_module
    from symbolic.conventions import Layout as Layout
    from symbolic.derivation import Derivation as Derivation
    from symbolic.derivation import derive as derive
    from symbolic.graph import Graph as Graph
    from symbolic.graph import graph as graph
    from symbolic.graph import loss as loss
    from symbolic.graph import node as node
    from symbolic.graph_program import graph_program as graph_program
    from symbolic.layer import Layer as Layer
    from symbolic.losses import SAMPLES as SAMPLES
    from symbolic.network import Family as Family
    from symbolic.network import Network as Network
    from symbolic.network import mlp as mlp
    from symbolic.recurrence import unrolled as unrolled
    from symbolic.second_order import hessian_vector as hessian_vector
    from symbolic.second_order import vector_jacobian as vector_jacobian
    from symbolic.straight_line import straight_line as straight_line
    from symbolic.toml_files import from_toml as from_toml
    from symbolic.toml_files import to_toml as to_toml
    from symbolic.writing.document import latex_document as latex_document

__version__ = "0.1.0"

_HOME = {
    "strategies": "backproof.strategies",  # the module itself
    "check": "backproof.checking",
    "emit_test": "backproof.emitting",
    "backprop_test": "backproof.pytest_plugin",
    "Report": "backproof.report",
    "Form": "backproof.forms",
    "FileSubject": "backproof.subjects",
    "c_subject": "backproof.foreign_subjects",
    "command_subject": "backproof.foreign_subjects",
    "prove_network": "proofs.closed_equals_derived",
    "ClosedForm": "symbolic.closed_form",
    "compile": "numeric.native.compiling",
    "generate": "symbolic.codegen",
    "numpy_module": "symbolic.codegen",
    "Layout": "symbolic.conventions",
    "Derivation": "symbolic.derivation",
    "derive": "symbolic.derivation",
    "evaluate_arrays": "numeric.arrays",
    "from_onnx": "backproof.importing.onnx_model",
    "from_sklearn": "backproof.importing.sklearn_mlp",
    "from_torch": "backproof.importing.torch_fx",
    "Graph": "symbolic.graph",
    "graph": "symbolic.graph",
    "graph_program": "symbolic.graph_program",
    "hessian": "numeric.second_order",
    "hessian_vector": "symbolic.second_order",
    "jacobian": "numeric.second_order",
    "Layer": "symbolic.layer",
    "loss": "symbolic.graph",
    "node": "symbolic.graph",
    "SAMPLES": "symbolic.losses",
    "straight_line": "symbolic.straight_line",
    "unrolled": "symbolic.recurrence",
    "vector_jacobian": "symbolic.second_order",
    "latex_document": "symbolic.writing.document",
    "Family": "symbolic.network",
    "Network": "symbolic.network",
    "mlp": "symbolic.network",
    "from_toml": "symbolic.toml_files",
    "to_toml": "symbolic.toml_files",
}

__all__ = [*_HOME, "__version__"]

_ROOT = dirname(dirname(__file__))


def _leave_working_folder() -> None:
    """Under `python -m backproof` the working folder is first in sys.path; a user's numeric.py may lie in it.

    This runs while Python still looks for our `__main__`: sys.argv[0] is "-m", and the original arguments end
    in the module's name and the rest of sys.argv. With `python -P` the working folder is not in sys.path;
    in a checkout it is our own folder.
    """
    sought = sys.orig_argv[-len(sys.argv)] if sys.argv[:1] == ["-m"] else None
    if sought in {__name__, f"-m{__name__}"} and not sys.flags.safe_path and sys.path[0] != _ROOT:
        del sys.path[0]


def _refuse_strangers() -> None:
    """Raise ImportError, importing nothing, if a package of ours is found anywhere but beside this one."""
    for name in ("symbolic", "numeric", "proofs"):
        spec = find_spec(name)
        found = spec.origin if spec else None
        own = join(_ROOT, name, "__init__.py")
        if found is None or realpath(found) != realpath(own):
            message = (
                f"backproof needs its own package {name!r} from {own}, but `import {name}` finds "
                f"{found or 'nothing'}; rename that one, or install backproof into an environment of its own "
                "and use its command `backproof check`, which lets your files keep their names"
            )
            raise ImportError(message, name=name, path=found)


class _Patience:
    """pytest imports this package at every start, with our plugin's module, in environments where no test
    wants it: there the refusal waits until another module of ours is imported, or a name of ours is used.
    """

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name.startswith(f"{__name__}.") and name != f"{__name__}.pytest_plugin":
            _refuse_strangers()


_leave_working_folder()
if "_pytest.config" in sys.modules:
    sys.meta_path.insert(0, _Patience)
else:
    _refuse_strangers()


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # a type checker that saw this would take every misspelt name for an attribute

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(
                f"module 'backproof' has no attribute {name!r}", name=name, obj=sys.modules[__name__]
            )
        _refuse_strangers()
        module = import_module(_HOME[name])
        value = globals()[name] = module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)
        return value
