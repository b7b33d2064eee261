"""The polynomials' coefficients, derived anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from pellucid.compile.vmath import error, exponential, far_angle, trigonometric
from pellucid.compile.vmath.power import _THIRD
from tests.compile.vmath.chebyshev import interpolation

KINDS = ("f32", "f64")


def rest(r: Any) -> Any:
    """(e^r − 1 − r) / r²."""
    return mp.hyp1f1(1, 3, r) / 2


def bend(z: Any) -> Any:
    """(tanh(x) / x − 1) / x² of z = x²."""
    x = mp.sqrt(z)
    return (mp.tanh(x) / x - 1) / z


def near(t: Any) -> Any:
    """erf(x) / x − 1, where 2x² − 1 = t."""
    x = mp.sqrt((t + 1) / 2)
    return mp.erf(x) / x - 1


def far(end: float) -> Callable[[Any], Any]:
    """e^x² erfc(x) of x from 1 to `end`, moved to [−1, 1]."""

    def scaled(t: Any) -> Any:
        x = (t + 1) / 2 * (end - 1) + 1
        return mp.exp(x * x) * mp.erfc(x)

    return scaled


@pytest.mark.parametrize("kind", KINDS)
def test_exponential(kind: str) -> None:
    found = exponential._REST[kind]
    assert found == interpolation(rest, -0.35, 0.35, len(found))
    found = exponential._TANH[kind]
    assert found == interpolation(bend, 0, exponential._NEAR**2, len(found))


@pytest.mark.parametrize("kind", KINDS)
def test_error_function(kind: str) -> None:
    assert error._NEAR[kind] == interpolation(near, -1, 1, len(error._NEAR[kind]))
    assert error._FAR[kind] == interpolation(far(error._END[kind]), -1, 1, len(error._FAR[kind]))


def test_pi() -> None:
    with mp.workprec(1400):
        bits = int(mp.floor(2 / mp.pi * mp.mpf(2) ** (64 * 19)))
        words = [bits >> 64 * (18 - i) & 2**64 - 1 for i in range(19)]
        assert far_angle._WORDS == (0, *words)
        first, second, third = trigonometric._PARTS
        assert third == float(mp.pi / 2 - first - second)
    for part in (first, second):
        # The product with a number of quarter turns below 2²⁰ is exact.
        assert int(np.float64(part).view(np.int64)) % 2**20 == 0


def test_a_third() -> None:
    assert _THIRD == (1 / 3, float(mp.mpf(1) / 3 - mp.mpf(1 / 3)))
