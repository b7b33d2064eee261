"""A deep plain network trains worse than a shallow one, and residual connections undo it.

He et al. 2015, "Deep Residual Learning for Image Recognition", figures 1 and 6 (20 and 56 layers,
CIFAR-10). Here 8 and 32 layers of the same design on Fashion-MNIST of 14 × 14 pixels; each network has
the rate with the lowest held-out error, divided by 10 after three quarters of the epochs.
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

RATES = (0.01, 0.03, 0.1, 0.3)
BATCH = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Train plain and residual networks, shallow and deep, and compare their training errors."""
    chosen = options(__doc__, arguments)
    data = fashion(chosen, chosen.pick(5_000, 16), small=True)
    epochs = chosen.pick(8, 4)
    deep = chosen.pick(32, 14)
    kinds = {
        f"{'residual' if residual else 'plain'} {depth}": (depth, residual)
        for residual in (False, True)
        for depth in (8, deep)
    }

    def curves(kind: str, rate: float, seed: int, epochs: int, measured: Pair) -> Curves:
        depth, residual = kinds[kind]
        net = nn.ResNet(depth, residual=residual)
        steps = optim.StepRate(every=epochs * 3 // 4)
        descent = optim.SGD(rate, momentum=0.9)
        return trained(net, data.train, measured, seed, epochs, descent, BATCH, steps)

    curves_of: dict[str, list[Curves]] = {}
    for kind in kinds:

        def score(rate: float, kind: str = kind) -> float:
            return last_error(curves(kind, rate, CHOOSING_SEED, epochs // 2, data.held_out))

        rate = best_rate(kind, chosen.pick(RATES, RATES[:1]), score)
        for seed in range(chosen.seeds):
            run = curves(kind, rate, seed, epochs, data.test)
            curves_of.setdefault(kind, []).append(run)
            print(f"seed {seed}, {kind}: training error {run.train[-1]:.2f}%", flush=True)
    train = {kind: [run.train[-1] for run in runs] for kind, runs in curves_of.items()}
    test = {kind: [run.measured[-1] for run in runs] for kind, runs in curves_of.items()}
    table(
        ["network", "training error %", "test error %"],
        [[kind, spread(train[kind]), spread(test[kind])] for kind in kinds],
    )
    series = [
        Series.of(kind, range(1, epochs + 1), [r.train[1:] for r in curves_of[kind]])
        for kind in kinds
    ]
    draw(
        Plot("Training error of plain and residual networks", "epoch", "training error (%)"),
        series,
        chosen.out / "residual",
    )
    mean = {kind: sum(values) / len(values) for kind, values in train.items()}
    claims = {
        "the deeper plain network trains worse": mean[f"plain {deep}"] > mean["plain 8"],
        "with residual connections the deep one trains better than without": (
            mean[f"residual {deep}"] < mean[f"plain {deep}"]
        ),
        "with residual connections the deep one trains better than the shallow one": (
            mean[f"residual {deep}"] < mean["residual 8"]
        ),
    }
    return max([verdict(claim, holds) for claim, holds in claims.items()])


if __name__ == "__main__":
    sys.exit(main())
