"""Random draws: Philox 4×32-10 on vectors of counters (see `graph.philox`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pellucid.compile import vmath
from pellucid.compile.emit.expression import ExpressionEmitter
from pellucid.compile.emit.index_value import lanes_below
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.graph.node import Node
from pellucid.graph.ops.random import bernoulli_threshold
from pellucid.graph.philox import MULTIPLIERS, ROUNDS, WEYL

_BLOCKS_A_TASK = 1024
_MASK = 0xFFFFFFFF


def draw_tasks(node: Node) -> int:
    """Pieces of work of a draw."""
    return -(-node.size // (4 * _BLOCKS_A_TASK))


def emit_draw(
    b: Builder,
    node: Node,
    buffers: Mapping[Node, Value],
    pointers: Sequence[Value],
    lanes: int,
    span: tuple[Value, Value],
) -> None:
    """Emit the tasks of a span; every pointer gets the elements."""
    expressions = ExpressionEmitter(b, buffers)
    seed, step = (expressions.value(source, ()) for source in node.inputs)
    count = -(-node.size // 4)
    with b.loop(*span, hint="task") as task:
        first = b.mul(task.variable, _BLOCKS_A_TASK)
        last = b.minimum(b.add(first, _BLOCKS_A_TASK), count)
        with b.loop(first, last, lanes, hint="block") as block:
            words = _philox(b, block.variable, seed, step, node.attrs["draw"], lanes)
            values = _interleaved(b, _values(b, node, words))
            at = b.mul(block.variable, 4)
            mask = lanes_below(b, 4 * lanes, at, node.size)
            for pointer in pointers:
                b.store(values, pointer, at, mask)


def _philox(
    b: Builder, block: Value, seed: Value, step: Value, draw: int, lanes: int
) -> list[Value]:
    word = Type("i32", lanes)
    numbers = b.add(b.lane_numbers(lanes, "i32"), b.splat(b.convert(block, "i32"), lanes))
    high = b.convert(b.bit("lshr", step, 32), "i32")
    counter = [
        numbers,
        b.constant(word, draw & _MASK),
        b.splat(b.convert(step, "i32"), lanes),
        b.splat(high, lanes),
    ]
    keys = [b.convert(seed, "i32"), b.convert(b.bit("lshr", seed, 32), "i32")]
    for number in range(ROUNDS):
        key = [
            b.splat(b.add(k, _signed(number * w)), lanes) for k, w in zip(keys, WEYL, strict=True)
        ]
        low0, high0 = _product(b, counter[0], MULTIPLIERS[0])
        low1, high1 = _product(b, counter[2], MULTIPLIERS[1])
        counter = [
            b.bit("xor", b.bit("xor", high1, counter[1]), key[0]),
            low1,
            b.bit("xor", b.bit("xor", high0, counter[3]), key[1]),
            low0,
        ]
    return counter


def _signed(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def _product(b: Builder, word: Value, factor: int) -> tuple[Value, Value]:
    """The low and the high half of the 64-bit product."""
    wide = b.bit("and", b.convert(word, "i64"), _MASK)
    product = b.mul(wide, factor)
    return b.convert(product, "i32"), b.convert(b.bit("lshr", product, 32), "i32")


def _values(b: Builder, node: Node, words: list[Value]) -> list[Value]:
    """The four elements that the words of each block become."""
    upper = [b.bit("lshr", word, 8) for word in words]
    if node.op == "bernoulli":
        threshold = bernoulli_threshold(node.attrs["probability"])
        return [b.compare("<", word, threshold) for word in upper]
    units = [b.mul(b.convert(word, "f32"), 2.0**-24) for word in upper]
    if node.dtype.itemsize == 8:
        units = [b.convert(unit, "f64") for unit in units]
    if node.op == "uniform":
        return units
    return [value for pair in (units[:2], units[2:]) for value in _normal_pair(b, *pair)]


def _normal_pair(b: Builder, first: Value, second: Value) -> list[Value]:
    """Box & Muller 1958."""
    logarithm = vmath.emit(b, "log", b.sub(1.0, first))
    radius = b.unary("sqrt", b.mul(logarithm, -2.0))
    angle = b.mul(second, 6.283185307179586)
    return [b.mul(radius, vmath.emit(b, name, angle)) for name in ("cos", "sin")]


def _interleaved(b: Builder, parts: list[Value]) -> Value:
    """All lanes in the order of elements: the four of the first block, then those of the next."""
    lanes = parts[0].type.lanes
    kind = parts[0].type.kind
    stored = [b.convert(part, "i8") for part in parts] if kind == "i1" else parts
    zip2 = [i // 2 + (i % 2) * lanes for i in range(2 * lanes)]
    first = b.shuffle(stored[0], stored[1], zip2)
    second = b.shuffle(stored[2], stored[3], zip2)
    order = [(i // 4) * 2 + i % 2 + (2 * lanes if i % 4 > 1 else 0) for i in range(4 * lanes)]
    return b.shuffle(first, second, order)
