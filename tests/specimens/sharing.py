"""Values that are used more than once: fan-out, tied weights, products, and a small engine; samples last."""

import numpy as np

import backproof as bp
from tests.specimens.graphs import dense, half_squared, specimen


def named(**ways):
    """The gradients of dense layers by name; a way back gives those of W, b and its input."""
    return {f"{name}.{p}": grad for name, way in ways.items() for p, grad in zip("Wb", way[:2], strict=True)}


def residual_family():
    nodes = {
        "h": bp.node("dense", "x", units=3),
        "a": bp.node("tanh", "h"),
        "f": bp.node("dense", "a", units=3),
        "y": bp.node("add", "h", "f"),
    }
    return bp.graph(inputs={"x": (2, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "y")})


def residual(joined):
    """y = h + W tanh(h) + b: what comes back along the skip and the branch is joined."""

    def gradient(params, x, t):
        h, h_back = dense(params["h.W"], params["h.b"], x["x"])
        a = np.tanh(h)
        f, f_back = dense(params["f.W"], params["f.b"], a)
        g = half_squared(h + f, t)
        ways = f_back(g)
        return named(f=ways, h=h_back(joined(g, ways[2] * (1 - a**2))))

    return gradient


def twice_used(layer):
    def build():
        nodes = {"h": bp.node("dense", "x", units=3), "y": bp.node(layer, "h", "h")}
        return bp.graph(inputs={"x": (2, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "y")})

    return build


def pair(value, back):
    """y = value(h), made of h and h."""

    def gradient(params, x, t):
        h, h_back = dense(params["h.W"], params["h.b"], x["x"])
        return named(h=h_back(back(h, half_squared(value(h), t))))

    return gradient


class Tensor:
    """A value of a small engine with its parents, and how a gradient is handed on to them."""

    def __init__(self, value, parents=(), pull=lambda g: ()):
        self.value, self.parents, self.pull = value, parents, pull
        self.grad = np.zeros_like(value)


def tanh(a):
    y = np.tanh(a.value)
    return Tensor(y, (a,), lambda g: (g * (1 - y**2),))


def add(a, b):
    return Tensor(a.value + b.value, (a, b), lambda g: (g, g))


def multiply(a, b):
    return Tensor(a.value * b.value, (a, b), lambda g: (g * b.value, g * a.value))


def in_order(end, g):
    """Every tensor once, after all that it is used by."""
    order, end.grad = [], g

    def visit(tensor):
        if tensor not in order:
            for parent in tensor.parents:
                visit(parent)
            order.append(tensor)

    visit(end)
    for tensor in reversed(order):
        for parent, part in zip(tensor.parents, tensor.pull(tensor.grad), strict=True):
            parent.grad = parent.grad + part


def along_every_path(tensor, g):
    """At every visit the whole gradient so far is handed on again."""
    tensor.grad = tensor.grad + g
    for parent, part in zip(tensor.parents, tensor.pull(tensor.grad), strict=True):
        along_every_path(parent, part)


def engine(backward, formula):
    def gradient(params, x, t):
        value, h_back = dense(params["h.W"], params["h.b"], x["x"])
        h = Tensor(value)
        y = formula(h)
        backward(y, half_squared(y.value, t))
        return named(h=h_back(h.grad))

    return gradient


def diamond(h):
    s = tanh(h)
    return add(multiply(s, h), s)


def doubled(h):
    s = tanh(h)
    return add(s, s)


def engine_family(*last):
    def build():
        nodes = {"h": bp.node("dense", "x", units=3), "s": bp.node("tanh", "h")}
        nodes |= {"p": bp.node("multiply", "s", "h")} if "p" in last else {}
        nodes["y"] = bp.node("add", *last)
        return bp.graph(inputs={"x": (2, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "y")})

    return build


def tied_family(width):
    def build():
        nodes = {
            "e": bp.node("dense", "x", units=width),
            "a": bp.node("tanh", "e"),
            "d": bp.node("dense-transposed", "a", units=3, arrays={"W": "e.W"}),
        }
        return bp.graph(inputs={"x": (3, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "d")})

    return build


def tied(encoder=lambda grad: grad, decoder=lambda g, a: a @ g.T, back=lambda w, g: w @ g):
    """The decoder's weights are the encoder's, transposed: y = Wᵀ a + b."""

    def gradient(params, x, t):
        w = params["e.W"]
        z, e_back = dense(w, params["e.b"], x["x"])
        a = np.tanh(z)
        g = half_squared(w.T @ a + params["d.b"][:, None], t)
        dw, db, _ = e_back(back(w, g) * (1 - a**2))
        return {"e.W": encoder(dw) + decoder(g, a), "e.b": db, "d.b": g.sum(axis=1)}

    return gradient


def product_family():
    nodes = {
        "h": bp.node("dense", "x", units=3),
        "k": bp.node("dense", "x", units=3),
        "y": bp.node("multiply", "h", "k"),
    }
    return bp.graph(inputs={"x": (2, "m")}, nodes=nodes, losses={"E": bp.loss("half-squared", "y")})


def product(back):
    """y = h∘k; `back(g, h, k, y)` gives ∂E/∂h and ∂E/∂k."""

    def gradient(params, x, t):
        (h, h_back), (k, k_back) = (dense(params[f"{n}.W"], params[f"{n}.b"], x["x"]) for n in "hk")
        dh, dk = back(half_squared(h * k, t), h, k, h * k)
        return named(h=h_back(dh), k=k_back(dk))

    return gradient


def by_division(g, h, k, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        return g * y / h, g * y / k


ADD, SQUARE = twice_used("add"), twice_used("multiply")
USED_ONCE = "used once"
PATH, TWICE = ("path", "fan-out", "+=", "missing"), ("path", "twice", "double", "factor")
SPECIMENS = (
    specimen(44, "residual: the skip overwritten by the branch", residual_family, residual(np.add),
        residual(lambda skip, branch: branch), USED_ONCE, *PATH),
    specimen(44, "residual: the branch overwritten by the skip", residual_family, residual(np.add),
        residual(lambda skip, branch: skip), USED_ONCE, *PATH),
    specimen(44, "h + h: = for +=", ADD, pair(lambda h: h + h, lambda h, g: 2 * g),
        pair(lambda h: h + h, lambda h, g: g), USED_ONCE, *PATH, "factor"),
    specimen(44, "h∘h: = for +=", SQUARE, pair(lambda h: h * h, lambda h, g: 2 * g * h),
        pair(lambda h: h * h, lambda h, g: g * h), USED_ONCE, *PATH, "factor"),
    specimen(17, "h∘h: the product taken for a matrix's", SQUARE,
        pair(lambda h: h * h, lambda h, g: 2 * g * h),
        pair(lambda h: h * h, lambda h, g: 2 * (g * h).sum(axis=0) * np.ones_like(h)), "one unit",
        "elementwise", "sum", "axis"),
    specimen(45, "double counted: no topological order, diamond", engine_family("p", "s"),
        engine(in_order, diamond), engine(along_every_path, diamond), "tree graph", *TWICE),
    specimen(45, "double counted: no topological order, 3 for 2", engine_family("s", "s"),
        engine(in_order, doubled), engine(along_every_path, doubled), "tree graph", *TWICE),
    specimen(44, "tied weights: the decoder's share overwritten", tied_family(2), tied(),
        tied(decoder=lambda g, a: 0), "not tied", *PATH),
    specimen(55, "tied weights: the encoder's share missing", tied_family(2), tied(),
        tied(encoder=lambda grad: 0), "not tied", *PATH),
    specimen(0, "tied weights: the decoder's transpose forgotten", tied_family(3), tied(),
        tied(decoder=lambda g, a: g @ a.T), "crashes at unequal widths", "transpose", "index"),
    specimen(9, "tied weights: Wᵀ for W on the way back", tied_family(3), tied(),
        tied(back=lambda w, g: w.T @ g), "W is symmetric", "transpose", "Wᵀ"),
    specimen(35, "product rule by division", product_family, product(lambda g, h, k, y: (g * k, g * h)),
        product(by_division), "no factor is 0", "not finite", "nan", seen="at zero"),
    specimen(18, "product rule: each its own factor", product_family,
        product(lambda g, h, k, y: (g * k, g * h)), product(lambda g, h, k, y: (g * h, g * k)), "h = k",
        "index", "factor", "X1"),
)  # fmt: skip
