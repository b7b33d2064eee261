"""Batch norm's error rises as the batch shrinks to 2, group norm's stays.

Wu & He 2018, "Group Normalization", figure 5 (ResNet-50 on ImageNet). Here three convolutions on
Fashion-MNIST of 14 × 14 pixels. The learning rate goes with the batch, as in the paper, but both norms
have at each batch the best of three such rates, by held-out error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.claims.common import (
    CHOOSING_SEED,
    Curves,
    Pair,
    best_rate,
    fashion,
    last_error,
    options,
    spread,
    table,
    trained,
    verdict,
)
from benchmarks.claims.picture import Plot, Series, draw
from pellucid import nn, optim

BATCHES = (32, 8, 4, 2)
FACTORS = (1.0, 3.0, 10.0)
RATE_AT_32 = 0.03


def network(norm: str) -> nn.Sequential:
    """Three convolutions with the norm, then a linear layer on the mean over all positions."""

    def block(features: int) -> list[nn.Module]:
        made = nn.BatchNorm() if norm == "batch norm" else nn.GroupNorm(4)
        return [nn.Conv2d(features, padding="same", bias=False), made, nn.ReLU()]

    return nn.Sequential(
        *block(16),
        nn.MaxPool2d(2),
        *block(32),
        nn.MaxPool2d(2),
        *block(64),
        nn.GlobalAveragePool(),
        nn.Linear(10),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Train both norms at every batch size and compare test errors."""
    chosen = options(__doc__, arguments)
    data = fashion(chosen, chosen.pick(5_000, 32), small=True)
    epochs = chosen.pick(4, 1)
    batches = chosen.pick(BATCHES, (32, 2))

    def curves(norm: str, batch: int, rate: float, seed: int, measured: Pair) -> Curves:
        descent = optim.SGD(rate, momentum=0.9)
        falling = optim.CosineRate()
        return trained(network(norm), data.train, measured, seed, epochs, descent, batch, falling)

    errors: dict[str, dict[int, list[float]]] = {"batch norm": {}, "group norm": {}}
    for norm, by_batch in errors.items():
        for batch in batches:

            def score(rate: float, norm: str = norm, batch: int = batch) -> float:
                return last_error(curves(norm, batch, rate, CHOOSING_SEED, data.held_out))

            scaled = RATE_AT_32 * batch / 32
            rates = [scaled * factor for factor in chosen.pick(FACTORS, (1.0,))]
            rate = best_rate(f"{norm}, batch {batch}", rates, score)
            runs = [curves(norm, batch, rate, s, data.test) for s in range(chosen.seeds)]
            by_batch[batch] = [run.measured[-1] for run in runs]
            print(f"{norm}, batch {batch}: {spread(by_batch[batch])}%", flush=True)
    rows = [[b, *(spread(errors[norm][b]) for norm in errors)] for b in batches]
    table(["batch", *(f"{norm} test error %" for norm in errors)], rows)
    draw(
        Plot("Test error over the batch size", "batch size", "test error (%)", log_x=True),
        [
            Series.of(norm, batches, list(zip(*by_batch.values(), strict=True)))
            for norm, by_batch in errors.items()
        ],
        chosen.out / "normalisation",
    )
    rise = {
        norm: (sum(by_batch[batches[-1]]) - sum(by_batch[batches[0]])) / chosen.seeds
        for norm, by_batch in errors.items()
    }
    print(f"from the largest batch to 2: {', '.join(f'{n} {r:+.2f}' for n, r in rise.items())}")
    rises = verdict("batch norm's error rises by more than a point", rise["batch norm"] > 1.0)
    stays = abs(rise["group norm"]) < max(rise["batch norm"], 0.0) / 4
    return max(rises, verdict("group norm's changes by less than a quarter of that", stays))


if __name__ == "__main__":
    sys.exit(main())
