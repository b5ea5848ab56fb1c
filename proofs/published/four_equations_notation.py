"""The derivation by four equations, from gradient descent to the loss of one sample."""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.four_equations_contexts import (
    LINE,
    NEURON,
    ONE_SAMPLE,
    TRAINING_SET,
    TWO_LAYERS,
)

STEP: Final = {"one neuron, half-square": NEURON}

NOTATION: Final = (
    Entry(
        "S4-E01",
        "gradient descent",
        "A step takes from each weight and bias its entry of ∇E, η times; shown for a neuron with both.",
        "definition",
        STEP,
        ("w_next = w - eta*D(E, w); b_next = b - eta*D(E, b)",),
    ),
    Entry(
        "S4-P01",
        "gradient descent, prose",
        "Each step of gradient descent makes the error smaller, whatever η: |E′ − E| would be E − E′ for "
        "every η = r². It is so to first order in η only; a long step overshoots.",
        "claim",
        STEP,
        ("abs(E_next - E) = E - E_next",),
        corrected="D(E_t, t) = -D(E, w)**2 - D(E, b)**2",
        latex=r"\frac{d}{d\eta}E(p-\eta\nabla E)\Big|_{\eta=0}=-\lVert\nabla E\rVert^2",
        error_class="overclaim",
    ),
    Entry(
        "S4-P02",
        "why backpropagation is needed, prose",
        "E has no formula in the parameters, and therefore ∇E has none: it is denied of C and of ∂C/∂w¹ that "
        "they are closed expressions in w, b, x and y. Both are; what they lack is brevity.",
        "claim",
        TWO_LAYERS,
        (
            "not C = Sum("
            "(y[i] - sigma(Sum(w[2][i,j]*sigma(Sum(w[1][j,k]*x[k], k) + b[1][j]), j) + b[2][i]))**2, i)/2; "
            "not D(C, w[1][j,k]) = sigma'(z[1][j])*Sum((a[2][i] - y[i])*sigma'(z[2][i])*w[2][i,j], i)*x[k]",
        ),
        corrected="D(C, w[1][j,k]) = sigma'(z[1][j])*Sum((a[2][i] - y[i])*sigma'(z[2][i])*w[2][i,j], i)*x[k]",
        latex=r"\frac{\partial C}{\partial w_{jk}^1}"
        r"=\sigma'(z_j^1)\sum_i(a_i^2-y_i)\,\sigma'(z_i^2)\,w_{ij}^2\,x_k\quad(L=2)",
        error_class="overclaim",
    ),
    Entry(
        "S4-P02b",
        "before the error of a neuron, prose",
        "Derivatives are computed numerically: the numbers of an exact formula, or difference quotients. The "
        "first is what backpropagation does, the second is another method, and an approximation.",
        "claim",
        STEP,
        (
            "D(E, w) = (sigma(w*x + b) - y)*sigma'(w*x + b)*x",
            "D(E, w) = ((y - sigma((w + h)*x + b))**2/2 - E)/h",
        ),
        corrected="D(E, w) = (sigma(w*x + b) - y)*sigma'(w*x + b)*x",
        latex=r"\frac{\partial E}{\partial w}=(a-y)\,\sigma'(z)\,x",
        error_class="derivative",
    ),
    Entry(
        "S4-P03",
        "terminology, prose",
        "An activation is a function of its own row of weights, its own bias, and all activations before it.",
        "claim",
        ONE_SAMPLE,
        (
            "a[l][j] = sigma(Sum(w[l][j,k]*a[l-1][k], k) + b[l][j]); "
            "D(a[l][j], w[l][i,k]) = delta(i, j)*sigma'(z[l][j])*a[l-1][k]; "
            "D(a[l][j], b[l][i]) = delta(i, j)*sigma'(z[l][j]); "
            "D(a[l][j], a[l-1][k]) = sigma'(z[l][j])*w[l][j,k]",
        ),
    ),
    Entry(
        "S4-E02",
        "terminology, (aj_function)",
        "An activation written out term by term, with a_k in place of a_K in the last: here with K = 3.",
        "claim",
        ONE_SAMPLE,
        ("a[2][j] = sigma(a[1][1]*w[2][j,1] + a[1][2]*w[2][j,2] + a[1][k]*w[2][j,3] + b[2][j])",),
        corrected="a[l][j] = sigma(Sum(a[l-1][k]*w[l][j,k], k) + b[l][j])",
        latex=r"a_j^l=f\left(a_1^{l-1}w_{j1}^l+\dots+a_k^{l-1}w_{jk}^l+\dots+a_K^{l-1}w_{jK}^l+b_j^l\right)",
        error_class="index",
    ),
    Entry(
        "S4-E03",
        "terminology, (aj_function2)",
        "An activation is σ of the weighted input.",
        "definition",
        ONE_SAMPLE,
        ("a[l][j] = sigma(z[l][j])",),
    ),
    Entry(
        "S4-E04",
        "terminology, (zj)",
        "A weighted input written out term by term, with a_k in place of a_K in the last: here with K = 3.",
        "claim",
        ONE_SAMPLE,
        ("z[2][j] = a[1][1]*w[2][j,1] + a[1][2]*w[2][j,2] + a[1][k]*w[2][j,3] + b[2][j]",),
        corrected="z[l][j] = Sum(a[l-1][k]*w[l][j,k], k) + b[l][j]",
        latex=r"z_j^l=a_1^{l-1}w_{j1}^l+\dots+a_k^{l-1}w_{jk}^l+\dots+a_K^{l-1}w_{jK}^l+b_j^l",
        error_class="index",
    ),
    Entry(
        "S4-E05",
        "terminology, the vector of weighted inputs",
        "The weighted inputs of a layer as a column of J entries.",
        "definition",
        ONE_SAMPLE,
        ("dot(z[l], ones(J[l])) = Sum(z[l][j], j)",),
    ),
    Entry(
        "S4-E06",
        "terminology, the matrix of weights",
        "The weights into a layer as a J×K matrix: J×J identities fit from the left, K×K from the right.",
        "definition",
        ONE_SAMPLE,
        ("w[l] = diag(ones(J[l])) @ w[l] @ diag(ones(J[l-1]))",),
    ),
    Entry(
        "S4-P05",
        "terminology, below the matrix of weights",
        "Column k holds what goes out from a_k of the layer before, row j what comes into z_j.",
        "claim",
        ONE_SAMPLE,
        (
            "w[l] @ a[l-1] = Sum(col(w[l], k)*a[l-1][k], k); "
            "z[l][j] = dot(row(w[l], j), a[l-1]) + b[l][j]; "
            "D(z[l][i], w[l][j,k]) = delta(i, j)*a[l-1][k]",
        ),
    ),
    Entry(
        "S4-E07",
        "terminology, the vector of activations",
        "σ goes entry by entry, but row j of what is printed has no σ.",
        "claim",
        ONE_SAMPLE,
        ("a[l] = sigma(z[l]); a[l][j] = z[l][j]",),
        corrected="a[l] = sigma(z[l]); a[l][j] = sigma(z[l][j])",
        latex=r"a^l=\sigma(z^l)=\left[\sigma(z_1^l),\dots,\sigma(z_j^l),\dots,\sigma(z_J^l)\right]^T",
        error_class="function",
    ),
    Entry(
        "S4-E08",
        "terminology, (z_matrix_notation)",
        "The weighted inputs of a layer as matrix times vector plus vector, and each row written out.",
        "claim",
        ONE_SAMPLE,
        ("z[l] = w[l] @ a[l-1] + b[l]; z[l][j] = Sum(w[l][j,k]*a[l-1][k], k) + b[l][j]",),
    ),
    Entry(
        "S4-E09",
        "the loss, (error_function)",
        "The loss as a function of all weights and biases, here written out for two layers.",
        "definition",
        TRAINING_SET,
        (
            "C = Sum(Sum("
            "(y[i,n] - sigma(Sum(w[2][i,j]*sigma(Sum(w[1][j,k]*x[k,n], k) + b[1][j]), j) + b[2][i]))**2"
            ", i), n)/(2*N)",
        ),
    ),
    Entry(
        "S4-E10",
        "the loss, (error_gradient)",
        "The gradient lists the slope of C by every weight and bias; C changes along any line (v, u) through "
        "them as their product with it says.",
        "definition",
        {"C of one sample along a line": LINE},
        (
            "D(C_t, t) = dot(D(C, w[1]), v[1]) + dot(D(C, w[2]), v[2])"
            " + dot(D(C, b[1]), u[1]) + dot(D(C, b[2]), u[2])",
        ),
    ),
    Entry(
        "S4-P06",
        "the loss, assumptions",
        "Of two assumptions that are announced one is stated, that C is the average of C_X. It holds of the "
        "quadratic loss; but it is not enough for what follows: an average R with a penalty on the weights "
        "satisfies it as well. The other is that C_X depends on the parameters through a^L alone.",
        "claim",
        TRAINING_SET,
        (
            "C = Sum(C_X[n], n)/N",
            "D(R, w[2][j,k]) = Sum(delta[2][j,n]*a[1][k,n], n)/N",
        ),
        corrected="C = Sum(C_X[n], n)/N; D(C, w[l][j,k]) = Sum(delta[l][j,n]*a[l-1][k,n], n)/N",
        latex=r"C=\frac1N\sum_X C_X,\qquad C_X=C_X(a^L)",
        error_class="undefined",
    ),
    Entry(
        "S4-E11",
        "the loss, quadratic",
        "The quadratic loss: half the squares of all outputs, averaged over the samples.",
        "definition",
        TRAINING_SET,
        ("C = Sum(Sum((y[j,n] - a[L][j,n])**2, j)/2, n)/N",),
    ),
    Entry(
        "S4-E12",
        "the loss, quadratic, prose",
        "The loss of one sample, of which the quadratic loss is the average, without its square.",
        "claim",
        TRAINING_SET,
        ("C = Sum(Sum(y[j,n] - a[L][j,n], j)/2, n)/N",),
        corrected="C = Sum(Sum((y[j,n] - a[L][j,n])**2, j)/2, n)/N",
        latex=r"C_X=\frac12\sum_j(y_j-a_j^L)^2",
        error_class="missing-square",
    ),
    Entry(
        "S4-P07",
        "the loss, quadratic, prose",
        "The half is a convenience: without it every slope is the same, times 2.",
        "claim",
        ONE_SAMPLE,
        (
            "D(Sum((y[i] - a[L][i])**2, i), w[l][j,k]) = 2*D(C, w[l][j,k]); "
            "D(Sum((y[i] - a[L][i])**2, i), b[l][j]) = 2*D(C, b[l][j])",
        ),
    ),
    Entry(
        "S4-E13",
        "the loss, slope of the average",
        "The slope by a bias is the average of the slopes of the samples' half-squares.",
        "claim",
        TRAINING_SET,
        ("D(C, b[l][j]) = Sum(D(Sum((y[m,n] - a[L][m,n])**2, m)/2, b[l][j]), n)/N",),
    ),
    Entry(
        "S4-E14",
        "the loss, slope of the average, vectors",
        "The same with the square of a vector, which is said to be its dot product with itself.",
        "claim",
        TRAINING_SET,
        (
            "D(C, b[l][j])"
            " = Sum(D(dot(col(y, n) - col(a[L], n), col(y, n) - col(a[L], n))/2, b[l][j]), n=1..N)/N",
        ),
    ),
    Entry(
        "S4-P07b",
        "the loss, below the slope of the average",
        "Slopes of single samples are averaged, by weights as by biases; from here C is that of one sample.",
        "claim",
        TRAINING_SET,
        ("D(C, b[l][j]) = Sum(D(C_X[n], b[l][j]), n)/N; D(C, w[l][j,k]) = Sum(D(C_X[n], w[l][j,k]), n)/N",),
    ),
)
