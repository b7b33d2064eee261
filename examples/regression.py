"""Linear regression by hand: a step, its loss and its measure, with nothing ready-made.

`python -m examples.regression` prints the coefficients beside those of least squares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.steps.step import Step

Rows = tuple[NDArray[np.float32], NDArray[np.float32]]


class Line(nn.Module):
    """xw + b."""

    def __init__(self, columns: int) -> None:
        self.w = nn.Parameter(np.zeros(columns, np.float32))
        self.b = nn.Parameter(np.float32(0), "bias")

    def forward(self, x: Tensor) -> Tensor:
        """A number for each row."""
        return (x * self.w).sum(-1) + self.b


def rows(count: int = 200, seed: int = 0) -> Rows:
    """Rows of three columns, and a sum of them with noise."""
    dice = np.random.default_rng(seed)
    x = dice.normal(size=(count, 3))
    y = x @ [1.5, -2.0, 0.5] + 1.0 + 0.1 * dice.normal(size=count)
    return x.astype(np.float32), y.astype(np.float32)


def trained(data: Rows, epochs: int = 60) -> Line:
    """Gradient descent on the mean squared error."""
    line = Line(3)
    sgd = optim.SGD(0.05)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        error = line(x) - y
        step.minimise(error.square().mean(), line, sgd)
        step.report(largest=error.abs().max())

    def measure(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"loss": (line(x) - y).square().mean()}

    pel.fit_step(step, line, data, rows(100, 1), measure=measure, epochs=epochs, progress=False)
    return line


def main() -> None:
    """Train, and compare with the solution of the normal equations."""
    x, y = rows()
    line = trained((x, y))
    exact = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    print("by steps     ", [*line.w.value.round(3).tolist(), round(float(line.b.value), 3)])
    print("least squares", exact.round(3).tolist())


if __name__ == "__main__":
    main()
