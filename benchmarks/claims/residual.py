"""A deep plain network trains worse than a shallow one, and residual connections undo it.

He et al. 2015, "Deep Residual Learning for Image Recognition", figures 1 and 6.
"""

from __future__ import annotations

import sys

from benchmarks.claims.common import errors, fashion, options, plot, spread, table, trained, verdict
from pellucid import nn, optim

KINDS = {"plain 8": (8, False), "plain 44": (44, False), "residual 44": (44, True)}
EPOCHS = 6


def main() -> int:
    """Train all three for a few epochs and compare their training errors."""
    chosen = options(__doc__)
    data = fashion(2_000 if chosen.quick else 12_000, chosen.data, small=True)
    last: dict[str, list[float]] = {kind: [] for kind in KINDS}
    test: dict[str, list[float]] = {kind: [] for kind in KINDS}
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for seed in range(chosen.seeds):
        for kind, (depth, residual) in KINDS.items():
            net = nn.ResNet(depth, residual=residual)
            run = trained(net, data, seed, EPOCHS, optim.SGD(0.05, momentum=0.9))
            train_error, test_error = errors(run)
            last[kind].append(train_error[-1])
            test[kind].append(test_error[-1])
            lines.setdefault(kind, (list(range(EPOCHS + 1)), train_error))
            print(f"seed {seed}, {kind}: training error {train_error[-1]:.1f}%", flush=True)
    rows = [[kind, spread(last[kind]), spread(test[kind])] for kind in KINDS]
    table(["network", "training error %", "test error %"], rows)
    plot("residual", lines, "epoch", "training error %")
    means = {kind: sum(values) / len(values) for kind, values in last.items()}
    worse = means["plain 44"] > means["plain 8"] and means["residual 44"] < means["plain 44"]
    return verdict("deeper plain networks train worse; residual connections undo it", worse)


if __name__ == "__main__":
    sys.exit(main())
