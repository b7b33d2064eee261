"""Whether a function of the user's own builds the same graph each time.

A graph is built once and runs many times. What Python computes while it is built, such as a draw of
`numpy.random`, the time or a counter, is a constant from then on. Building twice shows it:
equal nodes are one object, so only what differs is looked at.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from pellucid.errors import TracingError
from pellucid.graph.node import Literal, Node, State
from pellucid.graph.op import Array

GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


class Draws:
    """The generators of NumPy and Python, and those that `owners` hold, as they are now."""

    def __init__(self, owners: Iterable[Any]) -> None:
        self._sources = {"numpy.random": np.random, "random": random, **generators(owners)}
        self._before = {name: _state(source) for name, source in self._sources.items()}

    def made(self) -> list[str]:
        """Those that something was drawn from since."""
        now = {name: _state(source) for name, source in self._sources.items()}
        return [name for name in now if not _same(self._before[name], now[name])]


def check_repeatable(
    roots: Sequence[Node], build: Callable[[], Sequence[Node]], owners: Iterable[Any]
) -> None:
    """Build again what gave `roots`; raise TracingError if it draws, or builds another graph.

    The first building may draw, for parameters that a layer of the user's own makes then.
    owners: objects and functions that may hold random generators, which are watched.
    """
    draws = Draws(owners)
    again = build()
    drawn = draws.made()
    changed = difference(roots, again)
    if not drawn and changed is None:
        return
    origin = "" if changed is None else changed.origin
    where = f" in {'the loss' if origin == 'loss' else origin}" if origin else ""
    what = f"draws random numbers from {drawn[0]}" if drawn else "changes from call to call"
    raise TracingError(
        f"what is built into the graph{where} {what}. A graph is built once and runs many times, so "
        "it would be the same in every step. Draw in the graph instead, anew in each step: "
        "nn.GaussianNoise or nn.Dropout, nn.forward_pass().normal(shape), or pel.normal with the "
        "step's number; compute with the tensor of a parameter, not with its .value or .numpy(); what "
        "else changes is an input."
    )


def difference(first: Sequence[Node], second: Sequence[Node]) -> Node | None:
    """The first node of `first` that differs from its counterpart, None if the graphs are equal."""
    if len(first) != len(second):
        return first[-1] if first else second[-1]
    pending = list(zip(first, second, strict=True))[::-1]
    done: set[tuple[int, int]] = set()
    while pending:
        a, b = pending.pop()
        if a is b or (id(a), id(b)) in done:
            continue
        done.add((id(a), id(b)))
        if a.op != b.op or a.type != b.type or len(a.inputs) != len(b.inputs):
            return a
        if not _same(dict(a.attrs), dict(b.attrs)):
            return a
        pending.extend(zip(reversed(a.inputs), reversed(b.inputs), strict=True))
    return None


def generators(owners: Iterable[Any]) -> dict[str, Any]:
    """The random generators that objects hold as attributes, and functions in what they refer to.

    Functions among these, as those that a function calls, are looked into too, one deep.
    """
    sources: dict[str, Any] = {}
    held = [item for owner in owners for item in _held(owner)]
    inner = [item for _, value in held if isinstance(value, FunctionType) for item in _held(value)]
    for name, value in [*held, *inner]:
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, GENERATORS):
                sources.setdefault(f"the generator {name!r}", item)
    return sources


def _held(owner: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(owner, FunctionType):
        return list(getattr(owner, "__dict__", {}).items())
    code = owner.__code__
    known = owner.__globals__
    cells = zip(code.co_freevars, owner.__closure__ or (), strict=True)
    inside = [(name, _content(cell)) for name, cell in cells]
    return [*inside, *((name, known[name]) for name in code.co_names if name in known)]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return None


def _state(source: Any) -> Any:
    if isinstance(source, np.random.Generator):
        return source.bit_generator.state
    if source is np.random or isinstance(source, np.random.RandomState):
        return source.get_state(legacy=False)
    return source.getstate()


def _same(a: Any, b: Any) -> bool:
    """Equal, arrays bit by bit."""
    if isinstance(a, State) and isinstance(b, State):
        return a is b or _same(a.value, b.value)
    if isinstance(a, Literal) and isinstance(b, Literal):
        return _same(a.array, b.array)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _same_bits(a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return a.hex() == b.hex()
    return bool(a == b)


def _same_bits(a: Array, b: Array) -> bool:
    same_kind = a.shape == b.shape and a.dtype == b.dtype
    return same_kind and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
