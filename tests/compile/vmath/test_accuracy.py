"""The error of each function over its whole range, in units of the last place (ulp)."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import scipy.special

from pellucid import graph as g
from pellucid.compile.native.isa import isa_named
from pellucid.compile.program import NativeProgram
from pellucid.compile.vmath import FUNCTIONS
from pellucid.graph import Array, Graph
from pellucid.nn import GELU
from tests.compile.vmath.ulp import (
    MPMATH,
    NUMPY,
    compiled,
    distance,
    errors32,
    errors64,
    every,
    near,
)

LIMITS = {
    "exp": (1.1, 1.1),
    "expm1": (1.7, 2.0),
    "log": (0.85, 0.85),
    "log1p": (0.85, 0.85),
    "tanh": (1.4, 1.4),
    "sigmoid": (1.5, 1.4),
    "erf": (1.5, 1.2),
    "normal_pdf": (1.3, 1.25),
    "normal_cdf": (1.96, 1.7),
    "gelu": (1.9, 1.7),
    "sin": (0.51, 2.5),
    "cos": (0.51, 2.5),
    "pow": (0.51, 1.1),
}
"""Measured errors, rounded up, in float32 and float64; the documented bounds are 2 and 4."""
ONE = sorted(FUNCTIONS - {"pow"})
HARDEST = 6381956970095103 * 2.0**797
"""The float64 nearest to a multiple of π/2 (Muller, *Elementary Functions*, 2006, 11.3)."""
COUNT = 700


def test_no_function_is_left_out() -> None:
    assert set(LIMITS) == set(NUMPY) == set(MPMATH) == FUNCTIONS
    assert all(single <= 2 and double <= 4 for single, double in LIMITS.values())


@pytest.mark.parametrize("name", ONE)
def test_float32(name: str) -> None:
    """Every 4099th bit pattern, numbers around thresholds, and small subnormals."""
    edges = np.array([1, 0.625, 88.72284, -87.33655, -103.97208, 10, 1e-38, 0.5, 2**20], np.float32)
    edges = np.append(edges, np.array([0.75, 1.75, -1.75, -12.94, -14.17], np.float32))
    small = np.arange(1, 3000, dtype=np.int32).view(np.float32)
    for x in (every(4099), near(edges, 1, 300), near(edges, 9973, 300), small, -small):
        assert errors32(name, x).max() <= LIMITS[name][0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE)
def test_float32_densely(name: str) -> None:
    for first in range(32):
        assert errors32(name, every(1024, first)).max() <= LIMITS[name][0]


def test_float32_power() -> None:
    rng = np.random.default_rng(0)
    x = np.exp(rng.uniform(-87, 88, 500_000)).astype(np.float32)
    y = (rng.uniform(-104, 89, x.size) / np.log(x)).astype(np.float32)
    assert errors32("pow", x, y).max() <= LIMITS["pow"][0]
    assert errors32("pow", -x, np.round(y)).max() <= LIMITS["pow"][0]


def spread(rng: np.random.Generator, low: float, high: float) -> Array:
    """Log-uniform random numbers between two bounds."""
    return np.exp(rng.uniform(np.log(low), np.log(high), COUNT))


def arguments(name: str) -> Array:
    """Float64 arguments over the range where a function neither overflows nor is constant."""
    rng = np.random.default_rng(1)
    ordinary = rng.uniform(-2, 2, COUNT)
    tiny = spread(rng, 5e-324, 1e-3) * rng.choice([-1, 1], COUNT)
    if name in ("exp", "expm1", "sigmoid"):
        return np.concatenate([ordinary, tiny, rng.uniform(-745, 709.7, COUNT)])
    if name in ("normal_pdf", "normal_cdf", "gelu"):
        return np.concatenate([ordinary, tiny, rng.uniform(-38.6, 9, COUNT)])
    if name == "log":
        around = 1 + spread(rng, 1e-15, 0.3) * rng.choice([-1, 1], COUNT)
        return np.concatenate([np.abs(tiny), around, spread(rng, 5e-324, 1.7e308)])
    if name == "log1p":
        return np.concatenate([np.maximum(ordinary, -0.9999), tiny, spread(rng, 1, 1.7e308)])
    if name in ("sin", "cos"):
        turns = near(np.round(rng.uniform(1, 2**22, COUNT)) * np.pi / 2, 1, 1)
        edges = np.array([HARDEST, -HARDEST, np.finfo(np.float64).max, 2.0**20 * np.pi / 2])
        sizes = spread(rng, 1, 1.7e308) * rng.choice([-1, 1], COUNT)
        return np.concatenate([ordinary, tiny, turns, sizes, near(edges, 1, 2)[:-1]])
    return np.concatenate(
        [ordinary, tiny, rng.uniform(-20 if name == "tanh" else -6.5, 6.5, COUNT)]
    )


@pytest.mark.parametrize("name", ONE)
def test_float64(name: str) -> None:
    x = arguments(name)
    assert errors64(name, x[np.isfinite(x)]).max() <= LIMITS[name][1]


def test_float64_power() -> None:
    """The exponent may magnify the error of the logarithm a thousand times."""
    rng = np.random.default_rng(2)
    x = np.concatenate([spread(rng, 1e-300, 1e300), 1 + rng.uniform(-0.3, 0.3, COUNT)])
    y = rng.uniform(-744, 709, x.size) / np.log(x)
    assert errors64("pow", x, y).max() <= LIMITS["pow"][1]


def test_whole_powers_are_exact() -> None:
    whole = np.arange(-40.0, 41.0)
    x, y = (part.reshape(-1) for part in np.meshgrid(whole, np.arange(10.0)))
    for dtype in (np.float32, np.float64):
        exact = np.abs(x**y) < 2 ** (np.finfo(dtype).nmant + 1)
        computed = compiled("pow", x[exact].astype(dtype), y[exact].astype(dtype))
        assert np.array_equal(computed, x[exact] ** y[exact])
    noise = np.random.default_rng(0).standard_normal(5000)
    assert np.array_equal(compiled("pow", noise, np.ones_like(noise)), noise)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ONE)
def test_special_values(name: str, dtype: Any) -> None:
    """Zeros with their signs, infinities, NaN, exact values, as C99 (annex F) has them."""
    inf, nan = np.inf, np.nan
    zeros: dict[str, float] = {"exp": 1, "log": -inf, "sigmoid": 0.5, "cos": 1, "normal_cdf": 0.5}
    zeros["normal_pdf"] = float(dtype(1 / np.sqrt(2 * np.pi)))
    others: dict[str, dict[float, float]] = {
        "exp": {inf: inf, -inf: 0, 1e4: inf, -1e4: 0},
        "expm1": {inf: inf, -inf: -1, 1e4: inf, -1e4: -1},
        "log": {1: 0, inf: inf, -inf: nan, -1: nan},
        "log1p": {-1: -inf, inf: inf, -inf: nan, -1.5: nan},
        "tanh": {inf: 1, -inf: -1, 30: 1, -30: -1},
        "sigmoid": {inf: 1, -inf: 0, 1e4: 1, -1e4: 0},
        "erf": {inf: 1, -inf: -1, 30: 1, -30: -1},
        "normal_pdf": {inf: 0, -inf: 0, 50: 0, -50: 0},
        "normal_cdf": {inf: 1, -inf: 0, 50: 1, -50: 0},
        "gelu": {inf: inf, -inf: -0.0, 50: 50, -50: -0.0},
        "sin": {inf: nan, -inf: nan},
        "cos": {inf: nan, -inf: nan},
    }
    rows = [(0.0, zeros.get(name, 0.0)), (-0.0, zeros.get(name, -0.0)), (nan, nan)]
    rows += others[name].items()
    computed = compiled(name, np.array([x for x, _ in rows], dtype))
    for (x, wanted), value in zip(rows, computed, strict=True):
        assert (value != value) == (wanted != wanted), (x, value)
        if wanted == wanted:
            assert value == wanted and np.signbit(value) == np.signbit(dtype(wanted)), (x, value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_powers(dtype: Any) -> None:
    sizes = [0.0, 0.5, 1.0, 2.0, 3.0, 1e4, float(np.finfo(dtype).smallest_subnormal), np.inf]
    values = np.array([*sizes, *(-size for size in sizes), np.nan], dtype)
    x, y = (part.reshape(-1) for part in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        wanted = np.power(x, y)
    computed = compiled("pow", x, y)
    assert np.array_equal(np.isnan(computed), np.isnan(wanted))
    edges = np.isinf(wanted) | (wanted == 0) | (np.abs(wanted) == 1)
    assert np.array_equal(computed[edges], wanted[edges])
    assert np.array_equal(np.signbit(computed[edges]), np.signbit(wanted[edges]))


@pytest.mark.parametrize("name", ["tanh", "erf", "sin"])
def test_odd_functions_are_odd(name: str) -> None:
    x = every(65_537)[:30_000]
    x = x[np.isfinite(x)]
    assert np.array_equal(compiled(name, -x), -compiled(name, x))


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "erf", "normal_cdf"])
def test_growing_functions_grow(name: str) -> None:
    """Between neighbouring floats the value never falls by more than its rounding error."""
    x = near(np.array([0.1, 0.34657, 0.625, 1.0, 1.4142, 3.0], np.float32), 1, 4000)
    computed = compiled(name, x).reshape(6, -1).astype(np.float64)
    fall = -np.diff(computed, axis=1).min(initial=0)
    assert fall <= 2 * np.spacing(np.float32(computed.max()))


@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_without_fused_multiply_add(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds hold where a · b + c is rounded twice."""
    program = importlib.import_module("pellucid.compile.program")
    if program.host_isa().triple.split("-")[0] != "x86_64":
        pytest.skip("this machine runs no code for x86-64")
    if name == "avx2" and program.host_isa().name == "sse2":
        pytest.skip("this machine has no AVX2")
    monkeypatch.setattr(program, "host_isa", lambda: isa_named(name))
    for function in ONE:
        assert errors32(function, every(20_011)).max() <= 2, function
        x = arguments(function)
        assert errors64(function, x[np.isfinite(x)]).max() <= 4, function
    test_float64_power()


def gelu_arguments() -> Array:
    x = np.concatenate([every(100_003), near(np.array([-2, -0.5, 0.5, 2], np.float32), 97, 2000)])
    return np.asarray(x[np.isfinite(x)])


def test_gelu() -> None:
    """To 2 ulp, also in the left tail and where it is subnormal; its derivative to 3 ulp of the greater
    of its two terms."""
    x = gelu_arguments()
    argument = g.variable(x, "x")
    y = GELU()(argument)
    graph = Graph({"y": y.node, "derivative": g.grad(y.sum(), argument).node})
    computed = NativeProgram(graph, 1).run(1)
    wide = x.astype(np.float64)
    with np.errstate(under="ignore"):
        left, right = scipy.special.ndtr(wide), wide * NUMPY["normal_pdf"](wide)
    assert distance(computed["y"][0], wide * left, np.zeros_like(wide)).max() <= 2
    unit = np.spacing(np.maximum(left, np.abs(right)).astype(np.float32))
    off = np.abs(computed["derivative"][0].astype(np.float64) - (left + right))
    normal = np.abs(right) > np.finfo(np.float32).tiny
    assert (off[normal] <= 3 * unit[normal]).all() and (off[~normal] <= 2**-24).all()


def test_gelu_tanh() -> None:
    """Products of these functions: within two units of the last place of x, where it is not flat.

    Far on the left it is a difference of nearly equal numbers, as its formula is written.
    """
    x = gelu_arguments()
    wide = x.astype(np.float64)
    inner = np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)
    true = wide * scipy.special.expit(2 * inner)
    y = GELU("tanh")(g.variable(x, "x"))
    computed = NativeProgram(Graph({"y": y.node}), 1).run(1)["y"][0]
    off = np.abs(computed.astype(np.float64) - true)
    assert (off <= 2 * np.spacing(np.abs(x))).all()
    inside = (x > -1) & (np.abs(true) > np.finfo(np.float32).tiny)
    assert (off[inside] <= 4 * np.spacing(np.abs(true[inside]).astype(np.float32))).all()
