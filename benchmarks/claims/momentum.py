"""Momentum's effect over the condition number is (√κ − 1) / (√κ + 1) a step, to 1%.

Goh 2017, "Why Momentum Really Works": on a quadratic with eigenvalues from 1 to κ, gradient descent
with the best rate 2 / (1 + κ) shrinks the error by (κ − 1) / (κ + 1) a step; with momentum
β = ((√κ − 1) / (√κ + 1))² and rate (2 / (1 + √κ))² by √β. Measured on `optim.SGD` itself, in float64.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from benchmarks.claims.common import options, plot, table, verdict
from pellucid import optim
from pellucid.graph import Graph, Reference, grad, placeholder, read
from pellucid.nn import Parameter

CONDITIONS = (4.0, 16.0, 64.0, 256.0, 1024.0)
SIZE = 40


def rate_of(kappa: float, momentum: bool, seed: int) -> float:
    """The factor by which the error shrinks a step, over the last half of many steps."""
    root = math.sqrt(kappa)
    beta = ((root - 1) / (root + 1)) ** 2 if momentum else 0.0
    step = (2 / (1 + root)) ** 2 if momentum else 2 / (1 + kappa)
    expected = math.sqrt(beta) if momentum else (kappa - 1) / (kappa + 1)
    steps = min(max(int(-60 / math.log(expected)), 60), 40_000)
    start = np.random.default_rng(seed).normal(size=SIZE) * 1e100
    parameter = Parameter(start, "weight", "w")
    w = read(parameter.state)
    curvature = np.linspace(1.0, kappa, SIZE)
    loss = 0.5 * (w.square() * curvature).sum()
    descent = optim.SGD(step, momentum=beta)
    slots = descent.init({"w": parameter})
    eta, number = placeholder("eta", (), np.float64), placeholder("step", (), np.int64)
    updates = descent.update({"w": parameter}, grad(loss, {"w": w}), slots, eta, number)
    program = Reference().build(Graph({"size": w.square().sum().sqrt().node}, updates))
    given = {"eta": np.full(steps, step), "step": np.arange(steps)}
    wanted = {name: given[name] for name in Graph({}, updates).inputs}
    sizes = np.log(program.run(steps, wanted)["size"])
    half = steps // 2
    # The error of momentum carries a factor that grows like the number of steps.
    polynomial = math.log(steps / half) if momentum else 0.0
    return math.exp(float(sizes[-1] - sizes[half] - polynomial) / (steps - 1 - half))


def main() -> int:
    """Compare measured and predicted factors for condition numbers up to 1,024."""
    chosen = options(__doc__)
    rows: list[list[object]] = []
    worst = 0.0
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for momentum in (False, True):
        label = "with momentum" if momentum else "without"
        for kappa in CONDITIONS:
            root = math.sqrt(kappa)
            expected = (root - 1) / (root + 1) if momentum else (kappa - 1) / (kappa + 1)
            found = float(np.mean([rate_of(kappa, momentum, s) for s in range(chosen.seeds)]))
            worst = max(worst, abs(found / expected - 1))
            rows.append(
                [label, kappa, f"{expected:.5f}", f"{found:.5f}", f"{found / expected - 1:+.2%}"]
            )
            across, up = lines.setdefault(label, ([], []))
            across.append(kappa)
            up.append(-1 / math.log(found))
    table(["", "κ", "formula", "measured", "difference"], rows)
    plot("momentum", lines, "condition number", "steps for a factor e", logarithmic=True)
    return verdict(f"momentum follows the formula to 1% (worst {worst:.2%})", worst < 0.01)


if __name__ == "__main__":
    sys.exit(main())
