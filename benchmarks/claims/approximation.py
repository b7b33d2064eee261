"""Universal approximation: the error falls with the width, unless the activation is a polynomial.

Hornik et al. 1989 and Leshno et al. 1993. The function is sin(3x) + |x| on [−2, 2]. Hidden weights are
random, with a scale in proportion to the width. The output layer is fitted by least squares. The error
is the largest one over a fine grid. Units xⁿ give polynomials of degree n, so the table also has the
least error of any such polynomial, by linear programming: no training gets below it at any width.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from benchmarks.claims.common import options, spread, table, verdict
from benchmarks.claims.picture import Plot, Series, draw
from pellucid.graph import Tensor, tensor
from pellucid.nn import functional

WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512)
EPSILONS = (0.3, 0.1, 0.03, 0.01)
UNITS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": functional.tanh,
    "sigmoid": functional.sigmoid,
    "ReLU": functional.relu,
    "x²": Tensor.square,
    "x³": lambda x: x * x * x,
}
DEGREES = {"x²": 2, "x³": 3}
Array = NDArray[np.float64]


def target(x: Array) -> Array:
    """The function that is approximated."""
    return np.asarray(np.sin(3 * x) + np.abs(x))


def sup_error(unit: str, width: int, seed: int) -> float:
    """The largest error on [−2, 2] of a network of one hidden layer of that width."""
    dice = np.random.default_rng([seed, width])
    scale, centre = dice.normal(size=width) * width / 4, dice.uniform(-2, 2, width)
    fitted, grid = np.linspace(-2, 2, 2001), np.linspace(-2, 2, 3001)

    def hidden(x: Array) -> Array:
        before = tensor(scale * (x[:, None] - centre), np.float64)
        return np.column_stack([UNITS[unit](before).numpy(), np.ones(len(x))])

    output, *_ = np.linalg.lstsq(hidden(fitted), target(fitted), rcond=1e-12)
    return float(np.abs(hidden(grid) @ output - target(grid)).max())


def least_error(degree: int) -> float:
    """The least largest error, over some points, of a polynomial: on [−2, 2] it is no smaller."""
    x = np.linspace(-2, 2, 401)
    powers = np.vander(x, degree + 1)
    bound = -np.ones((len(x), 1))
    above, below = np.hstack([powers, bound]), np.hstack([-powers, bound])
    best: Array | None = linprog(
        np.eye(degree + 2)[-1],
        A_ub=np.vstack([above, below]),
        b_ub=np.concatenate([target(x), -target(x)]),
        bounds=(None, None),
    ).x
    if best is None:
        raise ArithmeticError(f"the linear program of degree {degree} was not solved")
    return float(best[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """The error over the width, for several units."""
    chosen = options(__doc__, arguments)
    widths = chosen.pick(WIDTHS, WIDTHS[:5])
    errors = {
        unit: [[sup_error(unit, width, seed) for width in widths] for seed in range(chosen.seeds)]
        for unit in UNITS
    }
    columns = {unit: list(zip(*seeds, strict=True)) for unit, seeds in errors.items()}
    table(
        ["width", *UNITS],
        [[n, *(spread(columns[u][i], 4) for u in UNITS)] for i, n in enumerate(widths)],
    )
    limits = {unit: least_error(degree) for unit, degree in DEGREES.items()}
    for unit, limit in limits.items():
        print(f"no network of units {unit} has an error below {limit:.4f}")
    print()
    # The width from which on every seed stays below ε.
    first = {
        unit: {epsilon: _width(widths, columns[unit], epsilon) for epsilon in EPSILONS}
        for unit in UNITS
    }
    table(
        ["ε", *(f"width for {unit}" for unit in UNITS)],
        [[f"{e:g}", *(first[unit][e] or "none" for unit in UNITS)] for e in EPSILONS],
    )
    draw(
        Plot("Largest error of one hidden layer", "hidden units", "largest error", True, True),
        [Series.of(unit, widths, seeds) for unit, seeds in errors.items()],
        chosen.out / "approximation",
    )
    smallest = chosen.pick(EPSILONS, EPSILONS[:1])[-1]
    falls = all(first[unit][smallest] for unit in UNITS if unit not in DEGREES)
    stays = all(min(map(min, errors[unit])) >= limit * 0.999 for unit, limit in limits.items())
    return max(
        verdict(f"the error falls below {smallest:g} as the layer widens", falls),
        verdict("a polynomial's stays above a limit at every width", stays),
    )


def _width(widths: Sequence[int], columns: Sequence[Sequence[float]], epsilon: float) -> int | None:
    """The least width from which on all errors are below ε."""
    enough = None
    for width, errors in reversed(list(zip(widths, columns, strict=True))):
        if max(errors) >= epsilon:
            break
        enough = width
    return enough


if __name__ == "__main__":
    sys.exit(main())
