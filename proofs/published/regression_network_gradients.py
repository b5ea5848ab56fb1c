"""Error backpropagation for regression: E by samples and the slopes, (15) to (28).

Where the document leaves out the sample m of an output a_i of the sample at hand, it is put in.
"""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.regression_network_contexts import LINE, MEAN, OWN, PER_SAMPLE, SUM, scales

ERROR: Final = "(y[k,m] - t[k,m])"
GRADIENTS: Final = (
    Entry(
        "S0-E15",
        "(15)",
        "E_m, of one sample, is half the sum of squares over the outputs.",
        "definition",
        PER_SAMPLE,
        ("Em[m] = Sum((y[k,m] - t[k,m])**2, k)/2",),
    ),
    Entry(
        "S0-P12",
        "behind (15)",
        "With (15) the slope in (14) can be written with E_m: by (11), as the sum over samples. (What is "
        "rewritten next is E itself, and (14) only after that.)",
        "claim",
        scales(SUM),
        ("D(E, W[2][i,k]) = Sum(D(Em[m], W[2][i,k]), m)",),
    ),
    Entry(
        "S0-E16",
        "(16)",
        "E, which (11) made the sum of E_m, is said to be their mean. Corrected it is the sum again; who "
        "keeps the mean, as all that follows does, has to put 1/M into (11).",
        "claim",
        scales(SUM),
        ("E = Sum(Em[m], m)/M",),
        corrected="E = Sum(Em[m], m)",
        latex=r"E = \sum_{m=1}^{M} E_m",
        error_class="factor",
    ),
    Entry(
        "S0-E17",
        "(17)",
        "The update of an output weight, rewritten by (16); the 1/K comes from nowhere. (The left side is "
        "read as the new weight. With E of (11) there is no 1/M either.)",
        "claim",
        scales(MEAN),
        ("Wnew[2][i,k] = W[2][i,k] - rate[2]*(1/M)*(1/K)*Sum(D(Em[m], W[2][i,k]), m)",),
        corrected="Wnew[2][i,k] = W[2][i,k] - rate[2]*(1/M)*Sum(D(Em[m], W[2][i,k]), m)",
        latex=r"w_{i,k}^{[2]} \leftarrow w_{i,k}^{[2]} - \rho_2 \frac{1}{M} \sum_{m=1}^{M} "
        r"\frac{\partial E_m}{\partial w_{i,k}^{[2]}}",
        error_class="factor",
    ),
    Entry(
        "S0-E18",
        "(18)",
        "The slope of E_m by an output weight, by the chain rule; a minus sign too many.",
        "claim",
        PER_SAMPLE,
        (f"D(Em[m], W[2][i,k]) = -{ERROR}*D(y[k,m], W[2][i,k])",),
        corrected=f"D(Em[m], W[2][i,k]) = {ERROR}*D(y[k,m], W[2][i,k])",
        latex=r"\frac{\partial E_m}{\partial w_{i,k}^{[2]}} = (y_k(x_m) - t_{k,m}) "
        r"\frac{\partial y_k(x_m)}{\partial w_{i,k}^{[2]}}",
        error_class="sign",
    ),
    Entry(
        "S0-P09",
        "at (18)",
        "The factor 1/2 cancels in the slope of the square.",
        "claim",
        PER_SAMPLE,
        (f"D(Em[m], y[k,m]) = {ERROR}",),
    ),
    Entry(
        "S0-E18b",
        "before (19)",
        "Output k is its weights times A², plus its bias; but A² is the output itself, and a matrix.",
        "claim",
        OWN,
        ("y[k,m] = col(W[2], k).T @ A[2] + b[2][k]",),
        corrected="y[k,m] = col(W[2], k).T @ col(A[1], m) + b[2][k]",
        latex=r"y_k(x_m) = w_k^{[2]T} a_m^{[1]} + b_k^{[2]}",
        error_class="layer",
    ),
    Entry(
        "S0-E19",
        "(19)",
        "The same, term by term (here for three hidden nodes); a is of the wrong layer throughout, and the "
        "last term has the output k where the sample belongs.",
        "claim",
        OWN,
        ("y[k,m] = W[2][1,k]*a[2][1,m] + W[2][2,k]*a[2][2,m] + W[2][3,k]*a[2][3,k] + b[2][k]",),
        corrected="y[k,m] = W[2][1,k]*a[1][1,m] + W[2][2,k]*a[1][2,m] + W[2][3,k]*a[1][3,m] + b[2][k]"
        " = Sum(W[2][i,k]*a[1][i,m], i) + b[2][k]",
        latex=r"y_k(x_m) = w_{1,k}^{[2]} a_{1,m}^{[1]} + \dots + w_{i,k}^{[2]} a_{i,m}^{[1]} + \dots + "
        r"w_{n,k}^{[2]} a_{n,m}^{[1]} + b_k^{[2]}",
        error_class="layer",
    ),
    Entry(
        "S0-P10",
        "after (19)",
        "Of the terms of output k only the one with w_{i,k} depends on it (with a of layer 1: a of layer 2 "
        "depends on every weight).",
        "claim",
        OWN,
        ("D(W[2][j,k]*a[1][j,m], W[2][i,k]) = delta(j, i)*a[1][i,m]; D(b[2][k], W[2][i,k]) = 0",),
    ),
    Entry(
        "S0-E20",
        "(20), circled 10",
        "The slope of y by an output weight is said to be a_i of layer 2; y lacks its index k, w its layer.",
        "claim",
        OWN,
        ("D(col(y, m), W[2][i,k]) = a[2][i,m]",),
        corrected="D(y[k,m], W[2][i,k]) = a[1][i,m]",
        latex=r"\frac{\partial y_k(x_m)}{\partial w_{i,k}^{[2]}} = a_{i,m}^{[1]}",
        error_class="layer",
    ),
    Entry(
        "S0-E21",
        "(21), circled 11",
        "The slope of E_m by an output weight; the error is that of y_i, and a is of layer 2.",
        "claim",
        PER_SAMPLE,
        ("D(Em[m], W[2][i,k]) = (y[i,m] - t[k,m])*a[2][i,m]",),
        corrected=f"D(Em[m], W[2][i,k]) = {ERROR}*a[1][i,m]",
        latex=r"\frac{\partial E_m}{\partial w_{i,k}^{[2]}} = (y_k(x_m) - t_{k,m}) a_{i,m}^{[1]}",
        error_class="index",
    ),
    Entry(
        "S0-E22",
        "(22), circled 12",
        "The slope of E_m by a hidden weight, by the chain rule over all outputs; a minus sign too many.",
        "claim",
        PER_SAMPLE,
        (f"D(Em[m], W[1][d,i]) = -Sum({ERROR}*D(y[k,m], W[1][d,i]), k)",),
        corrected=f"D(Em[m], W[1][d,i]) = Sum({ERROR}*D(y[k,m], W[1][d,i]), k)",
        latex=r"\frac{\partial E_m}{\partial w_{d,i}^{[1]}} = \sum_{k=1}^{K} (y_k(x_m) - t_{k,m}) "
        r"\frac{\partial y_k(x_m)}{\partial w_{d,i}^{[1]}}",
        error_class="sign",
    ),
    Entry(
        "S0-E23",
        "(23), circled 13",
        "An output depends on a hidden weight by way of one hidden output only.",
        "claim",
        OWN,
        ("D(y[k,m], W[1][d,i]) = D(y[k,m], a[1][i,m])*D(a[1][i,m], W[1][d,i])",),
    ),
    Entry(
        "S0-E24",
        "(24), circled 14",
        "The slope of an output by a hidden output is the weight between them.",
        "claim",
        OWN,
        ("D(y[k,m], a[1][i,m]) = W[2][i,k]",),
    ),
    Entry(
        "S0-E24a",
        "circled 15",
        "The chain rule through the input of the hidden node.",
        "claim",
        OWN,
        ("D(a[1][i,m], W[1][d,i]) = D(a[1][i,m], z[1][i,m])*D(z[1][i,m], W[1][d,i])",),
    ),
    Entry(
        "S0-E24b",
        "circled 16",
        "The slope of a hidden output by its input is said to be g, not g′.",
        "claim",
        OWN,
        ("D(a[1][i,m], z[1][i,m]) = g[1](z[1][i,m])",),
        corrected="D(a[1][i,m], z[1][i,m]) = g'[1](z[1][i,m])",
        latex=r"\frac{\partial a_{i,m}^{[1]}}{\partial z_{i,m}^{[1]}} = g'^{[1]}(z_{i,m}^{[1]})",
        error_class="derivative",
    ),
    Entry(
        "S0-E24c",
        "before (25)",
        "The slope of the input of a hidden node by a weight is said to be a sum of that input's own terms, "
        "up to d and D times over: what is to be differentiated, not its slope.",
        "claim",
        OWN,
        ("D(z[1][i,m], W[1][d,i]) = Sum(Sum(W[1][c,i].T*x[c,m], c = 1..d), j = 1..D)",),
        corrected="D(z[1][i,m], W[1][d,i]) = D(Sum(W[1][j,i]*x[j,m], j) + b[1][i], W[1][d,i])",
        latex=r"\frac{\partial z_{i,m}^{[1]}}{\partial w_{d,i}^{[1]}} = \frac{\partial}"
        r"{\partial w_{d,i}^{[1]}} \left(\sum_{j=1}^{D} w_{j,i}^{[1]} x_{j,m} + b_i^{[1]}\right)",
        error_class="derivative",
    ),
    Entry(
        "S0-E25",
        "(25)",
        "The slope of the input of a hidden node by a weight is the network's input.",
        "claim",
        OWN,
        ("D(z[1][i,m], W[1][d,i]) = x[d,m]",),
    ),
    Entry(
        "S0-E26",
        "(26)",
        "The slope of E_m by a hidden weight, put together, with the right sign.",
        "claim",
        PER_SAMPLE,
        (f"D(Em[m], W[1][d,i]) = Sum({ERROR}*W[2][i,k]*g'[1](z[1][i,m])*x[d,m], k)",),
    ),
    Entry(
        "S0-E27",
        "(27)",
        "The slope of E by a hidden weight, said to follow from (16); (16) has no 1/K. (With E of (11) there "
        "is no 1/M either.)",
        "claim",
        scales(MEAN),
        (f"D(E, W[1][d,i]) = (1/M)*(1/K)*Sum(Sum({ERROR}*W[2][i,k]*g'[1](z[1][i,m])*x[d,m], k), m)",),
        corrected=f"D(E, W[1][d,i]) = (1/M)*Sum(Sum({ERROR}*W[2][i,k]*g'[1](z[1][i,m])*x[d,m], k), m)",
        latex=r"\frac{\partial E}{\partial w_{d,i}^{[1]}} = \frac{1}{M} \sum_{m=1}^{M} \sum_{k=1}^{K} "
        r"(y_k(x_m) - t_{k,m}) w_{i,k}^{[2]} g'(z_{i,m}^{[1]}) x_{d,m}",
        error_class="factor",
    ),
    Entry(
        "S0-E28",
        "(28)",
        "The slope of E by an output weight; a is of layer 2 and has no sample though samples are summed "
        "over, and the 1/K is not in (16). (With E of (11) there is no 1/M either.)",
        "claim",
        scales(MEAN),
        (f"D(E, W[2][i,k]) = (1/M)*(1/K)*Sum({ERROR}*a[2][i,m], m)",),
        corrected=f"D(E, W[2][i,k]) = (1/M)*Sum({ERROR}*a[1][i,m], m)",
        latex=r"\frac{\partial E}{\partial w_{i,k}^{[2]}} = \frac{1}{M} \sum_{m=1}^{M} "
        r"(y_k(x_m) - t_{k,m}) a_{i,m}^{[1]}",
        error_class="layer",
    ),
    Entry(
        "S0-P11",
        "closing remark",
        "Two updates of weights and two of biases are all that descent needs: along any line through the "
        "parameters, the four slopes make up the slope of E.",
        "claim",
        LINE,
        (
            "D(E, s) = dot(D(E, W[1]), V[1]) + dot(D(E, b[1]), v[1])"
            " + dot(D(E, W[2]), V[2]) + dot(D(E, b[2]), v[2])",
        ),
    ),
)
