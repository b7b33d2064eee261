"""Dropout with the rates that its paper recommends lowers the test error of a large perceptron.

Srivastava et al. 2014, "Dropout", section 6.1 and appendix A (MNIST there): inputs kept .8, hidden
units .5, a larger learning rate, momentum .95, columns of weights of length 3 at most. Two hidden
layers of 1,024 units on Fashion-MNIST. The third network has all of that but dropout, so that what
dropout itself does is seen. Each has the rate with the lowest held-out error; the errors are those after
the last epoch and, for a network that is stopped early, after the epoch with the lowest held-out error.
It is found if dropout's mean is below both others' by more than their seeds differ.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import mean

from benchmarks.claims.common import (
    CHOOSING_SEED,
    Curves,
    Pair,
    best_rate,
    deviation,
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

RATES = {
    "plain": (0.003, 0.01, 0.03),
    "max-norm": (0.0015, 0.005, 0.015),
    "max-norm and dropout": (0.0015, 0.005, 0.015),
}
BATCH = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Train a large network with and without dropout and compare test errors."""
    chosen = options(__doc__, arguments)
    data = fashion(chosen, chosen.pick(3_000, 128))
    epochs = chosen.pick(100, 2)
    width = chosen.pick(1024, 32)

    def curves(kind: str, rate: float, seed: int, measured: Pair) -> Curves:
        inputs, hidden = (0.2, 0.5) if "dropout" in kind else (0.0, 0.0)
        perceptron = nn.MLP([width, width], 10, input_dropout=inputs, dropout=hidden)
        descent: optim.Optimizer = optim.SGD(rate, momentum=0.9)
        if kind != "plain":
            descent = optim.Regularised(optim.SGD(rate, momentum=0.95), max_norm=3.0)
        net = nn.Sequential(nn.Flatten(), perceptron)
        return trained(net, data.train, measured, seed, epochs, descent, BATCH)

    curves_of: dict[str, list[Curves]] = {}
    stopped: dict[str, int] = {}
    for kind, rates in RATES.items():
        choosing: dict[float, Curves] = {}

        def score(rate: float, kind: str = kind, seen: dict[float, Curves] = choosing) -> float:
            seen[rate] = curves(kind, rate, CHOOSING_SEED, data.held_out)
            return last_error(seen[rate])

        rate = best_rate(kind, chosen.pick(rates, rates[:1]), score)
        held_out = choosing[rate].measured
        stopped[kind] = held_out.index(min(held_out))
        for seed in range(chosen.seeds):
            run = curves(kind, rate, seed, data.test)
            curves_of.setdefault(kind, []).append(run)
            print(f"seed {seed}, {kind}: test error {run.measured[-1]:.2f}%", flush=True)
    last = {kind: [run.measured[-1] for run in runs] for kind, runs in curves_of.items()}
    early = {kind: [run.measured[stopped[kind]] for run in curves_of[kind]] for kind in curves_of}
    table(
        ["network", "training error %", "test error %", "stopped early %", "after epoch"],
        [
            [
                kind,
                spread([run.train[-1] for run in curves_of[kind]]),
                spread(last[kind]),
                spread(early[kind]),
                stopped[kind],
            ]
            for kind in curves_of
        ],
    )
    draw(
        Plot("Test error of a large perceptron", "epoch", "test error (%)"),
        [
            Series.of(kind, range(1, epochs + 1), [r.measured[1:] for r in runs])
            for kind, runs in curves_of.items()
        ],
        chosen.out / "dropout",
    )
    dropout = last.pop("max-norm and dropout")
    lower = all(mean(dropout) < mean(other) - deviation(other) for other in last.values())
    return verdict("dropout lowers the test error of a large perceptron", lower)


if __name__ == "__main__":
    sys.exit(main())
