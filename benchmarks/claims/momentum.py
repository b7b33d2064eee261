"""Momentum's effect over the condition number is (√κ − 1) / (√κ + 1) a step, to 1%.

Goh 2017, "Why Momentum Really Works": on a quadratic with eigenvalues from 1 to κ, gradient descent
with the best rate 2 / (1 + κ) shrinks the error by (κ − 1) / (κ + 1) a step; with momentum
β = ((√κ − 1) / (√κ + 1))² and rate (2 / (1 + √κ))² by √β. Measured on `optim.SGD` itself, in float64.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.claims.common import deviation, options, table, verdict
from benchmarks.claims.picture import Plot, Series, draw
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
    steps = min(max(int(60 * steps_for_e(formula(kappa, momentum))), 60), 40_000)
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
    feeds = {"eta": np.full(steps, step), "step": np.arange(steps)}
    wanted = {name: feeds[name] for name in Graph({}, updates).inputs}
    sizes = np.log(program.run(steps, wanted)["size"])
    half = steps // 2
    # At the best β both roots of the slowest direction are equal, so that its error is a power of
    # the factor times the number of steps.
    polynomial = math.log(steps / half) if momentum else 0.0
    return math.exp(float(sizes[-1] - sizes[half] - polynomial) / (steps - 1 - half))


def formula(kappa: float, momentum: bool) -> float:
    """What the paper predicts for `rate_of`."""
    ratio = math.sqrt(kappa) if momentum else kappa
    return (ratio - 1) / (ratio + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare measured and predicted factors for condition numbers up to 1,024."""
    chosen = options(__doc__, arguments)
    conditions = chosen.pick(CONDITIONS, CONDITIONS[:3])
    rows: list[list[object]] = []
    series: list[Series] = []
    worst = 0.0
    for momentum in (False, True):
        label = "with momentum" if momentum else "without"
        expected = [formula(kappa, momentum) for kappa in conditions]
        seeds = [[rate_of(k, momentum, seed) for k in conditions] for seed in range(chosen.seeds)]
        for kappa, factor, factors in zip(
            conditions, expected, zip(*seeds, strict=True), strict=True
        ):
            mean = float(np.mean(factors))
            worst = max(worst, abs(mean / factor - 1), _slowness(mean, factor))
            rows.append(
                [
                    label,
                    f"{kappa:g}",
                    f"{factor:.5f}",
                    f"{mean:.5f} ± {deviation(factors):.5f}",
                    f"{mean / factor - 1:+.3%}",
                    f"{steps_for_e(factor):.2f}",
                    f"{steps_for_e(mean):.2f}",
                ]
            )
        measured = [[steps_for_e(factor) for factor in factors] for factors in seeds]
        series += [
            Series.of(f"{label}, measured", conditions, measured, "markers"),
            Series.of(
                f"{label}, formula", conditions, [[steps_for_e(f) for f in expected]], "lines"
            ),
        ]
    table(["", "κ", "formula", "measured", "difference", "steps for e", "measured"], rows)
    draw(
        Plot(
            "Steps that divide the error by e",
            "condition number κ",
            "steps",
            log_x=True,
            log_y=True,
        ),
        series,
        chosen.out / "momentum",
    )
    claim = f"factors and steps follow the formula to 1% (worst {worst:.2%})"
    return verdict(claim, worst < 0.01)


def steps_for_e(factor: float) -> float:
    """Steps that divide the error by e, at so much a step."""
    return -1 / math.log(factor)


def _slowness(measured: float, expected: float) -> float:
    """How far the steps are from those expected: near 1 the factor itself says little."""
    return abs(steps_for_e(measured) / steps_for_e(expected) - 1)


if __name__ == "__main__":
    sys.exit(main())
