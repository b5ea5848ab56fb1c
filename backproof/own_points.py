"""The user's own point: parameters and data from the arrays of an .npz file, in the declared layout."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from backproof import layouts
from backproof.points import Point, sizes_of
from symbolic.conventions import Layout
from symbolic.errors import BackproofError
from symbolic.network import Chain, Network

Array: TypeAlias = npt.NDArray[Any]


class InvalidPoint(BackproofError):
    """The arrays given for a point cannot be parameters and data of the network."""


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file; pickled ones are refused. Raises InvalidPoint."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise InvalidPoint(f"{path} holds one array; save W1, b1, …, x, t with numpy.savez")
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise InvalidPoint(f"there is no file {path}") from None
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InvalidPoint(f"{path} is no .npz of plain arrays: {error}") from None


def read_point(
    arrays: Mapping[str, Array], chain: Chain, layout: Layout, *, lam: float = 0.0
) -> tuple[Network, Point]:
    """The network, with the arrays' sizes where it leaves them open, and the point.

    `arrays` holds W1, b1, W2, …, x and t, without the b of layers that have none. Raises InvalidPoint for
    what is missing, unknown, of a wrong shape, or no finite real number.
    """
    network = chain if isinstance(chain, Network) else chain.network(_sizes(arrays, layout))
    layouts.refuse_labels(network, layout)
    expected = _expected_shapes(network, layout, _samples(arrays, layout))
    if missing := [name for name in expected if name not in arrays]:
        raise InvalidPoint(f"{', '.join(missing)} missing for {network.shape}; give {', '.join(expected)}")
    if unknown := [name for name in arrays if name not in expected]:
        raise InvalidPoint(f"{', '.join(unknown)} not known for {network.shape}; give {', '.join(expected)}")
    values = {name: _checked(name, arrays[name], shape) for name, shape in expected.items()}
    params = tuple(
        (layouts.weights(values[f"W{l}"], layout), values[f"b{l}"].ravel() if layer.bias else None)
        for l, layer in enumerate(network.layers, start=1)
    )
    return network, Point(
        params, layouts.samples(values["x"], layout), _targets(values["t"], network, layout), lam
    )


def _sizes(arrays: Mapping[str, Array], layout: Layout) -> list[int]:
    names = list(takewhile(arrays.__contains__, (f"W{l}" for l in count(1))))
    if not names:
        raise InvalidPoint(f"W1 missing; the arrays are {', '.join(arrays) or 'none'}")
    matrices = [layouts.weights(_matrix(name, arrays[name]), layout) for name in names]
    return [matrices[0].shape[1], *(w.shape[0] for w in matrices)]


def _samples(arrays: Mapping[str, Array], layout: Layout) -> int:
    return layouts.samples(_matrix("x", arrays["x"]), layout).shape[1] if "x" in arrays else 1


def _matrix(name: str, array: Array) -> Array:
    if array.ndim != 2 or 0 in array.shape:
        raise InvalidPoint(f"{name} has shape {array.shape}; expected rows and columns, at least one of each")
    return array


def _expected_shapes(network: Network, layout: Layout, samples: int) -> dict[str, tuple[int, ...]]:
    inputs, *_, outputs = sizes_of(network)
    expected: dict[str, tuple[int, ...]] = {}
    for l, (w, b) in enumerate(layouts.shapes(network, layout), start=1):
        expected |= {f"W{l}": w} | ({} if b is None else {f"b{l}": b})
    x, t = (layouts.samples(np.empty((size, samples)), layout).shape for size in (inputs, outputs))
    return expected | {"x": x, "t": (samples,) if layout.labels == "integer" else t}


def _checked(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    if array.dtype.kind not in "iuf":
        raise InvalidPoint(f"{name} is of dtype {array.dtype}; expected real numbers")
    if array.shape != shape:
        raise InvalidPoint(f"{name} has shape {array.shape}; expected {shape}")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InvalidPoint(f"{name}{list(where)} is {values[where]}; a gradient needs finite numbers")
    return values


def _targets(t: Array, network: Network, layout: Layout) -> Array:
    if layout.labels == "one-hot":
        return layouts.samples(t, layout)
    outputs = sizes_of(network)[-1]
    if not np.isin(t, np.arange(outputs)).all():
        raise InvalidPoint(
            f"t holds {t[~np.isin(t, np.arange(outputs))][0]:g}; labels are 0 to {outputs - 1}"
        )
    return np.eye(outputs)[:, t.astype(int)]
