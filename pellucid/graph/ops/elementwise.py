"""Elementwise ops: operands of one shape, each element of the result from those at its own index.

Where a rule has a kink (|x|, max, ReLU) the gradient there is PyTorch's: 0 for |x| and ReLU, shared
evenly between equal operands of maximum and minimum. NaN passes the gradient on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.graph.dtype import BOOL, DType, is_float
from pellucid.graph.op import Array, Op, TensorType, declare
from pellucid.graph.tensor import Gradients, Tensor

Rule = Callable[..., Gradients]
_erf_each = np.frompyfunc(math.erf, 1, 1)
_erfc_each = np.frompyfunc(math.erfc, 1, 1)


def _arity(name: str, count: int, *types: TensorType) -> None:
    if len(types) != count:
        raise TypeError(f"{name} takes {count} operands, got {len(types)}")


def _same_shape(name: str, *types: TensorType) -> None:
    if any(t.shape != types[0].shape for t in types):
        raise ValueError(f"{name} takes operands of one shape, got {' and '.join(map(str, types))}")


def _same_type(name: str, *types: TensorType) -> None:
    _same_shape(name, *types)
    if any(t.dtype != types[0].dtype for t in types):
        raise TypeError(f"{name} takes operands of one type, got {' and '.join(map(str, types))}")


def _float_function(name: str, reference: Callable[[Array], Array], rule: Rule, form: str) -> None:
    def infer(x: TensorType) -> TensorType:
        if not is_float(x.dtype):
            raise TypeError(f"{name} takes float tensors, got {x}")
        return x

    declare(Op(name, "elementwise", infer, reference, rule, form))


def _arithmetic(
    name: str, reference: Callable[..., Array], rule: Rule | None, form: str, *, arity: int = 2
) -> None:
    def infer(*types: TensorType) -> TensorType:
        _arity(name, arity, *types)
        _same_type(name, *types)
        if types[0].dtype == BOOL:
            raise TypeError(f"{name} takes numbers, got {types[0]}; cast the condition first")
        return types[0]

    declare(Op(name, "elementwise", infer, reference, rule, form))


def _compare(name: str, reference: Callable[..., Array], form: str) -> None:
    def infer(x: TensorType, y: TensorType) -> TensorType:
        _same_type(name, x, y)
        return TensorType(x.shape, BOOL)

    declare(Op(name, "elementwise", infer, reference, None, form))


def _logical(name: str, reference: Callable[..., Array], form: str, *, arity: int = 2) -> None:
    def infer(*types: TensorType) -> TensorType:
        _arity(name, arity, *types)
        _same_type(name, *types)
        if types[0].dtype != BOOL:
            raise TypeError(f"{name} takes conditions (bool), got {types[0]}")
        return types[0]

    declare(Op(name, "elementwise", infer, reference, None, form))


def _erf(x: Array) -> Array:
    return np.asarray(_erf_each(x), dtype=x.dtype)


def _normal_pdf(x: Array) -> Array:
    wide = x.astype(np.float64)
    return np.asarray(np.exp(wide * wide * -0.5) / math.sqrt(2 * math.pi), dtype=x.dtype)


def _normal_cdf(x: Array) -> Array:
    tail = _erfc_each(x.astype(np.float64) * -math.sqrt(0.5))
    return np.asarray(0.5 * tail, dtype=x.dtype)


def _gelu(x: Array) -> Array:
    wide = np.maximum(x.astype(np.float64), -40.0)  # Φ is 0 there, and x Φ at −∞ would be NaN
    return np.asarray(wide * _normal_cdf(wide), dtype=x.dtype)


def _gelu_rule(g: Tensor, out: Tensor, x: Tensor) -> Gradients:
    """Φ(x) + x φ(x)."""
    return (g * (x.normal_cdf() + x * x.normal_pdf()),)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)), dtype=x.dtype)


def _relu(x: Array) -> Array:
    return np.where(x <= 0, np.zeros((), x.dtype), x)  # NaN stays NaN


def _rsqrt(x: Array) -> Array:
    return np.asarray(1 / np.sqrt(x), dtype=x.dtype)


def _pow_rule(g: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Gradients:
    """y·x^(y−1) and x^y·log x, with their limits at x = 0: 0 for y = 0, and for y ≥ 0."""
    zero = x.equal(0.0)
    lower = (zero & y.equal(0.0)).where(1.0, y - 1.0)
    flat = zero & (y >= 0.0)
    return g * y * x**lower, g * flat.where(0.0, out * flat.where(1.0, x).log())


def _shared(g: Tensor, loses: Tensor, ties: Tensor) -> Tensor:
    return loses.where(0.0, ties.where(g * 0.5, g))


def _maximum_rule(g: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Gradients:
    return _shared(g, x < y, x.equal(y)), _shared(g, y < x, x.equal(y))


def _minimum_rule(g: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Gradients:
    return _shared(g, x > y, x.equal(y)), _shared(g, y > x, x.equal(y))


_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

_arithmetic("add", np.add, lambda g, out, x, y: (g, g), "{0} + {1}")
_arithmetic("sub", np.subtract, lambda g, out, x, y: (g, -g), "{0} − {1}")
_arithmetic("mul", np.multiply, lambda g, out, x, y: (g * y, g * x), "{0} · {1}")
_arithmetic("maximum", np.maximum, _maximum_rule, "max({0}, {1})")
_arithmetic("minimum", np.minimum, _minimum_rule, "min({0}, {1})")
_arithmetic("neg", np.negative, lambda g, out, x: (-g,), "−{0}", arity=1)
_arithmetic("abs", np.abs, lambda g, out, x: (g * x.sign(),), "|{0}|", arity=1)
_arithmetic("sign", np.sign, None, "sign({0})", arity=1)
_arithmetic("square", np.square, lambda g, out, x: (g * 2.0 * x,), "{0}²", arity=1)

_float_function("exp", np.exp, lambda g, out, x: (g * out,), "exp({0})")
_float_function("log", np.log, lambda g, out, x: (g / x,), "log({0})")
_float_function("log1p", np.log1p, lambda g, out, x: (g / (x + 1.0),), "log(1 + {0})")
_float_function("expm1", np.expm1, lambda g, out, x: (g * (out + 1.0),), "exp({0}) − 1")
_float_function("sqrt", np.sqrt, lambda g, out, x: (g * 0.5 / out,), "√{0}")
_float_function("rsqrt", _rsqrt, lambda g, out, x: (g * -0.5 * out / x,), "1/√{0}")
_float_function("sin", np.sin, lambda g, out, x: (g * x.cos(),), "sin({0})")
_float_function("cos", np.cos, lambda g, out, x: (g * -x.sin(),), "cos({0})")
_float_function("tanh", np.tanh, lambda g, out, x: (g * (1.0 - out.square()),), "tanh({0})")
_float_function("sigmoid", _sigmoid, lambda g, out, x: (g * (out * (1.0 - out)),), "σ({0})")
_float_function("relu", _relu, lambda g, out, x: ((out <= 0).where(0.0, g),), "ReLU({0})")
_float_function(
    "erf", _erf, lambda g, out, x: (g * (_TWO_OVER_ROOT_PI * (-x.square()).exp()),), "erf({0})"
)
_float_function("normal_pdf", _normal_pdf, lambda g, out, x: (g * -x * out,), "φ({0})")
_float_function("normal_cdf", _normal_cdf, lambda g, out, x: (g * x.normal_pdf(),), "Φ({0})")
_float_function("gelu", _gelu, _gelu_rule, "GELU({0})")
_float_function("floor", np.floor, lambda g, out, x: (None,), "⌊{0}⌋")

_compare("equal", np.equal, "{0} = {1}")
_compare("not_equal", np.not_equal, "{0} ≠ {1}")
_compare("less", np.less, "{0} < {1}")
_compare("less_equal", np.less_equal, "{0} ≤ {1}")
_logical("logical_and", np.logical_and, "{0} and {1}")
_logical("logical_or", np.logical_or, "{0} or {1}")
_logical("logical_not", np.logical_not, "not {0}", arity=1)


def _float_pair(name: str) -> Callable[[TensorType, TensorType], TensorType]:
    def infer(x: TensorType, y: TensorType) -> TensorType:
        _same_type(name, x, y)
        if not is_float(x.dtype):
            raise TypeError(f"{name} takes float tensors, got {x} and {y}")
        return x

    return infer


declare(
    Op(
        "div",
        "elementwise",
        _float_pair("div"),
        np.divide,
        lambda g, out, x, y: (g / y, -g * out / y),
        "{0} / {1}",
    )
)
declare(Op("pow", "elementwise", _float_pair("pow"), np.power, _pow_rule, "{0} ^ {1}"))


def _where_type(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    _same_shape("where", condition, x, y)
    _same_type("where", x, y)
    if condition.dtype != BOOL:
        raise TypeError(f"where takes a condition (bool) first, got {condition}")
    return x


def _where_rule(g: Tensor, out: Tensor, condition: Tensor, x: Tensor, y: Tensor) -> Gradients:
    return None, condition.where(g, 0.0), condition.where(0.0, g)


declare(Op("where", "elementwise", _where_type, np.where, _where_rule, "{1} if {0} else {2}"))


def _cast_type(x: TensorType, dtype: DType) -> TensorType:
    return TensorType(x.shape, dtype)


def _cast(x: Array, dtype: DType) -> Array:
    # A float outside the integer's range has no right answer, so a warning says nothing.
    with np.errstate(invalid="ignore"):
        return x.astype(dtype)


def _cast_rule(g: Tensor, out: Tensor, x: Tensor, dtype: DType) -> Gradients:
    return (g.cast(x.dtype) if is_float(x.dtype) else None,)


declare(Op("cast", "elementwise", _cast_type, _cast, _cast_rule, "{dtype}({0})"))


def _identity(x: Array, **attrs: Any) -> Array:
    return x


declare(
    Op("stop_gradient", "elementwise", lambda x: x, _identity, lambda *_: (None,), "constant({0})")
)
