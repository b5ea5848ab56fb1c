"""A question about backpropagation in matrix expressions; ENTRIES are all of it and of the answer."""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.matrix_question_answer import ANSWER
from proofs.published.matrix_question_contexts import NUMBERING, OUTPUTS, OWN

OUTPUT: Final = "2*(yhat - y)*f'(W[L] @ z[L-1])"
OUTPUT_OF_VECTOR: Final = "2*(yhat - y)*f'(dot(v, z[L-1]))"
QUESTION: Final = (
    Entry(
        "S3-Q1",
        "question, set-up",
        "p inputs; hidden layers of n nodes each; one output; no biases.",
        "definition",
        OWN,
        ("z[0] = x; dot(z[1], z[2]) = dot(z[2], z[1]); yhat = z[L]",),
    ),
    Entry(
        "S3-Q2",
        "question, forward pass",
        "Each layer is f of its matrix times the layer before, up to z_n and ŷ. Before this n was the number "
        "of nodes in a layer and m that of hidden layers; with this n, ŷ would come after layer n and not "
        "after the last one. The rest of the document has n for the number of hidden layers.",
        "claim",
        OWN,
        (
            "z[1] = f(W[1] @ x); z[2] = f(W[2] @ z[1]); z[L-1] = f(W[L-1] @ z[L-2]); yhat = f(W[L] @ z[L-1])",
            "z[1] = f(W[1] @ x); z[2] = f(W[2] @ z[1]); z[n] = f(W[n] @ z[n-1]); yhat = f(W[n+1] @ z[n])",
        ),
        corrected="z[L-1] = f(W[L-1] @ z[L-2]); yhat = f(W[L] @ z[L-1])",
        latex=r"z_1=f(W_1x),\ \dots,\ z_m=f(W_mz_{m-1}),\quad \hat y=f(W_{m+1}z_m)",
        error_class="index",
    ),
    Entry(
        "S3-Q3",
        "question, loss",
        "The squared error of one sample, without 1/2.",
        "definition",
        OWN,
        ("MSE = (yhat - y)**2",),
    ),
    Entry(
        "S3-Q4",
        "question, last matrix",
        "The slope by the last matrix is a number times z_n. It is where that matrix is a vector; W_{n+1}z_n "
        "needs a row, whose slope is a row.",
        "claim",
        OWN,
        (
            f"D(MSE, W[L]) = {OUTPUT}*z[L-1] = k[L-1]*z[L-1]",
            f"D(MSE, v) = {OUTPUT_OF_VECTOR}*z[L-1] = k[L-1]*z[L-1]",
        ),
        corrected=f"D(MSE, W[L]) = {OUTPUT}*z[L-1].T = k[L-1]*z[L-1].T",
        latex=r"\frac{\partial MSE}{\partial W_{n+1}}=2(\hat y-y)f'(W_{n+1}z_n)\,z_n^T=k_nz_n^T",
        error_class="transposition",
    ),
    Entry(
        "S3-Q5",
        "question, last matrix",
        "k_n is the slope by the argument of the last f.",
        "definition",
        OWN,
        (f"k[L-1] = {OUTPUT}",),
    ),
    Entry(
        "S3-Q6",
        "question, last hidden matrix",
        "The slope by W_n is an outer product. W_{n+1} times a column entry by entry needs a column.",
        "claim",
        OWN,
        (
            "D(MSE, W[L-1]) = outer(k[L-1]*(W[L]*f'(W[L-1] @ z[L-2])), z[L-2]) = outer(k[L-2], z[L-2])",
            "D(MSE, W[L-1]) = outer(k[L-1]*(v*f'(W[L-1] @ z[L-2])), z[L-2]) = outer(k[L-2], z[L-2])",
        ),
        corrected="D(MSE, W[L-1]) = outer(k[L-1]*(W[L].T*f'(W[L-1] @ z[L-2])), z[L-2])"
        " = outer(k[L-2], z[L-2])",
        latex=r"\frac{\partial MSE}{\partial W_n}=k_n\big(W_{n+1}^T\circ f'(W_nz_{n-1})\big)\otimes z_{n-1}"
        r"=k_{n-1}\otimes z_{n-1}",
        error_class="transposition",
    ),
    Entry(
        "S3-Q7",
        "question, recursion",
        "The error that is asked for: k_{i+1}ᵀW_i is a row and has the matrix of the wrong layer; turned "
        "into a column it is still false. The matrix is the one that leads from layer i to the next, "
        "transposed. Which k belongs to W_i has changed since the last two matrices; false in both "
        "numberings. With the second correction the slope that follows is right as printed.",
        "claim",
        NUMBERING,
        (
            "k[i] = (k[i+1].T @ W[i])*f'(W[i] @ z[i-1]) for i in 1..L-2",
            "k[i] = (k[i+1].T @ W[i]).T*f'(W[i] @ z[i-1]) for i in 2..L-2",
        ),
        corrected="k[i-1] = (W[i+1].T @ k[i])*f'(W[i] @ z[i-1]) for i in 1..L-1;"
        "D(MSE, s[i]) = (W[i+1].T @ D(MSE, s[i+1]))*f'(W[i] @ z[i-1]) for i in 1..L-1",
        latex=r"k_{i-1}=(W_{i+1}^Tk_i)\circ f'(W_iz_{i-1}),\quad\text{or, where }k_i\text{ belongs to "
        r"}W_i,\quad k_i=(W_{i+1}^Tk_{i+1})\circ f'(W_iz_{i-1})",
        error_class="layer",
    ),
    Entry(
        "S3-Q8",
        "question, slope from the recursion",
        "The slope by W_i is the outer product of k_i and z_{i-1}. In the document k_{n-1} belongs to W_n; "
        "it is true where k_i belongs to W_i, which the recursion could have meant: one correction of the "
        "two is enough.",
        "claim",
        NUMBERING,
        ("D(MSE, W[i]) = outer(k[i], z[i-1]) for i in 1..L-1",),
        corrected="D(MSE, W[i]) = outer(k[i-1], z[i-1]) for i in 1..L-1",
        latex=r"\frac{\partial MSE}{\partial W_i}=k_{i-1}\otimes z_{i-1}",
        error_class="index",
    ),
    Entry(
        "S3-Q9",
        "question, prose",
        "One output is enough: for several, the same is done for each of them in turn, and added.",
        "claim",
        OUTPUTS,
        ("D(MSE, W[l]) = Sum(D(e[c], W[l]), c)",),
    ),
)
OPEN: Final = (
    Entry(
        "S3-G1",
        "question, wished for",
        "Several outputs and layers of any widths: the error of each layer, and the slope by each matrix.",
        "open",
        {"any widths": next(iter(OUTPUTS.values()))},
        (
            "k[L] = 2*(z[L] - y)*f'(W[L] @ z[L-1]);"
            "k[i] = (W[i+1].T @ k[i+1])*f'(W[i] @ z[i-1]) for i in 1..L-1;"
            "D(MSE, W[i]) = k[i] @ z[i-1].T",
        ),
        latex=r"k_{m+1}=2(\hat y-y)\circ f'(W_{m+1}z_m),\quad k_i=(W_{i+1}^Tk_{i+1})\circ "
        r"f'(W_iz_{i-1}),\quad \frac{\partial MSE}{\partial W_i}=k_iz_{i-1}^T",
    ),
)

ENTRIES: Final = (*QUESTION, *ANSWER, *OPEN)
