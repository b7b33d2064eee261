"""Finding what a network or a loss of the user's own would freeze into the training step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pellucid import optim
from pellucid.graph import Node, State
from pellucid.graph.retrace import check_repeatable


def check_frozen(
    parts: Iterable[Any], roots: Sequence[Node], build: Callable[[], Sequence[Node]]
) -> None:
    """Build `roots` again if any of the parts is not the library's; TracingError if they change.

    parts: the modules of a network, losses, optimizers.
    """
    foreign = [part for part in parts if not _ours(part)]
    if foreign:
        check_repeatable(roots, build, [owner for part in foreign for owner in _owners(part)])


@contextmanager
def other_values(states: Iterable[State]) -> Iterator[None]:
    """Inside, states hold other numbers: a graph into which one was copied as a constant is another."""
    before = {state: state.value.copy() for state in states}
    try:
        for state, value in before.items():
            state.value = ~value if value.dtype == bool else value + np.ones((), value.dtype)
        yield
    finally:
        for state, value in before.items():
            state.value = value


def chain(optimizer: optim.Optimizer) -> Iterator[optim.Optimizer]:
    """An optimizer and those that it goes around."""
    inside: Any = optimizer
    while isinstance(inside, optim.Optimizer):
        yield inside
        inside = getattr(inside, "optimizer", None)


def _ours(part: Any) -> bool:
    return type(part).__module__.partition(".")[0] == "pellucid"


def _owners(part: Any) -> list[Any]:
    """What may hold generators: the part itself and the code that it runs."""
    names = ("__call__", "forward", "row_losses", "rule")
    methods = (getattr(type(part), name, None) for name in names)
    return [part, *(method for method in methods if method is not None)]
