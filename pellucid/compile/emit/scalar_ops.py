"""What each elementwise op is in loop IR, for any number of lanes."""

from __future__ import annotations

from collections.abc import Callable

from pellucid.compile import vmath
from pellucid.compile.element import kind_of
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.op_facts import OP_FACTS
from pellucid.graph.dtype import DType
from pellucid.graph.node import Node

Emitter = Callable[..., Value]


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


def _less(b: Builder, x: Value, y: Value) -> Value:
    return b.compare("<", *_ordered(b, x, y))


def _less_equal(b: Builder, x: Value, y: Value) -> Value:
    return b.compare("<=", *_ordered(b, x, y))


def _ordered(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """Conditions as integers: as a single bit, true is −1."""
    if x.type.kind == "i1":
        return b.convert(x, "i32"), b.convert(y, "i32")
    return x, y


def _cast(b: Builder, x: Value, dtype: DType) -> Value:
    if dtype.name == "bool":
        return b.compare("!=", x, 0)
    if dtype.name == "uint8":
        return b.bit("and", b.convert(x, "i32"), 255)
    return b.convert(x, kind_of(dtype))


def _function(name: str) -> Emitter:
    return lambda b, *inputs: vmath.emit(b, name, *inputs)


EMITTERS: dict[str, Emitter] = {
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
    "less": _less,
    "less_equal": _less_equal,
    "logical_and": lambda b, x, y: b.bit("and", x, y),
    "logical_or": lambda b, x, y: b.bit("or", x, y),
    "logical_not": Builder.invert,
    "where": Builder.select,
    "cast": _cast,
    "stop_gradient": lambda b, x: x,
    **{name: _function(name) for name in vmath.FUNCTIONS},
}
"""The emitters of elementwise ops, by the `emitter` of their facts.

Each takes the builder, the values of the inputs, with equal numbers of lanes, and the op's attributes.
"""


def elementwise(b: Builder, node: Node, inputs: list[Value]) -> Value:
    """The value of an elementwise node from the values of its inputs."""
    facts = OP_FACTS[node.op]
    emit = EMITTERS[facts.emitter]
    result = _external(emit, b, node, inputs) if facts.external else emit(b, *inputs, **node.attrs)
    wraps = facts.wraps and node.dtype.name == "uint8"
    return b.bit("and", result, 255) if wraps else result


def _external(emit: Emitter, b: Builder, node: Node, inputs: list[Value]) -> Value:
    """The value by an emitter from outside the package, whose type is checked."""
    with b.uncontracted():
        result = emit(b, *inputs, **node.attrs)
    expected = Type(kind_of(node.dtype), inputs[0].type.lanes)
    value = b.splat(result, expected.lanes, expected)
    if value.type != expected:
        raise TypeError(f"the lowering of {node.op} gives a {value.type}, not a {expected}")
    return value
