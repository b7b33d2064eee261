"""ReLU reaches a training error some times faster than tanh.

Krizhevsky et al. 2012, figure 1: a four-layer convolutional network reaches 25% training error on
CIFAR-10 six times faster with ReLU. Here: epochs to 10% training error on Fashion-MNIST, each unit with
the best of several learning rates.
"""

from __future__ import annotations

import sys

from benchmarks.claims.common import errors, fashion, options, plot, spread, table, trained, verdict
from pellucid import nn, optim

GOAL = 10.0
EPOCHS = 30
RATES = (0.01, 0.03, 0.1)


def network(unit: type[nn.Module]) -> nn.Sequential:
    """Three convolutions and a linear layer."""
    parts: list[nn.Module] = []
    for features in (16, 32, 32):
        parts += [nn.Conv2d(features, padding="same"), unit()]
        parts += [nn.MaxPool2d(2)] if features == 16 else []
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(10))


def reached(curve: list[float]) -> float:
    """Epochs until the goal, between two by the straight line; infinity if never."""
    for epoch in range(1, len(curve)):
        if curve[epoch] <= GOAL:
            drop = curve[epoch - 1] - curve[epoch]
            return epoch - 1 + (curve[epoch - 1] - GOAL) / max(drop, 1e-9)
    return float("inf")


def main() -> int:
    """Train with both units and compare how long they need."""
    chosen = options(__doc__)
    data = fashion(1_000 if chosen.quick else 6_000, chosen.data, small=True)
    needed: dict[str, list[float]] = {"ReLU": [], "tanh": []}
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for seed in range(chosen.seeds):
        for name, unit in (("ReLU", nn.ReLU), ("tanh", nn.Tanh)):
            curves = []
            for rate in RATES:
                run = trained(network(unit), data, seed, EPOCHS, optim.SGD(learning_rate=rate), 32)
                curves.append(errors(run)[0])
            best = min(curves, key=reached)
            needed[name].append(reached(best))
            lines.setdefault(name, (list(range(EPOCHS + 1)), best))
            print(f"seed {seed}, {name}: {needed[name][-1]:.1f} epochs to {GOAL:g}%", flush=True)
    table(["unit", f"epochs to {GOAL:g}%"], [[n, spread(v)] for n, v in needed.items()])
    ratio = sum(needed["tanh"]) / sum(needed["ReLU"])
    print(f"tanh needs {ratio:.2f} times as long")
    plot("activation", lines, "epoch", "training error %")
    return verdict("ReLU trains faster than tanh", ratio > 1)


if __name__ == "__main__":
    sys.exit(main())
