"""Models of other libraries as graphs: one row for each kind of layer, function and operator."""

from backproof.importing.imported import Evaluated as Evaluated
from backproof.importing.imported import Imported as Imported
from backproof.importing.imported import Part as Part
from backproof.importing.onnx_model import from_onnx as from_onnx
from backproof.importing.sklearn_mlp import from_sklearn as from_sklearn
from backproof.importing.torch_fx import from_torch as from_torch
