"""The tree of a network: what an object holds, directly or in its lists and dicts, with names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

Kind = TypeVar("Kind")


def members(owner: object, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    """Each attribute of `owner` that is a `kind`, in order of assignment.

    Those inside lists, tuples and dicts are named by their place: `blocks.0`, `heads.left`.
    """
    for name, value in vars(owner).items():
        yield from _inside(name, value, kind)


def _inside(name: str, value: Any, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    if isinstance(value, kind):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _inside(f"{name}.{i}", item, kind)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _inside(f"{name}.{key}", item, kind)


def join(path: str, name: str) -> str:
    """`name` below `path`, where the empty path is the root."""
    return f"{path}.{name}" if path else name
