"""A checker of loop IR: types, definitions before uses, carried values, calls.

It runs between the emitters and LLVM, so an error message names the faulty instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from pellucid.compile.loop.ir import (
    BITS,
    I1,
    I64,
    PTR,
    Constant,
    Function,
    If,
    Instruction,
    Loop,
    Type,
    Value,
)
from pellucid.compile.loop.visitor import Visitor


def verify(function: Function, callees: Mapping[str, Function] | None = None) -> None:
    """Raise TypeError naming the first item of a function that is not legal loop IR.

    callees: functions that it calls, whose parameters the arguments must fit.
    """
    _Checker(function, callees or {}).check()


class _Checker(Visitor):
    """names: every value so far, each defined once. visible: the values in scope."""

    def __init__(self, function: Function, callees: Mapping[str, Function]) -> None:
        self.function = function
        self.callees = callees
        self.names: set[str] = set()
        self.visible: set[int] = set()

    def check(self) -> None:
        self._define(self.function.parameters, self.function)
        self.visit(self.function.body)

    def _fail(self, item: object, why: str) -> NoReturn:
        raise TypeError(f"{self.function.name}: {_text(item)}: {why}")

    def _define(self, values: Sequence[Value], item: object) -> None:
        for value in values:
            if value.name in self.names:
                self._fail(item, f"{value!r} is defined twice")
            self.names.add(value.name)
            self.visible.add(id(value))

    def _use(self, values: Sequence[Value], item: object) -> None:
        for value in values:
            if not isinstance(value, Constant) and id(value) not in self.visible:
                self._fail(item, f"{value!r} is not defined here")

    def visit_if(self, branch: If) -> None:
        """The condition is one bit."""
        self._use([branch.condition], branch)
        if branch.condition.type != I1:
            self._fail(branch, "a branch takes one condition")
        outside = set(self.visible)
        self.visit(branch.body)
        self.visible = outside

    def visit_loop(self, loop: Loop) -> None:
        """Bounds are i64; carried values keep their number and types."""
        self._use([loop.start, loop.stop, *loop.initial], loop)
        if {value.type for value in (loop.variable, loop.start, loop.stop)} != {I64}:
            self._fail(loop, "a loop runs over i64")
        if loop.step < 1:
            self._fail(loop, f"a loop steps forward, not by {loop.step}")
        rows = (loop.initial, loop.carried, loop.following, loop.results)
        if len({tuple(value.type for value in row) for row in rows}) != 1:
            self._fail(loop, "carried values keep their number and types in every iteration")
        outside = set(self.visible)
        self._define([loop.variable, *loop.carried], loop)
        self.visit(loop.body)
        self._use(loop.following, loop)
        self.visible = outside
        self._define(loop.results, loop)

    def visit_instruction(self, item: Instruction) -> None:
        """The op exists, and operands and result have the types that it takes."""
        self._use(item.args, item)
        types = [value.type for value in item.args]
        if item.op == "call":
            self._call(item, types)
        elif item.op not in _RULES:
            self._fail(item, "there is no such instruction")
        elif not _RULES[item.op](types, item.result.type if item.result else None, item.detail):
            self._fail(item, "its types do not fit")
        self._define([item.result] if item.result else [], item)

    def _call(self, item: Instruction, types: list[Type]) -> None:
        callee = self.callees.get(str(item.detail))
        expected = types if callee is None else [value.type for value in callee.parameters]
        if item.result is not None or types != expected:
            self._fail(item, f"it takes ({', '.join(map(str, expected))}) and returns nothing")


def _text(item: object) -> str:
    if isinstance(item, Instruction):
        result = f"{item.result!r} = " if item.result else ""
        detail = "" if item.detail is None else f" [{item.detail}]"
        return f"{result}{item.op}({', '.join(map(repr, item.args))}){detail}"
    if isinstance(item, Loop):
        return f"for {item.variable!r} in {item.start!r} … {item.stop!r}"
    return f"if {item.condition!r}" if isinstance(item, If) else "the parameters"


Rule = Callable[[list[Type], Type | None, object], bool]
"""(types of the operands, type of the result, detail) → whether they fit."""


def _same(*kinds: str, arity: int = 2) -> Rule:
    """Operands and result of one type, whose elements are of these kinds."""

    def rule(types: list[Type], result: Type | None, detail: object) -> bool:
        return len(types) == arity and {*types} == {result} and types[0].kind in kinds

    return rule


def _takes(arity: int, rule: Rule) -> Rule:
    """The rule, for `arity` operands only."""
    return lambda types, result, detail: len(types) == arity and rule(types, result, detail)


def _compare(types: list[Type], result: Type | None, order: object) -> bool:
    x, y = types
    return x == y and result == x.of("i1") and order in ("<", "<=", ">", ">=", "==", "!=")


def _select(types: list[Type], result: Type | None, detail: object) -> bool:
    condition, x, y = types
    return x == y == result and condition in (x.of("i1"), I1)


def _convert(types: list[Type], result: Type | None, detail: object) -> bool:
    (x,) = types
    return result is not None and x.lanes == result.lanes and "ptr" not in (x.kind, result.kind)


def _bitcast(types: list[Type], result: Type | None, detail: object) -> bool:
    (x,) = types
    if result is None or x.kind == "ptr":
        return False
    return x.lanes == result.lanes and BITS[x.kind] == BITS[result.kind]


def _splat(types: list[Type], result: Type | None, detail: object) -> bool:
    (x,) = types
    return result is not None and result.lanes > 0 and x == result.scalar


def _lane_numbers(types: list[Type], result: Type | None, detail: object) -> bool:
    return not types and result is not None and result.lanes > 0 and not result.is_float


def _lane(types: list[Type], result: Type | None, index: object) -> bool:
    (x,) = types
    return result == x.scalar and isinstance(index, int) and 0 <= index < x.lanes


def _shuffle(types: list[Type], result: Type | None, order: object) -> bool:
    x, y = types
    if x != y or not isinstance(order, tuple) or result != Type(x.kind, len(order)):
        return False
    return all(0 <= lane < 2 * x.lanes for lane in order)


def _join(types: list[Type], result: Type | None, detail: object) -> bool:
    return result is not None and len(types) == result.lanes and {*types} == {result.scalar}


def _offset(types: list[Type], result: Type | None, kind: object) -> bool:
    return types == [PTR, I64] and result == PTR and kind in BITS


def _load(types: list[Type], result: Type | None, detail: object) -> bool:
    if result is None or result.kind == "i1":
        return False
    return types == [PTR] or (types == [PTR, result.of("i1")] and result.lanes > 0)


def _store(types: list[Type], result: Type | None, detail: object) -> bool:
    if not types:
        return False
    value, *rest = types
    masked = rest == [PTR, value.of("i1")] and value.lanes > 0
    return result is None and value.kind != "i1" and (rest == [PTR] or masked)


def _gather(types: list[Type], result: Type | None, detail: object) -> bool:
    if result is None or result.kind == "i1" or result.lanes < 1:
        return False
    operands = [PTR, result.of("i64")]
    return types in (operands, [*operands, result.of("i1")])


_NUMBERS = ("i8", "i32", "i64", "f32", "f64")
_INTEGERS = ("i1", "i8", "i32", "i64")
_RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "sub", "mul", "div"), _same(*_NUMBERS)),
    "rem": _same("i8", "i32", "i64"),
    **dict.fromkeys(("and", "or", "xor", "shl", "lshr", "ashr"), _same(*_INTEGERS)),
    "fma": _same("f32", "f64", arity=3),
    "neg": _same("f32", "f64", arity=1),
    "unary": _same(*_NUMBERS, arity=1),
    "compare": _takes(2, _compare),
    "select": _takes(3, _select),
    "convert": _takes(1, _convert),
    "bitcast": _takes(1, _bitcast),
    "splat": _takes(1, _splat),
    "lane_numbers": _lane_numbers,
    "lane": _takes(1, _lane),
    "shuffle": _takes(2, _shuffle),
    "join": _join,
    "offset": _offset,
    "load": _load,
    "store": _store,
    "gather": _gather,
    "stack": lambda types, result, detail: not types and result == PTR,
    "prefetch": lambda types, result, detail: (
        types == [PTR] and detail in ("read", "write") and not result
    ),
    "clock": lambda types, result, detail: not types and result == I64,
}
