"""Modules as text: the calls that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, is_dataclass

from pellucid.nn.tree import Layer
from pellucid.spec import settable


def describe(module: Layer) -> str:
    """A module as the call that makes it: `Linear(256)`; children of a network on their own lines.

    Settings that have their default value are left out.
    """
    name = type(module).__name__
    if not is_dataclass(module):
        lines = [f"{path}={child!r}" for path, child in module.named_children()]
        return block(name, lines)
    parts = []
    for at, field in enumerate(settable(type(module))):
        value = getattr(module, field.name)
        if field.default is MISSING and field.default_factory is MISSING and at == len(parts):
            parts.append(repr(value))
        elif value != field.default:
            parts.append(f"{field.name}={value!r}")
    return f"{name}({', '.join(parts)})"


def block(name: str, lines: Sequence[str]) -> str:
    """`name(…)` with each line indented on its own."""
    if not lines:
        return f"{name}()"
    indented = [f"    {line},".replace("\n", "\n    ") for line in lines]
    return "\n".join([f"{name}(", *indented, ")"])
