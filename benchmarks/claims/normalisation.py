"""Batch norm's error rises as the batch shrinks to 2, group norm's stays.

Wu & He 2018, "Group Normalization", figure 5 (ImageNet there). The learning rate goes with the batch.
"""

from __future__ import annotations

import sys

from benchmarks.claims.common import errors, fashion, options, plot, spread, table, trained, verdict
from pellucid import nn, optim

BATCHES = (64, 16, 4, 2)
EPOCHS = 3


def network(norm: str) -> nn.Sequential:
    """Two convolutions with the norm, then a linear layer."""

    def block(features: int) -> list[nn.Module]:
        made = nn.BatchNorm() if norm == "batch norm" else nn.GroupNorm(8)
        return [nn.Conv2d(features, padding="same", bias=False), made, nn.ReLU(), nn.MaxPool2d(2)]

    return nn.Sequential(*block(16), *block(32), nn.Flatten(), nn.Linear(10))


def main() -> int:
    """Train both norms at every batch size and compare test errors."""
    chosen = options(__doc__)
    data = fashion(1_000 if chosen.quick else 8_000, chosen.data, small=True)
    found: dict[str, dict[int, list[float]]] = {"batch norm": {}, "group norm": {}}
    for seed in range(chosen.seeds):
        for norm, by_batch in found.items():
            for batch in BATCHES:
                rate = 0.1 * batch / 64
                descent = optim.SGD(rate, momentum=0.9)
                run = trained(network(norm), data, seed, EPOCHS, descent, batch)
                _, test_error = errors(run)
                by_batch.setdefault(batch, []).append(test_error[-1])
                print(f"seed {seed}, {norm}, {batch}: {test_error[-1]:.2f}%", flush=True)
    rows = [[b, *(spread(found[norm][b]) for norm in found)] for b in BATCHES]
    table(["batch", *(f"{norm} test error %" for norm in found)], rows)
    means = {
        norm: [sum(values[b]) / len(values[b]) for b in BATCHES] for norm, values in found.items()
    }
    lines = {norm: ([float(b) for b in BATCHES], values) for norm, values in means.items()}
    plot("normalisation", lines, "batch size", "test error %")
    rise = {norm: values[-1] - values[0] for norm, values in means.items()}
    print(f"from batch 64 to 2: {', '.join(f'{n} {r:+.2f}' for n, r in rise.items())}")
    kept = rise["batch norm"] > 1.0 and rise["group norm"] < rise["batch norm"] / 2
    return verdict("batch norm's error rises as the batch shrinks, group norm's stays", kept)


if __name__ == "__main__":
    sys.exit(main())
