"""The coefficients of the polynomials, derived from the functions."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest

from pellucid.compile.vmath import error, exponential, normal, payne_hanek, trigonometric
from pellucid.compile.vmath.power import _THIRD
from tests.compile.vmath.chebyshev import interpolation

KINDS = ("f32", "f64")


def rest(r: Any) -> Any:
    """(e^r − 1 − r) / r²."""
    return mp.hyp1f1(1, 3, r) / 2


def tanh_quotient(z: Any) -> Any:
    """(tanh(x) / x − 1) / x² of z = x²."""
    x = mp.sqrt(z)
    return (mp.tanh(x) / x - 1) / z


def root(x: Any) -> Any:
    """8 (1 − q) / x − 1, where q⁸ = 1 − erf(x)."""
    return 8 * (1 - mp.root(mp.erfc(x), 8)) / x - 1


def tail(a: Any) -> Any:
    """Φ(−a) e^a²/2."""
    return mp.ncdf(-a) * mp.exp(a * a / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_exponential(kind: str) -> None:
    terms = exponential._REST[kind]
    assert terms == interpolation(rest, -0.35, 0.35, len(terms))
    terms = exponential._TANH[kind]
    assert terms == interpolation(tanh_quotient, 0, exponential._NEAR**2, len(terms))


@pytest.mark.parametrize("kind", KINDS)
def test_error_function(kind: str) -> None:
    terms = error._ROOT[kind]
    assert terms == interpolation(root, 0, error._REACH[kind], len(terms))


@pytest.mark.parametrize("kind", KINDS)
def test_normal_distribution(kind: str) -> None:
    boundary, centre = normal._NEAR_TO[kind], normal._CENTRE[kind]
    terms = normal._NEAR[kind]
    assert terms == interpolation(
        lambda v: tail(v + centre), -centre, boundary - centre, len(terms)
    )

    def far(v: Any) -> Any:
        t = v + normal._FAR_CENTRE[kind]
        return tail(1 / t) / t

    terms, centre = normal._FAR[kind], normal._FAR_CENTRE[kind]
    low, high = 1 / normal._END[kind] - centre, 1 / boundary - centre
    assert terms == interpolation(far, low, high, len(terms))


def test_pi() -> None:
    with mp.workprec(1400):
        bits = int(mp.floor(2 / mp.pi * mp.mpf(2) ** (64 * 19)))
        words = [bits >> 64 * (18 - i) & 2**64 - 1 for i in range(19)]
        assert payne_hanek._WORDS == (0, *words)
        first, second, third = trigonometric._PARTS
        assert third == float(mp.pi / 2 - first - second)
    for part in (first, second):
        # The product with a number of quarter turns below 2²⁰ is exact.
        assert int(np.float64(part).view(np.int64)) % 2**20 == 0


def test_a_third() -> None:
    assert _THIRD == (1 / 3, float(mp.mpf(1) / 3 - mp.mpf(1 / 3)))
