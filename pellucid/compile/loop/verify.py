"""A checker of loop IR: types, definitions before uses, carried values, calls.

Between the emitters and LLVM, so that a mistake is named where it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pellucid.compile.loop.ir import (
    BITS,
    I1,
    I64,
    PTR,
    Block,
    Constant,
    Function,
    If,
    Instruction,
    Loop,
    Type,
    Value,
)

_ARITHMETIC = ("add", "sub", "mul", "div", "rem")
_BITS = ("and", "or", "xor", "shl", "lshr", "ashr")
_FLOAT_UNARY = ("sqrt", "floor", "ceil", "rint", "abs")
_ORDERS = ("<", "<=", ">", ">=", "==", "!=")


def verify(function: Function, callees: Mapping[str, Function] | None = None) -> None:
    """Raise TypeError naming the first item of a function that is not legal loop IR.

    callees: the functions that it may call, whose parameters its arguments must fit; not looked at
    if None.
    """
    _Checker(function, callees).check()


class _Checker:
    def __init__(self, function: Function, callees: Mapping[str, Function] | None) -> None:
        self.function = function
        self.callees = callees
        self.names: set[str] = set()
        self.visible: set[int] = set()

    def check(self) -> None:
        for parameter in self.function.parameters:
            self._define(parameter, parameter)
        self._block(self.function.body)

    def _fail(self, item: object, why: str) -> None:
        raise TypeError(f"{self.function.name}: {_text(item)}: {why}")

    def _define(self, value: Value, item: object) -> None:
        if isinstance(value, Constant):
            self._fail(item, "a constant is not defined")
        if value.name in self.names:
            self._fail(item, f"{value!r} is defined twice")
        self.names.add(value.name)
        self.visible.add(id(value))

    def _use(self, value: Value, item: object) -> None:
        if not isinstance(value, Constant) and id(value) not in self.visible:
            self._fail(item, f"{value!r} is not defined here")

    def _block(self, block: Block) -> None:
        """What is defined in a block is not seen outside."""
        outside = set(self.visible)
        for item in block.items:
            if isinstance(item, Instruction):
                self._instruction(item)
            elif isinstance(item, Loop):
                self._loop(item)
            else:
                self._if(item)
        if block is not self.function.body:
            self.visible = outside

    def _if(self, branch: If) -> None:
        self._use(branch.condition, branch)
        if branch.condition.type != I1:
            self._fail(branch, "a branch takes one condition")
        self._block(branch.body)

    def _loop(self, loop: Loop) -> None:
        for value in (loop.start, loop.stop, *loop.initial):
            self._use(value, loop)
        if {value.type for value in (loop.variable, loop.start, loop.stop)} != {I64}:
            self._fail(loop, "a loop runs over i64")
        if loop.step < 1:
            self._fail(loop, f"a loop steps forward, got {loop.step}")
        rows = (loop.initial, loop.carried, loop.following, loop.results)
        if len({tuple(value.type for value in row) for row in rows}) != 1:
            self._fail(loop, "carried values keep their number and types from turn to turn")
        outside = set(self.visible)
        for value in (loop.variable, *loop.carried):
            self._define(value, loop)
        for item in loop.body.items:
            self._block_item(item)
        for value in loop.following:
            self._use(value, loop)
        self.visible = outside
        for value in loop.results:
            self._define(value, loop)

    def _block_item(self, item: Instruction | Loop | If) -> None:
        if isinstance(item, Instruction):
            self._instruction(item)
        elif isinstance(item, Loop):
            self._loop(item)
        else:
            self._if(item)

    def _instruction(self, item: Instruction) -> None:
        for value in item.args:
            self._use(value, item)
        if item.op == "call":
            self._call(item)
        elif item.op not in _RULES:
            self._fail(item, "there is no such instruction")
        elif not _RULES[item.op](item, [value.type for value in item.args]):
            self._fail(item, "its types do not fit")
        if item.result is not None:
            self._define(item.result, item)

    def _call(self, item: Instruction) -> None:
        if item.result is not None:
            self._fail(item, "a call returns nothing")
        if self.callees is None or item.detail not in self.callees:
            return
        wanted = [value.type for value in self.callees[str(item.detail)].parameters]
        if [value.type for value in item.args] != wanted:
            self._fail(item, f"the function takes {', '.join(map(str, wanted))}")
