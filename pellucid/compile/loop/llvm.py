"""Loop IR to LLVM text: a printer with one method for each op."""

from __future__ import annotations

import struct

from pellucid.compile.loop.ir import (
    BITS,
    Constant,
    Function,
    If,
    Instruction,
    Loop,
    Type,
    Value,
)
from pellucid.compile.loop.visitor import Visitor

_ELEMENT = {
    "i1": "i1",
    "i8": "i8",
    "i32": "i32",
    "i64": "i64",
    "f32": "float",
    "f64": "double",
    "ptr": "ptr",
}
_FLOAT_OP = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "neg": "fneg"}
_INT_OP = {"div": "sdiv", "rem": "srem"}
_ORDER = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_UNARY = {"abs": "fabs", "rint": "nearbyint"}


def type_text(t: Type) -> str:
    """A loop IR type as LLVM writes it."""
    element = _ELEMENT[t.kind]
    return f"<{t.lanes} x {element}>" if t.lanes else element


def float_text(value: float, kind: str) -> str:
    """A float in hexadecimal, rounded to its kind: the only exact way to write one."""
    if kind == "f32":
        value = struct.unpack("<f", struct.pack("<f", value))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _overload(t: Type) -> str:
    return f"v{t.lanes}{t.kind}" if t.lanes else t.kind


class Writer(Visitor):
    """Writes functions and collects the declarations of the intrinsics that they call."""

    def __init__(self) -> None:
        self.declarations: set[str] = set()
        self._lines: list[str] = []
        self._label = ""
        self._labels = 0

    def function(self, function: Function, linkage: str = "") -> str:
        """The text of one function."""
        self._lines = []
        self._labels = 0
        head = ", ".join(
            f"ptr noalias %{p.name}" if p.type.kind == "ptr" else f"{type_text(p.type)} %{p.name}"
            for p in function.parameters
        )
        self._open("entry")
        self.visit(function.body)
        body = "\n".join(self._lines)
        start = f"define {linkage} void @{function.name}({head}) noinline nounwind"
        return f"{start} {{\n{body}\n  ret void\n}}\n"

    def _line(self, text: str) -> None:
        self._lines.append("  " + text)

    def _open(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._label = label

    def _declare(self, result: str, name: str, *arguments: str) -> None:
        self.declarations.add(f"declare {result} @{name}({', '.join(arguments)})")

    def _ref(self, value: Value) -> str:
        if not isinstance(value, Constant):
            return f"%{value.name}"
        t = value.type
        if t.is_float:
            text = float_text(value.value, t.kind)
        else:
            text = str(int(value.value)) if t.kind != "i1" else str(bool(value.value)).lower()
        return f"splat ({type_text(t.scalar)} {text})" if t.lanes else text

    def _typed(self, value: Value) -> str:
        return f"{type_text(value.type)} {self._ref(value)}"

    def visit_instruction(self, item: Instruction) -> None:
        """By the method that is named after the op; arithmetic has none of its own."""
        getattr(self, f"_{item.op}", self._arithmetic)(item)

    # -- control ------------------------------------------------------------------------------

    def visit_loop(self, loop: Loop) -> None:
        """The test stands at the top, so a loop may have no iterations."""
        self._labels += 1
        head, body, done = (f"{part}{self._labels}" for part in ("head", "body", "done"))
        before = self._label
        self._line(f"br label %{head}")
        self._open(head)
        patch = len(self._lines)
        following = f"%{loop.variable.name}.next"
        self._lines.extend([""] * (1 + len(loop.carried)))
        self._line(
            f"%{loop.variable.name}.in = icmp slt i64 %{loop.variable.name}, {self._ref(loop.stop)}"
        )
        self._line(f"br i1 %{loop.variable.name}.in, label %{body}, label %{done}")
        self._open(body)
        self.visit(loop.body)
        self._line(f"{following} = add nsw i64 %{loop.variable.name}, {loop.step}")
        self._line(f"br label %{head}")
        last = self._label
        self._lines[patch] = (
            f"  %{loop.variable.name} = phi i64 [{self._ref(loop.start)}, %{before}], "
            f"[{following}, %{last}]"
        )
        rows = zip(loop.carried, loop.initial, loop.following, strict=True)
        for i, (inner, first, after) in enumerate(rows):
            self._lines[patch + 1 + i] = (
                f"  %{inner.name} = phi {type_text(inner.type)} [{self._ref(first)}, %{before}], "
                f"[{self._ref(after)}, %{last}]"
            )
        self._open(done)
        for result, inner in zip(loop.results, loop.carried, strict=True):
            self._line(f"%{result.name} = phi {type_text(result.type)} [%{inner.name}, %{head}]")

    def visit_if(self, branch: If) -> None:
        """A conditional jump over the body."""
        self._labels += 1
        then, done = f"then{self._labels}", f"after{self._labels}"
        self._line(f"br i1 {self._ref(branch.condition)}, label %{then}, label %{done}")
        self._open(then)
        self.visit(branch.body)
        self._line(f"br label %{done}")
        self._open(done)

    def _call(self, item: Instruction) -> None:
        self._line(f"call void @{item.detail}({', '.join(map(self._typed, item.args))})")

    # -- instructions -------------------------------------------------------------------------

    def _set(self, item: Instruction, text: str) -> None:
        assert item.result is not None
        self._line(f"%{item.result.name} = {text}")

    def _arithmetic(self, item: Instruction) -> None:
        t = item.args[0].type
        table = _FLOAT_OP if t.is_float else _INT_OP
        op = table.get(item.op, item.op)
        flags = " contract" if item.detail == "contract" else ""
        operands = ", ".join(map(self._ref, item.args))
        self._set(item, f"{op}{flags} {type_text(t)} {operands}")

    def _fma(self, item: Instruction) -> None:
        t = type_text(item.args[0].type)
        # fmuladd rounds once where the machine has FMA, else twice; it never calls a library.
        name = f"llvm.fmuladd.{_overload(item.args[0].type)}"
        self._declare(t, name, t, t, t)
        self._set(item, f"call {t} @{name}({', '.join(map(self._typed, item.args))})")

    def _unary(self, item: Instruction) -> None:
        t = type_text(item.args[0].type)
        name = f"llvm.{_UNARY.get(str(item.detail), item.detail)}.{_overload(item.args[0].type)}"
        self._declare(t, name, t)
        self._set(item, f"call {t} @{name}({self._typed(item.args[0])})")

    def _compare(self, item: Instruction) -> None:
        t = item.args[0].type
        order = _ORDER[str(item.detail)]
        if t.is_float:
            text = f"fcmp {'une' if order == 'ne' else 'o' + order}"
        else:
            text = f"icmp {order if order in ('eq', 'ne') else 's' + order}"
        operands = ", ".join(map(self._ref, item.args))
        self._set(item, f"{text} {type_text(t)} {operands}")

    def _select(self, item: Instruction) -> None:
        self._set(item, f"select {', '.join(map(self._typed, item.args))}")

    def _convert(self, item: Instruction) -> None:
        assert item.result is not None
        source, target = item.args[0].type, item.result.type
        if source.kind == "i1" or source.kind == "i8":
            op = "uitofp" if target.is_float else "zext"
            if target.kind == "i1":
                zero = "zeroinitializer" if source.lanes else "0"
                self._set(item, f"icmp ne {self._typed(item.args[0])}, {zero}")
                return
        elif source.is_float:
            wider = BITS[target.kind] > BITS[source.kind]
            op = ("fpext" if wider else "fptrunc") if target.is_float else "fptosi"
        else:
            narrower = BITS[target.kind] < BITS[source.kind]
            op = "sitofp" if target.is_float else "trunc" if narrower else "sext"
        self._set(item, f"{op} {self._typed(item.args[0])} to {type_text(target)}")

    def _bitcast(self, item: Instruction) -> None:
        assert item.result is not None
        self._set(item, f"bitcast {self._typed(item.args[0])} to {type_text(item.result.type)}")

    def _splat(self, item: Instruction) -> None:
        assert item.result is not None
        t, first = type_text(item.result.type), f"{item.result.name}.0"
        self._line(f"%{first} = insertelement {t} poison, {self._typed(item.args[0])}, i64 0")
        zeros = f"<{item.result.type.lanes} x i32> zeroinitializer"
        self._set(item, f"shufflevector {t} %{first}, {t} poison, {zeros}")

    def _lane_numbers(self, item: Instruction) -> None:
        assert item.result is not None
        t = item.result.type
        numbers = ", ".join(f"{t.kind} {i}" for i in range(t.lanes))
        zero = "zeroinitializer"
        self._set(item, f"add {type_text(t)} <{numbers}>, {zero}")

    def _lane(self, item: Instruction) -> None:
        self._set(item, f"extractelement {self._typed(item.args[0])}, i64 {item.detail}")

    def _shuffle(self, item: Instruction) -> None:
        assert isinstance(item.detail, tuple)
        order = ", ".join(f"i32 {i}" for i in item.detail)
        mask = f"<{len(item.detail)} x i32> <{order}>"
        self._set(item, f"shufflevector {', '.join(map(self._typed, item.args))}, {mask}")

    def _join(self, item: Instruction) -> None:
        assert item.result is not None
        t = type_text(item.result.type)
        before = "poison"
        for i, part in enumerate(item.args):
            last = i == len(item.args) - 1
            name = f"%{item.result.name}" + ("" if last else f".{i}")
            self._line(f"{name} = insertelement {t} {before}, {self._typed(part)}, i64 {i}")
            before = name

    # -- memory -------------------------------------------------------------------------------

    def _offset(self, item: Instruction) -> None:
        pointer, index = map(self._typed, item.args)
        self._set(item, f"getelementptr inbounds {_ELEMENT[str(item.detail)]}, {pointer}, {index}")

    def _load(self, item: Instruction) -> None:
        assert item.result is not None
        t = item.result.type
        align = BITS[t.kind] // 8
        if len(item.args) == 1:
            self._set(item, f"load {type_text(t)}, {self._typed(item.args[0])}, align {align}")
            return
        name, mask = f"llvm.masked.load.{_overload(t)}.p0", f"<{t.lanes} x i1>"
        self._declare(type_text(t), name, "ptr", mask, type_text(t))
        pointer, lanes = map(self._typed, item.args)
        self._set(
            item,
            f"call {type_text(t)} @{name}(ptr align {align} {pointer[4:]}, {lanes}, "
            f"{type_text(t)} zeroinitializer)",
        )

    def _store(self, item: Instruction) -> None:
        t = item.args[0].type
        align = BITS[t.kind] // 8
        if len(item.args) == 2:
            value, pointer = map(self._typed, item.args)
            self._line(f"store {value}, {pointer}, align {align}")
            return
        name, mask = f"llvm.masked.store.{_overload(t)}.p0", f"<{t.lanes} x i1>"
        self._declare("void", name, type_text(t), "ptr", mask)
        value, pointer, lanes = map(self._typed, item.args)
        self._line(f"call void @{name}({value}, ptr align {align} {pointer[4:]}, {lanes})")

    def _gather(self, item: Instruction) -> None:
        assert item.result is not None
        t, index = item.result.type, item.args[1].type
        addresses = f"{item.result.name}.at"
        self._line(
            f"%{addresses} = getelementptr inbounds {_ELEMENT[t.kind]}, {self._typed(item.args[0])}, "
            f"{self._typed(item.args[1])}"
        )
        name = f"llvm.masked.gather.{_overload(t)}.v{t.lanes}p0"
        pointers, mask = f"<{t.lanes} x ptr>", f"<{index.lanes} x i1>"
        self._declare(type_text(t), name, pointers, mask, type_text(t))
        lanes = self._ref(item.args[2]) if len(item.args) == 3 else "splat (i1 true)"
        self._set(
            item,
            f"call {type_text(t)} @{name}({pointers} align {BITS[t.kind] // 8} %{addresses}, "
            f"{mask} {lanes}, {type_text(t)} zeroinitializer)",
        )

    def _stack(self, item: Instruction) -> None:
        count, kind = str(item.detail).split()
        self._set(item, f"alloca [{count} x {_ELEMENT[kind]}], align 64")

    def _clock(self, item: Instruction) -> None:
        self._declare("i64", str(item.detail))
        self._set(item, f"call i64 @{item.detail}()")

    def _prefetch(self, item: Instruction) -> None:
        self._declare("void", "llvm.prefetch.p0", "ptr", "i32", "i32", "i32")
        pointer, write = self._typed(item.args[0]), int(item.detail == "write")
        self._line(f"call void @llvm.prefetch.p0({pointer}, i32 {write}, i32 3, i32 1)")


def module_text(functions: list[Function], entry: Function, extra: str) -> str:
    """An LLVM module: internal functions, the exported entry, declarations, and the text `extra`."""
    writer = Writer()
    bodies = [writer.function(function, "internal") for function in functions]
    bodies.append(writer.function(entry))
    return "\n".join([*bodies, *sorted(writer.declarations), extra])
