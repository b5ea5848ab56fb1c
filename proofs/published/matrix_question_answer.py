"""The answer to the question about matrix expressions: differentials, a closed form, the linear module.

A matrix product binds more tightly than ∘, as the differential of z_i needs: f' ∘ dW z would not fit
otherwise. `·` is the dot product, last of all.
"""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.matrix_question_contexts import DIFFERENTIALS, MODULE, OWN, WIDTHS

NEXT: Final = "D(MSE, z[i+1])"
DOWN: Final = f"(W[i+1].T @ ({NEXT}*f'(W[i+1] @ z[i])))"  # true
DOWN_PRINTED: Final = f"(W[i+1].T @ {NEXT})*f'(W[i+1] @ z[i])"
HERE: Final = "f'(W[i] @ z[i-1])"
INNER: Final = "for i in 1..L-2"
INTO_LAST: Final = "f'(W[L-1] @ z[L-2])"
INTO_LAST_BUT_ONE: Final = "f'(W[L-2] @ z[L-3])"
CLOSED: Final = f"W[L-2].T @ ((W[L-1].T @ (slope*{INTO_LAST}))*{INTO_LAST_BUT_ONE})"
FROM_NEXT: Final = f"dot(D(MSE, z[i]), dz[i]) = dot({NEXT}, f'(W[i+1] @ z[i])*(W[i+1] @ dz[i])) {INNER}"

ANSWER: Final = (
    Entry(
        "S3-A1",
        "answer, first remark",
        "For one output the last matrix is a vector, and what has its index is treated apart.",
        "definition",
        OWN,
        ("W[L] = v.T; yhat = f(dot(v, z[L-1]))",),
    ),
    Entry(
        "S3-A2",
        "answer, differential of a layer",
        "z_i changes with its matrix and with the layer before.",
        "claim",
        DIFFERENTIALS,
        ("dz[i] = f'(W[i] @ z[i-1])*(dW[i] @ z[i-1]) + f'(W[i] @ z[i-1])*(W[i] @ dz[i-1]) for i in 1..L",),
    ),
    Entry(
        "S3-A3",
        "answer, chain rule for differentials",
        "The differential of MSE along dz_i is that along the dz_{i+1} which comes of it.",
        "claim",
        WIDTHS,
        (f"dot(D(MSE, z[i]), dz[i]) = dot({NEXT}, dnext[i+1]) for i in 0..L-1",),
    ),
    Entry(
        "S3-A4a",
        "answer, chain rule, next differential",
        "The dz_{i+1} which comes of dz_i, put in.",
        "claim",
        WIDTHS,
        (FROM_NEXT,),
    ),
    Entry(
        "S3-A4b",
        "answer, chain rule, dz_i brought out",
        "To bring dz_i out, the matrix is transposed; the slopes of f have to be multiplied before it is, "
        "and are printed to be after.",
        "claim",
        WIDTHS,
        (f"dot({NEXT}, f'(W[i+1] @ z[i])*(W[i+1] @ dz[i])) = dot({DOWN_PRINTED}, dz[i]) {INNER}",),
        corrected=f"dot({NEXT}, f'(W[i+1] @ z[i])*(W[i+1] @ dz[i])) = dot({DOWN}, dz[i]) {INNER}",
        latex=r"W_{i+1}^T\Big(\frac{\partial MSE}{\partial z_{i+1}}\circ f'(W_{i+1}z_i)\Big)\cdot dz_i",
        error_class="order",
    ),
    Entry(
        "S3-A5",
        "answer, slope by a layer",
        "The same as a slope.",
        "claim",
        WIDTHS,
        (f"D(MSE, z[i]) = {DOWN_PRINTED} {INNER}",),
        corrected=f"D(MSE, z[i]) = {DOWN} {INNER}",
        latex=r"\frac{\partial MSE}{\partial z_i}=W_{i+1}^T"
        r"\Big(\frac{\partial MSE}{\partial z_{i+1}}\circ f'(W_{i+1}z_i)\Big)",
        error_class="order",
    ),
    Entry(
        "S3-A5b",
        "answer, remark",
        "W_{i+1}dz_i is a product of a matrix and a vector up to i + 1 = n; after it, of two vectors, a dot "
        "product.",
        "claim",
        OWN,
        (f"{FROM_NEXT};dot(D(MSE, z[L-1]), dz[L-1]) = D(MSE, z[L])*f'(dot(v, z[L-1]))*dot(v, dz[L-1])",),
    ),
    Entry(
        "S3-A6",
        "answer, differential by a matrix",
        "The differential of MSE by W_i. Besides the order as before, a column meets a matrix entry by "
        "entry: the row z_{i-1}ᵀ has to come last, behind the column as a whole.",
        "claim",
        WIDTHS,
        (f"dot(D(MSE, W[i]), dW[i]) = dot({DOWN_PRINTED}*({HERE} @ z[i-1].T), dW[i]) {INNER}",),
        corrected=f"dot(D(MSE, W[i]), dW[i]) = dot(({DOWN}*{HERE}) @ z[i-1].T, dW[i]) {INNER}",
        latex=r"\Big(W_{i+1}^T\Big(\frac{\partial MSE}{\partial z_{i+1}}\circ f'(W_{i+1}z_i)\Big)"
        r"\circ f'(W_iz_{i-1})\Big)z_{i-1}^T\cdot dW_i",
        error_class="order",
    ),
    Entry(
        "S3-A7",
        "answer, slope by a matrix",
        "The same as a slope.",
        "claim",
        WIDTHS,
        (f"D(MSE, W[i]) = {DOWN_PRINTED}*({HERE} @ z[i-1].T) {INNER}",),
        corrected=f"D(MSE, W[i]) = ({DOWN}*{HERE}) @ z[i-1].T {INNER}",
        latex=r"\frac{\partial MSE}{\partial W_i}=\Big(W_{i+1}^T\Big(\frac{\partial MSE}{\partial z_{i+1}}"
        r"\circ f'(W_{i+1}z_i)\Big)\circ f'(W_iz_{i-1})\Big)z_{i-1}^T",
        error_class="order",
    ),
    Entry(
        "S3-A8",
        "answer, slope by the last hidden layer",
        "A number times W_{n+1}, which is a vector here, by the first remark; as the row of the question it "
        "would have to be transposed.",
        "claim",
        OWN,
        ("D(MSE, z[L-1]) = 2*(yhat - y)*f'(dot(v, z[L-1]))*v = slope",),
    ),
    Entry(
        "S3-A9",
        "answer, closed form",
        "All matrices first and all slopes of f after them; they alternate, and are nested. False for one "
        "factor and for two.",
        "claim",
        WIDTHS,
        (
            f"D(MSE, z[L-2]) = (W[L-1].T @ slope)*{INTO_LAST};"
            f"D(MSE, z[L-3]) = (W[L-2].T @ W[L-1].T @ slope)*{INTO_LAST}*{INTO_LAST_BUT_ONE}",
        ),
        corrected=f"D(MSE, z[L-2]) = W[L-1].T @ (slope*{INTO_LAST}); D(MSE, z[L-3]) = {CLOSED}",
        latex=r"\frac{\partial MSE}{\partial z_i}=W_{i+1}^T\Big(f'(W_{i+1}z_i)\circ "
        r"W_{i+2}^T\Big(\cdots\circ W_n^T\big(f'(W_nz_{n-1})\circ k\big)\cdots\Big)\Big)",
        error_class="order",
    ),
    Entry(
        "S3-A10",
        "answer, after the closed form",
        "The closed form put into the slope by a matrix gives its closed form. Both as printed, here for "
        "i = n - 2, they do not; both as corrected, they do.",
        "claim",
        WIDTHS,
        (
            f"D(MSE, W[L-3]) = (W[L-2].T @ ((W[L-1].T @ slope)*{INTO_LAST}))*{INTO_LAST_BUT_ONE}"
            "*(f'(W[L-3] @ z[L-4]) @ z[L-4].T)",
        ),
        corrected=f"D(MSE, W[L-3]) = (({CLOSED})*f'(W[L-3] @ z[L-4])) @ z[L-4].T",
        latex=r"\frac{\partial MSE}{\partial W_i}=\Big(f'(W_iz_{i-1})\circ W_{i+1}^T\Big(f'(W_{i+1}z_i)\circ"
        r"\cdots W_n^T\big(f'(W_nz_{n-1})\circ k\big)\cdots\Big)\Big)z_{i-1}^T",
        error_class="order",
    ),
    Entry(
        "S3-A11",
        "answer, prose",
        "To program the closed form is not the right way; a backward pass for each module is.",
        "prose",
        reason="It is advice on how to program: both ways give the same slopes, and which one is better is "
        "no equation.",
    ),
    Entry(
        "S3-A12",
        "answer, linear module",
        "The differential of a cost behind a linear module, A being the slope by what comes out of it.",
        "claim",
        MODULE,
        ("dMSE = dot(A, dW @ h) + dot(A, W @ dh)",),
    ),
    Entry(
        "S3-A13",
        "answer, linear module, brought out",
        "dW and dh brought out, the factors in an order that does not fit columns; it is true for rows, "
        "l = hW, which the module is not.",
        "claim",
        MODULE,
        ("dMSE = dot(h.T @ A, dW) + dot(A @ W.T, dh)",),
        corrected="dMSE = dot(A @ h.T, dW) + dot(W.T @ A, dh)",
        latex=r"dMSE=Ah^T\cdot dW+W^TA\cdot dh",
        error_class="order",
    ),
    Entry(
        "S3-A14",
        "answer, linear module, what it passes on",
        "What goes further down and the slope by W, in the same order of factors.",
        "claim",
        MODULE,
        ("D(MSE, h) = A @ W.T; D(MSE, W) = h.T @ A",),
        corrected="D(MSE, h) = W.T @ A; D(MSE, W) = A @ h.T",
        latex=r"\frac{\partial MSE}{\partial h}=W^TA,\qquad\frac{\partial MSE}{\partial W}=Ah^T",
        error_class="order",
    ),
    Entry(
        "S3-A15",
        "answer, prose",
        "Every module makes, of the slope by what comes out of it and of values of the forward pass, the "
        "slope by its weights and the one that it passes on; here for W z and for f, in every layer.",
        "claim",
        WIDTHS,
        (
            "D(MSE, W[i]) = D(MSE, s[i]) @ z[i-1].T;"
            "D(MSE, z[i-1]) = W[i].T @ D(MSE, s[i]) for i in 1..L;"
            "D(MSE, s[i]) = D(MSE, z[i])*f'(s[i])",
        ),
    ),
)
