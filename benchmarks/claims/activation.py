"""ReLU reaches a training error some times faster than tanh.

Krizhevsky et al. 2012, figure 1: a four-layer convolutional network reaches 25% training error on
CIFAR-10 six times faster with ReLU, each unit with the rate that is fastest for it. Here: epochs to
training errors on Fashion-MNIST of 14 × 14 pixels, each unit with the rate that reached 10% first with a
seed that is used for nothing else. Weights begin as suits the unit: He's way or Glorot's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.claims.common import (
    CHOOSING_SEED,
    Curves,
    best_rate,
    fashion,
    options,
    spread,
    table,
    trained,
    verdict,
)
from benchmarks.claims.picture import Plot, Series, draw
from pellucid import nn, optim

GOALS = (20.0, 15.0, 10.0, 5.0)
GOAL = 10.0
RATES = (0.01, 0.03, 0.1, 0.3)
BATCH = 32
UNITS: dict[str, type[nn.Module]] = {"ReLU": nn.ReLU, "tanh": nn.Tanh}


def network(unit: type[nn.Module]) -> nn.Sequential:
    """Three convolutions and a linear layer."""
    parts: list[nn.Module] = []
    for features in (16, 32, 32):
        parts += [nn.Conv2d(features, padding="same"), unit()]
        parts += [nn.MaxPool2d(2)] if features == 16 else []
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(10))


def reached(curve: Sequence[float], goal: float) -> float:
    """Epochs until the goal, between two by the straight line; infinity if never."""
    for epoch, (before, after) in enumerate(pairwise(curve)):
        if after <= goal:
            return epoch + (before - goal) / (before - after) if before > goal else float(epoch)
    return float("inf")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train with each unit and compare how long they need."""
    chosen = options(__doc__, arguments)
    data = fashion(chosen, chosen.pick(4_000, 32), small=True)
    epochs = chosen.pick(20, 8)

    def curves(unit: str, rate: float, seed: int) -> Curves:
        descent = optim.SGD(learning_rate=rate)
        net = network(UNITS[unit])
        return trained(net, data.train, data.held_out, seed, epochs, descent, BATCH)

    errors: dict[str, list[list[float]]] = {}
    for unit in UNITS:

        def score(rate: float, unit: str = unit) -> float:
            return reached(curves(unit, rate, CHOOSING_SEED).train, GOAL)

        rates = chosen.pick(RATES, RATES[2:3])
        rate = best_rate(f"{unit}, epochs to {GOAL:g}%", rates, score)
        errors[unit] = [curves(unit, rate, seed).train for seed in range(chosen.seeds)]
        print(f"{unit}: {spread([reached(c, GOAL) for c in errors[unit]])} epochs", flush=True)
    needed = {
        unit: {goal: [reached(curve, goal) for curve in runs] for goal in GOALS}
        for unit, runs in errors.items()
    }
    table(
        ["unit", *(f"epochs to {goal:g}%" for goal in GOALS)],
        [[unit, *map(spread, by_goal.values())] for unit, by_goal in needed.items()],
    )
    for unit in list(UNITS)[1:]:
        ratios = [sum(needed[unit][goal]) / sum(needed["ReLU"][goal]) for goal in GOALS]
        print(f"{unit} needs {', '.join(f'{ratio:.2f}' for ratio in ratios)} times as long")
    draw(
        Plot("Training error by activation", "epoch", "training error (%)"),
        [
            Series.of(unit, range(1, epochs + 1), [run[1:] for run in runs])
            for unit, runs in errors.items()
        ],
        chosen.out / "activation",
    )
    faster = sum(needed["tanh"][GOAL]) / sum(needed["ReLU"][GOAL])
    verdict("ReLU trains faster than tanh", faster > 1)
    return verdict("ReLU trains at least twice as fast as tanh", faster >= 2)


if __name__ == "__main__":
    sys.exit(main())
