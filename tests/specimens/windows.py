"""Convolutions and pools: windows that overlap, strides, padding, flips and axes; samples last."""

import numpy as np

from tests.specimens.graphs import above_dense, network, specimen


def padded(x, p):
    return np.pad(x, [(0, 0), (p, p), (0, 0)])


def cut(dx, p, length):
    return dx[:, p : p + length]


def conv1d(
    stride=1,
    padding=0,
    *,
    back_stride=None,
    flip=False,
    filters=lambda w: w,
    uncut=cut,
    bias=lambda g: g.sum(axis=(1, 2)),
    weights=lambda dw: dw,
):
    """Y[o,q] = Σ W[o,h,k] X[h, s q + k - p] + b[o], one k after another."""

    def layer(x, params, t):
        w, xp = params["n.W"], padded(x, padding)
        size = w.shape[2]
        count = (xp.shape[1] - size) // stride + 1

        def places(k, s):
            return slice(k, k + s * (count - 1) + 1, s)

        def back(g):
            dw, dxp = np.zeros_like(w), np.zeros_like(xp)
            for k in range(size):
                dw[:, :, k] = np.einsum("oqc,hqc->oh", g, xp[:, places(k, stride)])
                used = filters(w[:, :, size - 1 - k if flip else k])
                dxp[:, places(k, back_stride or stride)] += np.einsum("oh,oqc->hqc", used, g)
            return uncut(dxp, padding, x.shape[1]), {"n.W": weights(dw), "n.b": bias(g)}

        y = sum(np.einsum("oh,hqc->oqc", w[:, :, k], xp[:, places(k, stride)]) for k in range(size))
        return y + params["n.b"][:, None, None], back

    return above_dense(layer)


def conv2d(stride=(1, 1), *, back_strides=None, weights=lambda dw: dw, bias=lambda g: g.sum(axis=(1, 2, 3))):
    def layer(x, params, t):
        w = params["n.W"]
        rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], w.shape[2:], stride, strict=True))

        def places(k, l, by):
            (s, z) = by
            return np.s_[:, k : k + s * (rows - 1) + 1 : s, l : l + z * (columns - 1) + 1 : z]

        def back(g):
            dw, dx = np.zeros_like(w), np.zeros_like(x)
            for k, l in np.ndindex(w.shape[2:]):
                dw[:, :, k, l] = np.einsum("oqrc,hqrc->oh", g, x[places(k, l, back_strides or stride)])
                dx[places(k, l, stride)] += np.einsum("oh,oqrc->hqrc", w[:, :, k, l], g)
            return dx, {"n.W": weights(dw), "n.b": bias(g)}

        y = sum(
            np.einsum("oh,hqrc->oqrc", w[:, :, k, l], x[places(k, l, stride)])
            for k, l in np.ndindex(w.shape[2:])
        )
        return y + params["n.b"][:, None, None, None], back

    return above_dense(layer)


def transposed(stride, *, back_stride=None):
    """Y[o, s q + k] += W[h,o,k] X[h,q], and b[o]."""

    def layer(x, params, t):
        w, s = params["n.W"], stride
        size, count = w.shape[2], x.shape[1]
        y = np.zeros((w.shape[1], s * (count - 1) + size, x.shape[2]))
        for k in range(size):
            y[:, k : k + s * (count - 1) + 1 : s] += np.einsum("ho,hqc->oqc", w[:, :, k], x)

        def back(g):
            z = back_stride or s
            seen = [g[:, k : k + z * (count - 1) + 1 : z] for k in range(size)]
            dw = np.stack([np.einsum("hqc,oqc->ho", x, each) for each in seen], axis=2)
            dx = sum(np.einsum("ho,oqc->hqc", w[:, :, k], each) for k, each in enumerate(seen))
            return dx, {"n.W": dw, "n.b": g.sum(axis=(1, 2))}

        return y + params["n.b"][:, None, None], back

    return above_dense(layer)


def added(dx, at, g):
    dx[at] += g


def assigned(dx, at, g):
    dx[at] = g


def max_pool(kernel, stride, padding=0, *, put=added, uncut=cut, every=False):
    def layer(x, params, t):
        xp = np.pad(x, [(0, 0), (padding, padding), (0, 0)], constant_values=-np.inf)
        starts = range(0, xp.shape[1] - kernel + 1, stride)
        windows = [xp[:, q : q + kernel] for q in starts]
        i, c = np.ogrid[: x.shape[0], : x.shape[2]]

        def back(g):
            dxp = np.zeros_like(xp)
            for q, start in enumerate(starts):
                if every:
                    put(dxp, np.s_[:, start : start + kernel], g[:, q : q + 1])
                else:
                    put(dxp, (i, start + windows[q].argmax(axis=1), c), g[:, q])
            return uncut(dxp, padding, x.shape[1]), {}

        return np.stack([window.max(axis=1) for window in windows], axis=1), back

    return above_dense(layer)


def average_pool(kernel, stride, *, put=added, share=lambda k: 1 / k):
    def layer(x, params, t):
        starts = range(0, x.shape[1] - kernel + 1, stride)

        def back(g):
            dx = np.zeros_like(x)
            for q, start in enumerate(starts):
                put(dx, np.s_[:, start : start + kernel], share(kernel) * g[:, q : q + 1])
            return dx, {}

        return np.stack([x[:, q : q + kernel].mean(axis=1) for q in starts], axis=1), back

    return above_dense(layer)


def max_pool2d(kernel, *, put=added):
    """Square windows, one place apart."""

    def layer(x, params, t):
        units, height, width, m = x.shape
        places = list(np.ndindex(height - kernel + 1, width - kernel + 1))
        flat = [x[:, q : q + kernel, r : r + kernel].reshape(units, -1, m) for q, r in places]
        i, c = np.ogrid[:units, :m]

        def back(g):
            dx = np.zeros_like(x)
            for (q, r), window in zip(places, flat, strict=True):
                k, l = np.divmod(window.argmax(axis=1), kernel)
                put(dx, (i, q + k, r + l, c), g[:, q, r])
            return dx, {}

        shape = (units, height - kernel + 1, width - kernel + 1, m)
        return np.stack([window.max(axis=1) for window in flat], axis=1).reshape(shape), back

    return above_dense(layer)


def left_in_place(dxp, padding, length):
    """The padding is not cut off at the left but at the right."""
    return dxp[:, :length]


def remainder_from_the_right(dx, padding, length):
    """Where the stride leaves a rest, the windows are counted from the other end."""
    return np.roll(dx, 1, axis=1)


CONV = network("conv1d", 2, 7, channels=2, kernel=3)
STRIDED = network("conv1d", 2, 8, channels=2, kernel=3, stride=2, padding=1)
SQUARE = network("conv1d", 2, 7, units=3, channels=3, kernel=2)
REST = network("conv1d", 2, 8, channels=2, kernel=2, stride=3)
CONV2D = network("conv2d", 2, 5, 5, units=2, channels=2, kernel_h=2, kernel_w=2, stride_h=1, stride_w=2)
PLAIN_2D = network("conv2d", 2, 4, 5, units=2, channels=2, kernel_h=2, kernel_w=2)
TRANSPOSED = network("conv1d-transposed", 2, 4, channels=2, kernel=3, stride=2)
OVERLAPPING = network("max-pool1d", 2, 7, kernel=3, stride=1)
PADDED = network("max-pool1d", 2, 7, kernel=3, stride=2, padding=1)
AVERAGE = network("average-pool1d", 2, 7, kernel=3, stride=2)
POOL_2D = network("max-pool2d", 2, 4, 4, units=2, kernel_h=2, kernel_w=2)
POOLED = ("+=", "overlap", "assigned", "overwritten")
STRIDE, AXIS = ("stride", "index", "position"), ("axis", "transpose", "index")


SPECIMENS = (
    specimen(48, "max pool: = for +=", OVERLAPPING, max_pool(3, 1), max_pool(3, 1, put=assigned),
        "stride = size", *POOLED),
    specimen(48, "max pool 2-d: = for +=", POOL_2D, max_pool2d(2), max_pool2d(2, put=assigned),
        "stride = size", *POOLED),
    specimen(48, "average pool: = for +=", AVERAGE, average_pool(3, 2), average_pool(3, 2, put=assigned),
        "stride = size", *POOLED),
    specimen(48, "average pool: not divided by its size", AVERAGE, average_pool(3, 2),
        average_pool(3, 2, share=lambda k: 1), "size 1", "N_k", "1/k", "factor", "mean"),
    specimen(48, "max pool: padding cut off at the wrong end", PADDED, max_pool(3, 2, 1),
        max_pool(3, 2, 1, uncut=left_in_place), "no padding", "padding", "index", "position"),
    specimen(48, "max pool: g to the whole window", PADDED, max_pool(3, 2, 1), max_pool(3, 2, 1, every=True),
        "size 1", "max", "mask", "place"),
    specimen(49, "convolution: stride dropped on the way back", STRIDED, conv1d(2, 1),
        conv1d(2, 1, back_stride=1), "stride 1", *STRIDE),
    specimen(49, "convolution: kernel flipped on the way back", CONV, conv1d(), conv1d(flip=True),
        "symmetric kernel", "flip", "index", "position"),
    specimen(49, "convolution: dW flipped", CONV, conv1d(), conv1d(weights=lambda dw: dw[:, :, ::-1].copy()),
        "symmetric dW", "flip", "index", "position"),
    specimen(49, "convolution: channels in for channels out", SQUARE, conv1d(), conv1d(filters=lambda w: w.T),
        "1 channel", *AXIS),
    specimen(49, "convolution: dW with channels swapped", SQUARE, conv1d(),
        conv1d(weights=lambda dw: dw.swapaxes(0, 1).copy()), "1 channel", *AXIS),
    specimen(49, "convolution: padding cut off at the wrong end", STRIDED, conv1d(2, 1),
        conv1d(2, 1, uncut=left_in_place), "no padding", "padding", "index", "position"),
    specimen(49, "convolution: remainder at the wrong end", REST, conv1d(3),
        conv1d(3, uncut=remainder_from_the_right), "no remainder", "index", "position", "padding"),
    specimen(4, "convolution: bias gradient a mean over places", CONV, conv1d(),
        conv1d(bias=lambda g: g.mean(axis=1).sum(axis=1)), "one place", "mean", "1/"),
    specimen(5, "convolution: bias gradient summed over channels", CONV, conv1d(),
        conv1d(bias=lambda g: np.full(len(g), g.sum())), "1 channel", "units", "axis", "sum"),
    specimen(49, "2-d convolution: the rows' stride for both in dW", CONV2D, conv2d((1, 2)),
        conv2d((1, 2), back_strides=(1, 1)), "equal strides", *STRIDE),
    specimen(49, "2-d convolution: dW's rows and columns swapped", PLAIN_2D, conv2d(),
        conv2d(weights=lambda dw: dw.swapaxes(2, 3).copy()), "symmetric kernel", *AXIS),
    specimen(7, "2-d convolution: bias gradient not reduced over places", PLAIN_2D, conv2d(),
        conv2d(bias=lambda g: g.sum(axis=3)), "one place", "shape", "reduced"),
    specimen(49, "transposed convolution: stride dropped", TRANSPOSED, transposed(2),
        transposed(2, back_stride=1), "stride 1", *STRIDE),
)  # fmt: skip
