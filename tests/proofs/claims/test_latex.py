"""LaTeX of claims: the same trees as text, every reading of what is ambiguous, errors with their place."""

import re
from contextlib import suppress

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from proofs.claims.given import given
from proofs.claims.judging import judge
from proofs.claims.latex import readings
from proofs.claims.parsing import parse_claims
from proofs.claims.writing import claim_latex, claim_text
from symbolic.errors import FormulaError
from tests.proofs.claims.test_judging import CHAIN, FALSE, TRUE

PRINTED = {
    r"\delta_j^l=\sigma'(z_j^l)\sum_k\delta_k^{l+1}W_{kj}^{l+1}": (
        "delta[l][j] = sigma'(z[l][j])*Sum(delta[l+1][k]*W[l+1][k,j], k)"
    ),
    r"\frac{\partial C}{\partial W_{jk}^{[l]}} = \delta_j^{[l]} a_k^{[l-1]}, \quad l = 1, \dots, L": (
        "D(C, W[l][j,k]) = delta[l][j]*a[l-1][k] for l in 1..L"
    ),
    r"\partial C/\partial b_j^l=\delta_j^l": "D(C, b[l][j]) = delta[l][j]",
    r"\nabla_{W^{(l)}} C = \delta^{(l)} \otimes a^{(l-1)}": "D(C, W[l]) = outer(delta[l], a[l-1])",
    r"C = \tfrac12\sum_{j=1}^{n^{[L]}} \left(y_j-a_j^L\right)^2": (
        "C = 1/2*Sum((y[j] - a[L][j])**2, j=1..n[L])"
    ),
    r"\frac{\partial}{\partial b_j^l}\Big[\sum_k W_{jk}^l a_k^{l-1}\Big] = 0": (
        "D(Sum(W[l][j,k]*a[l-1][k], k), b[l][j]) = 0"
    ),
    r"a^{L} = \sigma(W^{L}\,a^{L-1} + b^{L})": "a[L] = sigma(W[L] @ a[L-1] + b[L])",
    r"W_{l+1}^T \delta_{l+1} = a_l": "W[l+1].T @ delta[l+1] = a[l]",
    r"\mathrm{diag}(\sigma^{\prime}(z^L)) = \frac1{2C}": "diag(sigma'(z[L])) = 1/(2*C)",
    r"\frac{\partial z_j^l}{\partial z_k^l} = \mathrm{delta}(j, k)": "D(z[l][j], z[l][k]) = delta(j, k)",
    r"x^{T} x = -\frac12 \cdot 3^2": "x.T @ x = -(1/2*3**2)",
    r"\sigma(C) = 1/(1 + e^{-C})": "sigma(C) = 1/(1 + exp(-C))",
    r"C^{\eta x_1 + 1} = 2^{-1}": "C**(eta*x[1] + 1) = 2**(-1)",
    r"\sum_i \sum_k W_{ik}^1 x_k = C^{-1}": "Sum(Sum(W[1][i,k]*x[k], k), i) = C**(-1)",
}
AMBIGUOUS = {
    r"\delta^l = W^{l+1\,T} \delta^{l+1} \odot \sigma'(z^l)": {
        "products before ∘ and ⊗": "delta[l] = W[l+1].T @ delta[l+1]*sigma'(z[l])",
        "∘ and ⊗ before products": "delta[l] = W[l+1].T @ (delta[l+1]*sigma'(z[l]))",
    },
    r"\sigma'(z^l) \circ W^{l+1} x": {
        "products before ∘ and ⊗": "sigma'(z[l])*(W[l+1] @ x)",
        "∘ and ⊗ before products": "sigma'(z[l])*W[l+1] @ x",
    },
    r"\sum_k x_k + C": {
        "a sum ends before + and -": "Sum(x[k], k) + C",
        "a sum goes on beyond + and -": "Sum(x[k] + C, k)",
    },
    r"x \cdot y": {"· is the product": "x @ y", "· is the inner product": "dot(x, y)"},
    "1/2C": {
        "/ divides by the next factor": "1/2*C",
        "/ divides by all that follows": "1/(2*C)",
    },
}
REFUSED = {
    "C = ": "the end is not expected here at character 5",
    r"C = \sum_k": "a sum has a body at character 5",
    r"C = \sum x": "a sum says over which index",
    r"C = \odot x": r"\odot has nothing on its left at character 5",
    r"C = x \odot": r"\odot has nothing on its right at character 7",
    r"C = \partial x": r"\partial stands in",
    r"C = \frac{\partial C}{x \partial x}": r"\partial stands in",
    r"C = \sigma": "sigma is a function",
    r"C = x_{i?}": "is no index",
    r"C = x^{i?}": "is no formula",
    r"C = W^{1+i+j}": "is no layer",
    r"C = x_i_j": "this stands there twice",
    r"C = (x, y)": "holds one formula",
    "C = " + "{" * 70 + "x" + "}" * 70: "nested more than 60 deep",
    "C = " + "x" * 3000: "a claim has at most 2,000",
    "C = 1" + "+1" * 900: "more than 150 factors",
    "C = " + "x" * 900: "more than 150 factors",
    "C = \u202ex": "not expected here",
    r"C = \sum_{i=1}^{\frac12} x_i": "the ends of a sum",
    r"C \leftarrow C - \eta": r"\leftarrow makes no equation; a claim says = at character 3",
    r"C \approx 1": r"\approx makes no equation",
    r"C = \prod_k x_k": r"\prod is not read here, nor is it a name that is given at character 5",
    r"C = \widetilde{C} + \ddot x": r"\ddot is not read here",
    r"C = x_1 + \cdots + x_n": r"\cdots is not read here, nor is it a name that is given at character 11",
    r"C = x_{i_j}": "'i_j' is no index",
    r"C = |x_1": "the end is not expected",
    r"C = \log C C": "what log is of is not plain",
    r"C = \| x \|^3": "of norms, ‖v‖ and its square are read",
    r"x = x \mathbf{1}": r"a column of ones is written \mathrm{ones}(m)",
    r"x = y^{(i)(k)}": "is no layer, index or power",
    r"C = C^{(i)}": "C is not one for each layer, and has no axis for a sample i",
    r"x = \begin{pmatrix} x_1 \\ x_1 & x_2 \end{pmatrix}": "the rows of a matrix are of one length",
    r"x = \begin{pmatrix} x_1 \\ \vdots \\ x_3 \end{pmatrix}": "goes from the first entry to the entry n[0]",
    r"x = \begin{pmatrix} 1 \\ \vdots \\ x_3 \end{pmatrix}": "the entries are those of one array",
    r"C = \frac{\partial^2 C}{\partial C}": "this is by 1 quantities; above stands another order",
}


@pytest.mark.parametrize("latex", PRINTED)
def test_what_is_printed_is_read_as_it_is_meant(latex):
    first, *_ = readings(latex, CHAIN)
    (claim,) = first.claims
    (meant,) = parse_claims(PRINTED[latex])
    assert (claim.left, claim.right, claim.ranges) == (meant.left, meant.right, meant.ranges)


@pytest.mark.parametrize("latex", AMBIGUOUS)
def test_every_reading_of_what_is_ambiguous_is_made_and_named(latex):
    text = latex if "=" in latex else f"0 = {latex}"
    found = {reading.words: claim_text(reading.claims[0]) for reading in readings(text, CHAIN)}
    assert {words: claim.removeprefix("0 = ") for words, claim in found.items()} == AMBIGUOUS[latex]


def test_three_readings_of_a_product_between_two_others():
    context = given(sizes={"n": False}, arrays={"k": "n", "W": "n, n", "f": "n"})
    found = {claim_text(r.claims[0]) for r in readings(r"0 = k^T W \circ f W", context)}
    assert found == {"0 = k.T @ W*(f @ W)", "0 = k.T @ (W*f) @ W", "0 = k.T @ W*f @ W"}


@pytest.mark.parametrize("latex", REFUSED)
def test_what_is_no_formula_is_refused_with_its_place(latex):
    with pytest.raises(FormulaError, match=re.escape(REFUSED[latex])):
        readings(latex, CHAIN)


@pytest.mark.parametrize("text", TRUE)
def test_latex_of_a_true_claim_is_read_as_a_true_claim(text):
    (claim,) = parse_claims(text)
    first, *_ = readings(claim_latex(claim, CHAIN), CHAIN)
    assert judge(first.claims[0], CHAIN).answer == "true"


@pytest.mark.parametrize("text", FALSE)
def test_latex_of_a_false_claim_is_read_as_a_false_claim(text):
    (claim,) = parse_claims(text)
    first, *_ = readings(claim_latex(claim, CHAIN), CHAIN)
    assert judge(first.claims[0], CHAIN).answer == "false"


def test_a_flipped_sign_in_latex_is_false():
    right = r"\frac{\partial C}{\partial b_j^l} = \delta_j^l"
    (true,), (false,) = (
        reading.claims for text in (right, right.replace("= ", "= -")) for reading in readings(text, CHAIN)
    )
    assert (judge(true, CHAIN).answer, judge(false, CHAIN).answer) == ("true", "false")


def test_names_of_several_letters_accents_and_names_with_a_subscript():
    context = given(arrays={"MSE": "", "yhat": "", "C_X": "", "t": ""})
    (reading,) = readings(r"MSE = (\hat y - t)^2 + C_X \hat{y}", context)
    assert claim_text(reading.claims[0]) == "MSE = (yhat - t)**2 + C_X*yhat"


def test_a_chain_of_equations_is_as_many_claims():
    (reading,) = readings("C = C = C", CHAIN)
    assert len(reading.claims) == 2


COMMANDS = r"\\ \| \begin{pmatrix} \end{pmatrix} \frac \partial \mathbf \hat \vdots \log \sum_ \nabla_"
PIECES = [*r"{}[]()^_'+-=,/&|$.: abCLWxz12lδ∘", *COMMANDS.split()]


@drawn(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_text_is_read_or_refused(text):
    with suppress(FormulaError):
        assert readings(text, CHAIN)
