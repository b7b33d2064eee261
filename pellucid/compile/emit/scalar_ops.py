"""What each elementwise op is in loop IR, for any number of lanes."""

from __future__ import annotations

from collections.abc import Callable

from pellucid.compile import vmath
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.loop.kinds import kind_of
from pellucid.graph.dtype import DType
from pellucid.graph.node import Node

Emit = Callable[..., Value]


def _sign(b: Builder, x: Value) -> Value:
    zero = b.constant(x.type, 0)
    up = b.select(b.compare(">", x, zero), b.constant(x.type, 1), zero)
    down = b.select(b.compare("<", x, zero), b.constant(x.type, -1), up)
    # NaN compares false with everything, so it is handed through.
    return b.select(b.compare("!=", x, x), x, down) if x.type.is_float else down


def _abs(b: Builder, x: Value) -> Value:
    if x.type.is_float:
        return b.unary("abs", x)
    return b.select(b.compare("<", x, 0), b.neg(x), x)


def _relu(b: Builder, x: Value) -> Value:
    return b.select(b.compare("<=", x, 0.0), b.constant(x.type, 0.0), x)


def _rsqrt(b: Builder, x: Value) -> Value:
    return b.div(1.0, b.unary("sqrt", x))


_EMIT: dict[str, Emit] = {
    "add": Builder.add,
    "sub": Builder.sub,
    "mul": Builder.mul,
    "div": Builder.div,
    "maximum": Builder.maximum,
    "minimum": Builder.minimum,
    "neg": Builder.neg,
    "abs": _abs,
    "sign": _sign,
    "square": lambda b, x: b.mul(x, x),
    "sqrt": lambda b, x: b.unary("sqrt", x),
    "rsqrt": _rsqrt,
    "floor": lambda b, x: b.unary("floor", x),
    "relu": _relu,
    "equal": lambda b, x, y: b.compare("==", x, y),
    "not_equal": lambda b, x, y: b.compare("!=", x, y),
    "less": lambda b, x, y: b.compare("<", x, y),
    "less_equal": lambda b, x, y: b.compare("<=", x, y),
    "logical_and": lambda b, x, y: b.bit("and", x, y),
    "logical_or": lambda b, x, y: b.bit("or", x, y),
    "logical_not": Builder.invert,
    "where": Builder.select,
    "stop_gradient": lambda b, x: x,
}


def _condition_order(b: Builder, op: str, x: Value, y: Value) -> Value:
    """Comparisons of conditions: as a single bit, true is −1, so they are widened first."""
    return _EMIT[op](b, b.convert(x, "i32"), b.convert(y, "i32"))


def elementwise(b: Builder, node: Node, inputs: list[Value]) -> Value:
    """The value of an elementwise node from the values of its inputs."""
    if node.op == "cast":
        return _cast(b, inputs[0], node.dtype)
    if node.op in vmath.FUNCTIONS:
        return vmath.emit(b, node.op, *inputs)
    if inputs[0].type.kind == "i1" and node.op in ("less", "less_equal"):
        return _condition_order(b, node.op, *inputs)
    result = _EMIT[node.op](b, *inputs)
    wraps = node.dtype.name == "uint8" and node.op in ("add", "sub", "mul", "neg", "square")
    return b.bit("and", result, 255) if wraps else result


def _cast(b: Builder, x: Value, target: DType) -> Value:
    if target.name == "bool":
        return b.compare("!=", x, 0)
    if target.name == "uint8":
        return b.bit("and", b.convert(x, "i32"), 255)
    return b.convert(x, kind_of(target))


SUPPORTED = frozenset(_EMIT) | vmath.FUNCTIONS | {"cast"}
