"""Where nodes come from: the part of a network that is being built, by the name that people know.

`with origin("Linear 'hidden'"):` names every node that is made inside, so that errors and views can
say which layer a computation belongs to. Layers, the backward pass ("∂ Linear 'hidden'") and the
passes of a compiler use it. A node that exists already keeps the origin that it has.
"""

from __future__ import annotations

from contextvars import ContextVar, Token

_current: ContextVar[str] = ContextVar("origin", default="")


class origin:  # noqa: N801 (used as `contextlib.suppress` is, for every node of a graph: it is fast)
    """Nodes made inside a `with` block come from `part`."""

    __slots__ = ("_before", "_part")

    def __init__(self, part: str) -> None:
        self._part = part

    def __enter__(self) -> None:
        self._before: Token[str] = _current.set(self._part)

    def __exit__(self, *failure: object) -> None:
        _current.reset(self._before)


def current_origin() -> str:
    """The part that is being built, "" if none is named."""
    return _current.get()
