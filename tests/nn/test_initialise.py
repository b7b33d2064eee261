"""Initialisers: their published variances and limits, and the choice between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import nn
from pellucid.nn.initialise import fans


def draw(initializer: nn.Initializer, shape: tuple[int, ...]) -> np.ndarray:
    return initializer(np.random.default_rng(0), shape)


IN, OUT = 200, 300
CASES = [
    (nn.HeNormal(), 2 / IN),
    (nn.HeNormal(slope=0.5), 2 / (1.25 * IN)),
    (nn.HeUniform(), 2 / IN),
    (nn.GlorotNormal(), 2 / (IN + OUT)),
    (nn.GlorotUniform(), 2 / (IN + OUT)),
    (nn.GlorotUniform(gain=3.0), 18 / (IN + OUT)),
    (nn.LeCunNormal(), 1 / IN),
    (nn.LeCunUniform(), 1 / IN),
]


@pytest.mark.parametrize(("initializer", "variance"), CASES)
def test_published_variance(initializer: nn.Initializer, variance: float) -> None:
    values = draw(initializer, (IN, OUT))
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)
    assert values.var() == pytest.approx(variance, rel=0.03)
    limit = math.sqrt(3 * variance)
    if "Uniform" in type(initializer).__name__:
        assert 0.999 * limit < np.abs(values).max() <= limit
    else:
        assert np.abs(values).max() > limit * 1.5


def test_fans_count_the_window() -> None:
    assert fans((3, 5)) == (3, 5)
    assert fans((3, 3, 16, 32)) == (144, 288)
    with pytest.raises(ValueError, match="two or more axes"):
        fans((3,))


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 3.0))
def test_orthogonal(rows: int, columns: int, gain: float) -> None:
    q = draw(nn.Orthogonal(gain), (rows, columns))
    small = q.T @ q if rows >= columns else q @ q.T
    np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-10)


def test_orthogonal_of_a_kernel() -> None:
    q = draw(nn.Orthogonal(), (3, 3, 4, 8))
    flat = q.reshape(36, 8)
    np.testing.assert_allclose(flat.T @ flat, np.eye(8), atol=1e-12)


def test_constants() -> None:
    np.testing.assert_array_equal(draw(nn.Zeros(), (2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(draw(nn.Ones(), (3,)), np.ones(3))
    np.testing.assert_array_equal(draw(nn.Constant(0.5), (2,)), [0.5, 0.5])


HE, GLOROT, LECUN = nn.HeNormal(), nn.GlorotUniform(), nn.LeCunNormal()


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.ReLU()], HE),
        ([nn.GELU()], HE),
        ([nn.SiLU()], HE),
        ([nn.Mish()], HE),
        ([nn.ELU()], HE),
        ([nn.LeakyReLU(0.2)], nn.HeNormal(slope=0.2)),
        ([nn.SELU()], LECUN),
        ([nn.Tanh()], GLOROT),
        ([nn.Sigmoid()], GLOROT),
        ([nn.Softmax()], GLOROT),
        ([], GLOROT),
        ([nn.Linear(3)], GLOROT),
        ([nn.BatchNorm(), nn.Dropout(0.1), nn.LayerNorm(), nn.Flatten(), nn.ReLU()], HE),
        ([nn.Dropout(0.1), nn.Linear(3), nn.ReLU()], GLOROT),
        ([nn.Sequential(nn.Identity(), nn.ReLU())], HE),
        ([nn.Sequential(nn.Dropout(0.1)), nn.SELU()], LECUN),
        ([nn.Residual(nn.ReLU())], HE),
    ],
)
def test_the_choice_suits_what_follows(layers: list[nn.Module], expected: nn.Initializer) -> None:
    first = nn.Linear(6)
    nn.Sequential(nn.Sequential(first, *layers)).build(5, seed=4)
    np.testing.assert_array_equal(first.W.value, drawn(expected, "0.0.W", (5, 6)))
    np.testing.assert_array_equal(first.b.value, np.zeros(6))


def drawn(initializer: nn.Initializer, path: str, shape: tuple[int, ...]) -> np.ndarray:
    """What the documented rule gives for seed 4."""
    import zlib

    rng = np.random.default_rng([4, zlib.crc32(path.encode())])
    return initializer(rng, shape).astype(np.float32)


def test_the_choice_looks_out_of_nested_networks() -> None:
    inner, way = nn.Linear(5), nn.Linear(5, bias=False)
    nn.Sequential(nn.Residual(nn.Sequential(inner), way), nn.ReLU()).build(5, seed=4)
    np.testing.assert_array_equal(inner.W.value, drawn(HE, "0.block.0.W", (5, 5)))
    np.testing.assert_array_equal(way.W.value, drawn(HE, "0.projection.W", (5, 5)))


def test_an_initializer_of_your_own_choice() -> None:
    net = nn.Sequential(nn.Linear(3, initializer=nn.Constant(0.25)), nn.ReLU()).build(2)
    np.testing.assert_array_equal(net.state_dict()["0.W"], np.full((2, 3), 0.25))


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="Orthogonal gain is more than 0, got 0"):
        nn.Orthogonal(0)
    with pytest.raises(ValueError, match="HeNormal slope is at least 0"):
        nn.HeNormal(-1)
    with pytest.raises(ValueError, match="Constant value is finite, got nan"):
        nn.Constant(float("nan"))
