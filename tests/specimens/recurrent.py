"""A recurrent layer, an LSTM and a dense layer over time, with a loss at every step; samples last."""

import numpy as np

import backproof as bp
from tests.specimens.attention import softmax
from tests.specimens.graphs import dense, specimen

STEPS = 4


def recurrent(cell, states):
    """The cell over 4 steps, E = Σ_q Σ (h_q - t_q)²/(2m)."""

    def build():
        start = {state: f"s{state}" for state in states}
        return bp.graph(
            inputs={"x": (2, STEPS, "m"), **dict.fromkeys(start.values(), (3, "m"))},
            nodes=bp.unrolled(cell, "x", name="r", steps=STEPS, states=start, units=3),
            losses={f"E_{q}": bp.loss("half-squared", f"r_{q}", f"t_{q}") for q in range(STEPS)},
        )

    return build


def over_time():
    return bp.graph(
        inputs={"x": (2, STEPS, "m")},
        nodes={"z": bp.node("dense", "x", units=3)},
        losses={"E": bp.node("softmax-cross-entropy", "z", arrays={"T": "t"})},
    )


def classes(random, shape):
    """One-hot over the first axis."""
    return np.moveaxis(np.eye(shape[0])[random.integers(0, shape[0], shape[1:])], -1, 0)


def tagger(scale=lambda a: 1 / a.shape[2]):
    def gradient(params, x, t):
        z, back = dense(params["z.W"], params["z.b"], x["x"])
        a = softmax(z, 0)
        dw, db, _ = back(scale(a) * (a - t["t"]))
        return {"z.W": dw, "z.b": db}

    return gradient


def rnn(
    *,
    scale=lambda m: 1 / m,
    carried=lambda u, dz: u.T @ dz,
    before=lambda h, q: h[q],
    slope=lambda h, q: 1 - h[q + 1] ** 2,
    seen=lambda q: True,
    joined=lambda own, later: own + later,
):
    """Backpropagation through time; h[q + 1] is the state after step q."""

    def gradient(params, x, t):
        w, u, b = (params[f"r.{name}"] for name in "WUb")
        m, h = x["x"].shape[-1], [x["sH"]]
        for q in range(STEPS):
            h.append(np.tanh(w @ x["x"][:, q] + u @ h[-1] + b[:, None]))
        dw, du, db, later = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b), 0
        for q in reversed(range(STEPS)):
            dz = joined(scale(m) * (h[q + 1] - t[f"t_{q}"]), later) * slope(h, q)
            dw += dz @ x["x"][:, q].T
            du += dz @ before(h, q).T
            db += dz.sum(axis=1)
            later = carried(u, dz) if seen(q) else 0
        return {"r.W": dw, "r.U": du, "r.b": db}

    return gradient


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm(
    *,
    kept=lambda dc, f: dc * f,
    into_cell=lambda dh, o, c: dh * o * (1 - np.tanh(c) ** 2),
    forget=lambda dc, c, q: dc * c[q],
    through="ifgo",
):
    """c[q + 1] = f∘c[q] + i∘g,  h[q + 1] = o∘tanh(c[q + 1]).

    `through` are the gates by which the state before is reached.
    """

    def gradient(params, x, t):
        m, h, c, gates = x["x"].shape[-1], [x["sH"]], [x["sS"]], []
        for q in range(STEPS):
            z = {
                n: params[f"r.W{n}"] @ x["x"][:, q] + params[f"r.U{n}"] @ h[-1] + params[f"r.b{n}"][:, None]
                for n in "ifgo"
            }
            gates.append({n: np.tanh(z[n]) if n == "g" else sigmoid(z[n]) for n in z})
            i, f, g, o = gates[-1].values()
            c.append(f * c[-1] + i * g)
            h.append(o * np.tanh(c[-1]))
        grads = {name: np.zeros_like(value) for name, value in params.items()}
        later_h, later_c = 0, 0
        for q in reversed(range(STEPS)):
            i, f, g, o = gates[q].values()
            dh = (h[q + 1] - t[f"t_{q}"]) / m + later_h
            dc = into_cell(dh, o, c[q + 1]) + later_c
            dz = {
                "i": dc * g * i * (1 - i),
                "f": forget(dc, c, q) * f * (1 - f),
                "g": dc * i * (1 - g**2),
                "o": dh * np.tanh(c[q + 1]) * o * (1 - o),
            }
            for n, each in dz.items():
                grads[f"r.W{n}"] += each @ x["x"][:, q].T
                grads[f"r.U{n}"] += each @ h[q].T
                grads[f"r.b{n}"] += each.sum(axis=1)
            later_h = sum(params[f"r.U{n}"].T @ dz[n] for n in through)
            later_c = kept(dc, f)
        return grads

    return gradient


RNN, LSTM = recurrent("rnn-cell", "H"), recurrent("lstm-cell", "HS")
ONE_STEP = "one step"
STATE, PATH, INDEX = (
    ("state", "before", "index", "step"),
    ("path", "missing", "zero"),
    ("transpose", "index"),
)


SPECIMENS = (
    specimen(3, "1/T twice: a mean over time as well", over_time, tagger(),
        tagger(lambda a: 1 / (a.shape[1] * a.shape[2])), "T = 1", "1/T", "1/N", "1/4", "mean",
        given={"t": classes}),
    specimen(1, "missing 1/m over time", over_time, tagger(), tagger(lambda a: 1), "m = 1", "1/m",
        given={"t": classes}),
    specimen(3, "1/T at the loss of a recurrent layer", RNN, rnn(), rnn(scale=lambda m: 1 / (m * STEPS)),
        "T = 1", "1/T", "1/N", "1/4", "mean"),
    specimen(9, "U for Uᵀ through time", RNN, rnn(), rnn(carried=lambda u, dz: u @ dz),
        "U is symmetric; one step", *INDEX),
    specimen(18, "h_q for h_(q-1) at U", RNN, rnn(), rnn(before=lambda h, q: h[q + 1]), "never", *STATE),
    specimen(18, "the first state at U in all steps", RNN, rnn(), rnn(before=lambda h, q: h[0]), ONE_STEP,
        *STATE),
    specimen(13, "f' of the step before", RNN, rnn(), rnn(slope=lambda h, q: 1 - h[q] ** 2), "never", *STATE),
    specimen(12, "f' at a, through time", RNN, rnn(), rnn(slope=lambda h, q: 1 - np.tanh(h[q + 1]) ** 2),
        "z near 0", "at a", "f′(a)", "g'(a)", "g′(a)"),
    specimen(55, "no way back through time", RNN, rnn(), rnn(seen=lambda q: False), ONE_STEP, *PATH),
    specimen(55, "the way back is cut every two steps", RNN, rnn(), rnn(seen=lambda q: q % 2),
        "one or two steps", *PATH),
    specimen(44, "the loss of a step overwritten by the later ones", RNN, rnn(),
        rnn(joined=lambda own, later: later if np.ndim(later) else own), ONE_STEP, *PATH, "+=", "fan-out"),
    specimen(55, "LSTM: no way back through the cell", LSTM, lstm(), lstm(kept=lambda dc, f: 0 * dc),
        ONE_STEP, *PATH),
    specimen(55, "LSTM: the output gate's way to the state missing", LSTM, lstm(), lstm(through="ifg"),
        ONE_STEP, *PATH),
    specimen(0, "LSTM: the forget gate not on the way back", LSTM, lstm(), lstm(kept=lambda dc, f: dc),
        "f = 1", "gate", "factor"),
    specimen(10, "LSTM: tanh' of the cell missing", LSTM, lstm(), lstm(into_cell=lambda dh, o, c: dh * o),
        "c near 0", "f′", "slope", "g'", "g′"),
    specimen(12, "LSTM: tanh' of the cell at tanh(c)", LSTM, lstm(),
        lstm(into_cell=lambda dh, o, c: dh * o * (1 - np.tanh(np.tanh(c)) ** 2)), "c near 0", "at a", "f′(a)",
        "g'(a)", "g′(a)"),
    specimen(18, "LSTM: the new cell at the forget gate", LSTM, lstm(),
        lstm(forget=lambda dc, c, q: dc * c[q + 1]), "never", *STATE),
)  # fmt: skip
