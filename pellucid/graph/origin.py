"""Where nodes come from: the part of a network that is being built, by the name that people know.

`with origin("Linear 'hidden'"):` names every node that is made inside, so that errors and views can
say which layer a computation belongs to. Layers, the backward pass ("∂ Linear 'hidden'") and the
passes of a compiler use it. A node that exists already keeps the origin that it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("origin", default="")


@contextmanager
def origin(part: str) -> Iterator[None]:
    """Nodes made inside a `with` block come from `part`."""
    token = _current.set(part)
    try:
        yield
    finally:
        _current.reset(token)


def current_origin() -> str:
    """The part that is being built, "" if none is named."""
    return _current.get()
