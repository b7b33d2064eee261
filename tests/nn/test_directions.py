"""The cosine distance at any length of the vectors."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.compile import Native

OUT, Y = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[4.0, 3.0], [-2.0, 0.0]])


@pytest.mark.parametrize("executor", [g.Reference(), Native()])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e19, 5e37])
def test_only_the_directions_count(scale: float, executor: g.Executor) -> None:
    """1 − 24 / 25, and 2 for opposite ones."""
    o, y = ((x * scale).astype(np.float32) for x in (OUT, Y))
    with g.using(executor):
        found = nn.CosineDistance(reduction="none")(o, y).numpy()
    np.testing.assert_allclose(found, [0.04, 2.0], atol=3e-7)


@pytest.mark.parametrize("scale", [1.0, 1e25])
def test_the_gradient_is_that_of_the_formula(scale: float) -> None:
    """(cos · ô − ŷ) / |o|: along the circle, as long as the vector is short."""
    o = g.variable((OUT[:1] * scale).astype(np.float32), "o")
    slope = g.grad(nn.CosineDistance()(o, Y[:1].astype(np.float32)), o).numpy()
    right = (0.96 * OUT[0] / 5 - Y[0] / 5) / (5 * scale)
    np.testing.assert_allclose(slope[0], right, rtol=1e-5)


def test_a_vector_of_length_zero_has_distance_one() -> None:
    assert float(nn.CosineDistance()(np.zeros((1, 2), np.float32), np.ones((1, 2)))) == 1.0
