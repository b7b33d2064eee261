"""One hidden layer comes as near as wanted to a function as it widens, unless its unit is a polynomial.

Hornik et al. 1989 and Leshno et al. 1993. The function is sin(3x) + |x| on [−2, 2]; hidden weights are
drawn at random and the output layer is fitted by least squares, which is one of the networks that the
theorem is about; the error is the largest over a fine grid.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.common import options, plot, table, verdict
from pellucid.graph import Tensor, tensor
from pellucid.nn import functional

WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512)
UNITS = {
    "tanh": functional.tanh,
    "ReLU": functional.relu,
    "sigmoid": functional.sigmoid,
    "x² (a polynomial)": Tensor.square,
}
Array = NDArray[np.float64]


def target(x: Array) -> Array:
    """The function that is approximated."""
    return np.asarray(np.sin(3 * x) + np.abs(x))


def sup_error(unit: str, width: int, seed: int) -> float:
    """The largest error on [−2, 2] of a network of one hidden layer of that width."""
    dice = np.random.default_rng([seed, width])
    slope, place = dice.normal(size=width) * 4, dice.uniform(-2, 2, width)
    fitted, grid = np.linspace(-2, 2, 4001), np.linspace(-2, 2, 3001)

    def hidden(x: Array) -> Array:
        before = tensor(slope * (x[:, None] - place), np.float64)
        return np.column_stack([UNITS[unit](before).numpy(), np.ones(len(x))])

    output, *_ = np.linalg.lstsq(hidden(fitted), target(fitted), rcond=1e-12)
    return float(np.abs(hidden(grid) @ output - target(grid)).max())


def main() -> int:
    """The error over the width, for several units."""
    chosen = options(__doc__)
    found = {
        unit: [float(np.mean([sup_error(unit, n, s) for s in range(chosen.seeds)])) for n in WIDTHS]
        for unit in UNITS
    }
    table(["width", *UNITS], [[n, *(found[u][i] for u in UNITS)] for i, n in enumerate(WIDTHS)])
    lines = {unit: (list(map(float, WIDTHS)), values) for unit, values in found.items()}
    plot("approximation", lines, "hidden units", "largest error", logarithmic=True)
    falls = all(values[-1] < 0.03 for unit, values in found.items() if "polynomial" not in unit)
    stays = found["x² (a polynomial)"][-1] > 0.5
    return verdict("the error falls as the layer widens, and not for a polynomial", falls and stays)


if __name__ == "__main__":
    sys.exit(main())
