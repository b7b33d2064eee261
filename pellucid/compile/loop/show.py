"""Loop IR as pseudo-code."""

from __future__ import annotations

from pellucid.compile.loop.ir import Block, Constant, Function, If, Instruction, Loop, Value

_SIGNS = {
    "add": "+",
    "sub": "−",
    "mul": "·",
    "div": "/",
    "rem": "mod",
    "and": "and",
    "or": "or",
    "xor": "xor",
    "shl": "<<",
    "lshr": ">>",
}


def show(function: Function) -> str:
    """A kernel as pseudo-code, one line an instruction."""
    parameters = ", ".join(f"{p.name}: {p.type}" for p in function.parameters)
    lines = [f"kernel {function.name}({parameters})  # {function.note}"]
    _block(function.body, 1, lines)
    return "\n".join([*lines, ""])


def _block(block: Block, depth: int, lines: list[str]) -> None:
    indent = "    " * depth
    for item in block.items:
        if isinstance(item, Instruction):
            lines.append(indent + instruction_text(item))
        elif isinstance(item, If):
            lines.append(f"{indent}if {_name(item.condition)}:")
            _block(item.body, depth + 1, lines)
        else:
            _loop(item, depth, lines)


def _loop(loop: Loop, depth: int, lines: list[str]) -> None:
    indent = "    " * depth
    for inner, first in zip(loop.carried, loop.initial, strict=True):
        lines.append(f"{indent}{inner.name} = {_name(first)}")
    step = "" if loop.step == 1 else f" by {loop.step}"
    span = f"{_name(loop.start)} to {_name(loop.stop)}{step}"
    lines.append(f"{indent}for {loop.variable.name} from {span}:")
    _block(loop.body, depth + 1, lines)
    for inner, after in zip(loop.carried, loop.following, strict=True):
        lines.append(f"{indent}    {inner.name} = {_name(after)}")
    for result, inner in zip(loop.results, loop.carried, strict=True):
        lines.append(f"{indent}{result.name} = {inner.name}")


def _name(value: Value) -> str:
    return f"{value.value:g}" if isinstance(value, Constant) else value.name


def instruction_text(item: Instruction) -> str:
    """One instruction as pseudo-code."""
    names = [_name(arg) for arg in item.args]
    left = "" if item.result is None else f"{item.result.name}: {item.result.type} = "
    if item.op in _SIGNS:
        return f"{left}{names[0]} {_SIGNS[item.op]} {names[1]}"
    if item.op == "compare":
        return f"{left}{names[0]} {item.detail} {names[1]}"
    if item.op == "fma":
        return f"{left}{names[0]} · {names[1]} + {names[2]}"
    if item.op == "select":
        return f"{left}{names[1]} if {names[0]} else {names[2]}"
    if item.op == "store":
        masked = f" where {names[2]}" if len(names) == 3 else ""
        return f"[{names[1]}] = {names[0]}{masked}"
    if item.op == "load":
        masked = f" where {names[1]}" if len(names) == 2 else ""
        return f"{left}[{names[0]}]{masked}"
    if item.op == "offset":
        return f"{left}&{names[0]}[{names[1]}]"
    detail = "" if item.detail is None else f" {item.detail}"
    return f"{left}{item.op}{detail}({', '.join(names)})"
