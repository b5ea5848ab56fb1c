"""Error backpropagation for regression: the steps that were announced and left open, now given."""

from __future__ import annotations

from typing import Final

from proofs.published.entry import Entry
from proofs.published.regression_network_contexts import LABELS, MEAN, PROBABILITIES, scales

ERROR: Final = "(y[k,m] - t[k,m])"
BACK: Final = f"Sum({ERROR}*W[2][i,k], k)*g'[1](z[1][i,m])"
FUSED: Final = f"y[k,m]*({ERROR} - Sum((y[j,m] - t[j,m])*y[j,m], j))"
OPEN: Final = (
    Entry(
        "S0-G1",
        "announced, not carried out",
        "The slope of E, as in (16), by the bias of an output.",
        "open",
        scales(MEAN),
        (f"D(E, b[2][k]) = Sum({ERROR}, m)/M",),
        latex=r"\frac{\partial E}{\partial b_k^{[2]}} = \frac{1}{M} \sum_{m=1}^{M} (y_k(x_m) - t_{k,m})",
    ),
    Entry(
        "S0-G2",
        "announced, not carried out",
        "The slope of E, as in (16), by the bias of a hidden node.",
        "open",
        scales(MEAN),
        (f"D(E, b[1][i]) = Sum({BACK}, m)/M",),
        latex=r"\frac{\partial E}{\partial b_i^{[1]}} = \frac{1}{M} \sum_{m=1}^{M} \sum_{k=1}^{K} "
        r"(y_k(x_m) - t_{k,m}) w_{i,k}^{[2]} g'(z_{i,m}^{[1]})",
    ),
    Entry(
        "S0-G3",
        "announced, not carried out",
        "The four updates in matrix form, with E as in (16).",
        "open",
        scales(MEAN),
        (
            "Wnew[2] = W[2] - rate[2]*A[1] @ (Y - T).T/M;"
            "bnew[2] = b[2] - rate[2]*(Y - T) @ ones(M)/M;"
            "Wnew[1] = W[1] - rate[1]*X @ (W[2] @ (Y - T) * g'[1](Z[1])).T/M;"
            "bnew[1] = b[1] - rate[1]*(W[2] @ (Y - T) * g'[1](Z[1])) @ ones(M)/M",
        ),
        latex=r"\Delta^{[2]} = Y - T, \quad \Delta^{[1]} = W^{[2]} \Delta^{[2]} \circ g'^{[1]}(Z^{[1]}), "
        r"\quad W^{[l]} \leftarrow W^{[l]} - \frac{\rho_l}{M} A^{[l-1]} \Delta^{[l]T}, \quad "
        r"b^{[l]} \leftarrow b^{[l]} - \frac{\rho_l}{M} \Delta^{[l]} \mathbf{1}_M",
    ),
    Entry(
        "S0-G4",
        "announced, not carried out",
        "With softmax and cross-entropy the output error is y - t; all slopes keep their form.",
        "open",
        LABELS,
        (
            f"D(Em[m], z[2][k,m]) = {ERROR};"
            f"D(Em[m], W[2][i,k]) = {ERROR}*a[1][i,m]; D(Em[m], b[2][k]) = {ERROR};"
            f"D(Em[m], W[1][d,i]) = {BACK}*x[d,m]; D(Em[m], b[1][i]) = {BACK}",
        ),
        latex=r"\frac{\partial E_m}{\partial z_{k,m}^{[2]}} = y_k(x_m) - t_{k,m}, \quad "
        r"\frac{\partial E_m}{\partial w_{i,k}^{[2]}} = (y_k(x_m) - t_{k,m}) a_{i,m}^{[1]} "
        r"\quad \left(\sum_k t_{k,m} = 1\right)",
    ),
    Entry(
        "S0-G5",
        "announced, not carried out",
        "With softmax and squared error the output error goes through the Jacobian of softmax.",
        "open",
        PROBABILITIES,
        (f"D(Em[m], z[2][k,m]) = {FUSED}; D(Em[m], W[2][i,k]) = {FUSED}*a[1][i,m]",),
        latex=r"\frac{\partial E_m}{\partial z_{k,m}^{[2]}} = y_k(x_m) \left(y_k(x_m) - t_{k,m} - "
        r"\sum_{j=1}^{K} (y_j(x_m) - t_{j,m}) y_j(x_m)\right)",
    ),
)
