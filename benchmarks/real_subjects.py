"""PyTorch's autograd and JAX are never called wrong: drawn networks, in both precisions.

    python -m benchmarks.real_subjects --networks 500

Activations, losses, scales, penalties, biases and labels are drawn from all that both can express, at depths
1 to 5 and batches of 1 to 6; every network is asked of each framework in float32 and float64, at three
generic points. Prints a row for each of the four, and every finding; `known` networks are those in which a
slope is right to single precision only, as docs/findings.md says. Exits with 1 at a false alarm.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from backproof.judging import GREY
from backproof.strategies import networks
from symbolic.network import Network
from tests.real.expressed import asked, is_known
from tests.real.jax_tables import JAX
from tests.real.torch_tables import TORCH

FRAMEWORKS = {"torch": TORCH, "jax": JAX}
DTYPES = ("float64", "float32")
Row = Counter[str]


def campaign(count: int, seed: int, frameworks: Sequence[str]) -> bool:
    """Print a row for each framework and precision; whether there was no false alarm."""
    rows: dict[tuple[str, str], Row] = {(name, dtype): Counter() for name in frameworks for dtype in DTYPES}
    largest = dict.fromkeys(rows, 0.0)

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(
        networks(max_depth=5, min_width=1, unequal=False), st.integers(1, 6), st.integers(0, 2**32)
    )
    def draw(network: Network, samples: int, point_seed: int) -> None:
        for (name, dtype), row in rows.items():
            found = asked(FRAMEWORKS[name], network, samples, dtype, point_seed)
            row["networks"] += 1
            if is_known(FRAMEWORKS[name], dtype, network):
                row["known"] += any(outcome.findings for outcome in found)
                continue
            for outcome in found:
                row["points"] += 1
                row["entries"] += outcome.entries
                row["grey"] += outcome.not_counted[GREY]
                row["not counted"] += outcome.not_counted.total()
                largest[name, dtype] = max(largest[name, dtype], outcome.error)
            wrong = [finding for outcome in found for finding in outcome.findings]
            row["alarms"] += bool(wrong)
            for finding in wrong[:1]:
                print(f"{name} {dtype}, {network}, {samples} samples, seed {point_seed}: {finding.sentence}")
                print(f"    {finding.disagreements[0]}", flush=True)

    draw()
    columns = ("networks", "points", "entries", "not counted", "grey", "known", "alarms")
    print(f"{'':14}" + "".join(f"{column:>12}" for column in (*columns, "error/bound")))
    for key, row in rows.items():
        print(f"{' '.join(key):14}" + "".join(f"{row[c]:12,}" for c in columns) + f"{largest[key]:12.3f}")
    return not any(row["alarms"] for row in rows.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frameworks", nargs="+", choices=FRAMEWORKS, default=list(FRAMEWORKS))
    options = parser.parse_args()
    raise SystemExit(not campaign(options.networks, options.seed, options.frameworks))
