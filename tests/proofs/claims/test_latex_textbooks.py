r"""LaTeX as textbooks print it: fonts, bars, matrices, samples, environments; each formula read and judged.

The formulas are those of the usual derivations: the four equations, sums of squares over samples, softmax
with cross-entropy, a penalty.
"""

import pytest

from proofs.claims.given import given
from proofs.claims.judging import judge
from proofs.claims.latex import readings
from proofs.claims.parsing import parse_claims
from proofs.claims.writing import claim_latex, claim_text
from symbolic.errors import FormulaError
from tests.proofs.claims.test_judging import CHAIN

SAMPLES = given(
    sizes={"K": False, "M": False, "P": False, "n": True},
    fixed={"q": 2, "r": 3},
    depth=2,
    arrays={
        "y": "K, M",
        "x": "P, M",
        "t": "K, M",
        "w": "K, P",
        "b": "K",
        "s": "K",
        "a": "n[l], M for l in 0..L",
        "o": "n[l] for l in 1..L",
        "u": "q",
        "v": "q",
        "c": "r",
        "A": "q, r",
        "E": "",
        "S": "",
        "Lcal": "",
    },
    functions={"sigma": "1/(1 + exp(-z))", "g": "layered"},
    constants=("lambda", "eta"),
    definitions=[
        "y = w @ x + outer(b, ones(M))",
        "E = Sum(Sum((y[k,m] - t[k,m])**2, k), m)/2",
        "s[k] = exp(b[k])/Sum(exp(b[j]), j)",
        "S = -Sum(t[k,m]*log(s[k]), k, m)",
        "A[i,j] = u[i]*c[j]",
        "u = 2*v",
        "Lcal = E + lambda*dot(w, w)/2",
    ],
)
CHAINED = {  # about z[l] = W[l] @ a[l-1] + b[l] and C = Σ(y - a)²/2
    r"\mathbf{z}^{(l)} := \mathbf{W}^{(l)}\mathbf{a}^{(l-1)}+\mathbf{b}^{(l)}": "z[l] = W[l] @ a[l-1] + b[l]",
    r"\vec{a}^{\,l} \equiv \sigma\!\left(W^{l}\vec{a}^{\,l-1}+\vec{b}^{\,l}\right)": (
        "a[l] = sigma(W[l] @ a[l-1] + b[l])"
    ),
    r"C = \dfrac{1}{2} \|y-a^L\|^2": "C = 1/2*dot(y - a[L], y - a[L])",
    r"C = \frac12 \sum_j \Bigl[ y_j - a_j^L \Bigr]^{2}": "C = 1/2*Sum((y[j] - a[L][j])**2, j)",
    r"\delta^l = \left[(W^{l+1})^{\mathsf T}\delta^{l+1}\right]\circ\sigma'(z^l), \, l = L-1, \dots, 1": (
        "delta[l] = W[l+1].T @ delta[l+1]*sigma'(z[l]) for l in 1..L-1"
    ),
    r"\nabla_{\boldsymbol{W}^{(k)}} C = \boldsymbol{\delta}^{(k)} \boldsymbol{a}^{(k-1)\top}": (
        "D(C, W[k]) = delta[k] @ a[k-1].T"
    ),
    r"\nabla_{\boldsymbol{b}^{(l)}} C = \boldsymbol{\delta}^{(l)}.": "D(C, b[l]) = delta[l]",
    r"\frac{\partial C}{\partial W^{(l)}_{i,j}} = \delta^{(l)}_{i}\,a^{(l-1)}_{j}\qquad(l=1,\dots,L)": (
        "D(C, W[l][i,j]) = delta[l][i]*a[l-1][j] for l in 1..L"
    ),
    r"\delta_j^l = \sigma'(z_j^l)\, \bigl((W^{l+1})^T \delta^{l+1}\bigr)_j \quad \text{for } 1 \le l < L": (
        "delta[l][j] = sigma'(z[l][j])*row(W[l+1].T @ delta[l+1], j) for l in 1..L-1"
    ),
    r"\[ \frac{dC}{db_j^l} = \delta_j^l, \]": "D(C, b[l][j]) = delta[l][j]",
    r"$z_l = W_l a_{l-1} + b_l$": "z[l] = W[l] @ a[l-1] + b[l]",
    r"\frac{\partial z_k^l}{\partial b_j^l} = I_{kj}": "D(z[l][k], b[l][j]) = delta(k, j)",
    r"\frac{\partial z_k^l}{\partial b_j^l} = \mathbb{1}[k = j]": "D(z[l][k], b[l][j]) = delta(k, j)",
}
SAMPLED = {
    r"y_k(\mathbf{x}_m, \mathbf{w}) = \sum_i w_{ki} x_{im} + b_k": "y[k,m] = Sum(w[k,i]*x[i,m], i) + b[k]",
    r"y^{(m)} = w x^{(m)} + b": "col(y, m) = w @ col(x, m) + b",
    r"y^{(m)}_k = (w x)_{km} + b_k": "y[k,m] = row(col(w @ x, m), k) + b[k]",
    r"a^{[l](i)}_j = a^{[l]}_{ji}": "a[l][j,i] = a[l][j,i]",
    r"E(\mathbf{w}) = \frac{1}{2} \sum_{m=1}^{M} \sum_{k=1}^{K} \{ y_k(x_m) - t_{km} \}^2": (
        "E = 1/2*Sum(Sum((y[k,m] - t[k,m])**2, k=1..K), m=1..M)"
    ),
    r"E(w, b) = \frac12\sum_m \lVert y(x_m) - t^{(m)} \rVert_2^2": (
        "E = 1/2*Sum(dot(col(y, m) - col(t, m), col(y, m) - col(t, m)), m)"
    ),
    r"\frac{\partial E}{\partial \mathbf{w}} = (\mathbf{y} - \mathbf{t}) \mathbf{x}^{\mathrm{T}}": (
        "D(E, w) = (y - t) @ x.T"
    ),
    r"\partial_{w} \mathcal{L} = (y - t) x^\intercal + \lambda w": "D(Lcal, w) = (y - t) @ x.T + lambda*w",
    r"\frac{\partial^2 E}{\partial w_{ki} \partial w_{kj}} = \sum_m x_{im} x_{jm}": (
        "D(D(E, w[k,j]), w[k,i]) = Sum(x[i,m]*x[j,m], m)"
    ),
    r"\frac{\partial^2 E}{\partial b_k^2} = M": "D(D(E, b[k]), b[k]) = M",
    r"s_k = \frac{e^{b_k}}{\sum_j e^{b_j}}": "s[k] = exp(b[k])/Sum(exp(b[j]), j)",
    r"\frac{\partial s_k}{\partial b_j} = s_k (I_{kj} - s_j)": "D(s[k], b[j]) = s[k]*(delta(k, j) - s[j])",
    r"S = -\sum_{k,m} t_{km} \ln s_k": "S = -Sum(Sum(t[k,m]*log(s[k]), m), k)",
    r"\frac{d\sigma(b_k)}{db_k} = \underbrace{\sigma(b_k)}_{\text{see above}} ( 1 - \sigma(b_k) )": (
        "D(sigma(b[k]), b[k]) = sigma(b[k])*(1 - sigma(b[k]))"
    ),
    r"\mathbf{u} = \begin{pmatrix} 2 v_1 \\ 2 v_2 \end{pmatrix}": "u = vector(2*v[1], 2*v[2])",
    r"A = \begin{bmatrix} u_1 c_1 & u_1 c_2 & u_1 c_3 \\ u_2 c_1 & u_2 c_2 & u_2 c_3 \end{bmatrix}": (
        "A = rows(vector(u[1]*c[1], u[1]*c[2], u[1]*c[3]), vector(u[2]*c[1], u[2]*c[2], u[2]*c[3]))"
    ),
    r"A = \begin{pmatrix} u_1 \\ u_2 \end{pmatrix} \begin{pmatrix} c_1 & c_2 & c_3 \end{pmatrix}": (
        "A = vector(u[1], u[2]) @ vector(c[1], c[2], c[3]).T"
    ),
    r"b = \begin{pmatrix} b_1 \\ \vdots \\ b_K \end{pmatrix}": "b = b",
    r"o^l = \begin{bmatrix} o^l_1 \\ \vdots \\ o^l_{n_l} \end{bmatrix}": "o[l] = o[l]",
    r"w = \begin{bmatrix} w_{11} & \cdots & w_{1P} \\ \vdots & \ddots & \vdots \\ w_{K1} & \cdots & w_{KP}"
    r"\end{bmatrix}": "w = w",
    r"\langle u, v \rangle = 2 |v_1|^2 + 2 |v_2|^2": "dot(u, v) = 2*abs(v[1])**2 + 2*abs(v[2])**2",
    r"\begin{aligned} \partial_w E &= (y - t) x^T \\ &= y x^T \\ &\quad - t x^T \end{aligned}": (
        "D(E, w) = (y - t) @ x.T; (y - t) @ x.T = y @ x.T - t @ x.T"
    ),
    r"g^{[l]\prime}(b) = g^{[l]}\,'(b) \tag{3.1}": "g'[l](b) = g'[l](b)",
}
WRONG = {
    r"\frac{\partial s_k}{\partial b_j} = s_k (1 - s_j)": "false",
    r"\partial_w E = x (y - t)^T": "ill-formed",
    r"\frac{\partial^2 E}{\partial b_k^2} = K": "false",
    r"A = \begin{pmatrix} u_2 \\ u_1 \end{pmatrix} \begin{pmatrix} c_1 & c_2 & c_3 \end{pmatrix}": "false",
    r"b = \begin{pmatrix} b_1 \\ b_2 \end{pmatrix}": "ill-formed",  # K is any size, though 2 is one of them
    r"u = \begin{pmatrix} 2 v_1 \\ 2 v_2 \\ 0 \end{pmatrix}": "ill-formed",
    r"E(w) = \frac12 \sum_m \| y(x_m) - t(x_m) \|": "false",
}
CASES = [*((latex, CHAIN, text) for latex, text in CHAINED.items())]
CASES += [(latex, SAMPLES, text) for latex, text in SAMPLED.items()]


@pytest.mark.parametrize(("latex", "context", "text"), CASES, ids=[latex for latex, _, _ in CASES])
def test_what_textbooks_print_is_read_and_true(latex, context, text):
    first, *_ = readings(latex, context)
    assert "; ".join(map(claim_text, first.claims)) == text
    assert {judge(claim, context).answer for claim in first.claims} == {"true"}


@pytest.mark.parametrize("latex", WRONG)
def test_what_is_wrong_in_the_same_notation_is_not_true(latex):
    first, *_ = readings(latex, SAMPLES)
    assert judge(first.claims[0], SAMPLES).answer == WRONG[latex]


def test_what_an_array_depends_on_may_be_a_factor():
    found = {reading.words: claim_text(reading.claims[0]) for reading in readings("E = w(x)", SAMPLES)}
    assert found == {"E(w) is E, as it depends on w": "E = w", "E(w) is a product": "E = w @ x"}


@pytest.mark.parametrize(
    "text", ["u = vector(2*v[1], 2*v[2])", "A = rows(vector(1, 2, 3), vector(4, 5, v[1]))"]
)
def test_a_matrix_is_written_as_it_is_read(text):
    (claim,) = parse_claims(text)
    (reading,) = readings(claim_latex(claim, SAMPLES), SAMPLES)
    assert reading.claims[0].right == claim.right


def test_a_place_in_the_text_stays_where_it_is():
    with pytest.raises(FormulaError, match="at character 29"):
        readings(r"$\| u \|^2 = |v_1|\tag{1} + \foo$", SAMPLES)
