"""Wrong backward passes as people write them, each beside the right one: the rows of the catalogue of bugs.

NumPy alone computes; only the networks are described in backproof's words.
"""

from tests.specimens import (
    activations,
    arrangement,
    attention,
    dense,
    losses,
    normalisation,
    recurrent,
    sharing,
    state,
    two_layers,
    windows,
)

TABLES = (
    dense, two_layers, activations, losses, state,
    normalisation, windows, attention, recurrent, arrangement, sharing,
)  # fmt: skip
SPECIMENS = tuple(row for table in TABLES for row in table.SPECIMENS)
NOT_EXPRESSED = {
    56: "a fault of somebody's test, not of a backward pass: there is no gradient to be wrong",
}
