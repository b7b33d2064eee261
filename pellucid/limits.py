"""Limits on a network that a file describes, checked before anything is computed.

A file of a kilobyte can describe a network of 10¹² layers (parts shared by parts that are shared), a
recurrent layer of a million steps, or an image of a terabyte. Inside `limited` building a network
spends a budget, and where that ends, building ends with an error. A network that is built
in Python has no budget.

A node of the graph (`pellucid.graph.apply`), a call of a module, and a constant before it is computed
(`reserve`) spend. A layer that builds much announces it (`expect`). Shapes are those
for one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import prod

from pellucid.errors import ModelFileError


@dataclass(frozen=True)
class Limits:
    """The limits of a network from a file, for one row.

    nodes:     operations of its graph and calls of its modules; an LSTM takes 18 a step, a GRU 25.
    elements:  of any value that is computed; eight times as many where elements are only moved.
    work:      multiplications and additions.
    outputs:   elements of the network's output.
    constants: elements of all constants that layers compute from their settings.
    axes:      of any value; what NumPy can hold.
    """

    nodes: int = 30_000
    elements: int = 2**27
    work: int = 2**38
    outputs: int = 2**25
    constants: int = 2**22
    axes: int = 32


USUAL = Limits()
_MOVED = 8


@dataclass
class Budget:
    """What is left of the limits."""

    limits: Limits
    nodes: int = field(init=False)
    work: int = field(init=False)
    constants: int = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = self.limits.nodes
        self.work = self.limits.work
        self.constants = self.limits.constants

    def spend(self, count: int) -> None:
        """Count operations; raises ModelFileError when there were too many."""
        self.nodes -= count
        if self.nodes < 0:
            raise _exceeded(f"more than {self.limits.nodes:,} operations")

    def node(self, shape: tuple[int, ...], inputs: int, depth: int, moves: bool) -> None:
        """Count a node of this shape with so many inputs; depth: terms of the sum at each element."""
        self.spend(1 + inputs // 4)
        if len(shape) > self.limits.axes:
            raise _exceeded(f"a value of more than {self.limits.axes} axes")
        size = prod(shape)
        most = self.limits.elements * (_MOVED if moves else 1)
        if size > most:
            raise _exceeded(f"a value of more than {most:,} numbers for one row")
        self.work -= size * depth
        if self.work < 0:
            raise _exceeded(f"more than {self.limits.work:.1e} multiplications for one row")


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)

budget = _budget.get
"""The budget in force, None where there is none."""


@contextmanager
def limited(limits: Limits | None) -> Iterator[None]:
    """Networks built inside spend a budget of these limits; None: they spend none."""
    token = _budget.set(None if limits is None else Budget(limits))
    try:
        yield
    finally:
        _budget.reset(token)


def put_out(shape: tuple[int, ...]) -> None:
    """Raise if a network's output is larger than the budget allows."""
    active = _budget.get()
    if active is not None and prod(shape) > active.limits.outputs:
        raise _exceeded(f"outputs of more than {active.limits.outputs:,} numbers for one row")


def reserve(*shape: int) -> None:
    """Count a constant of this shape, before it is computed."""
    active = _budget.get()
    if active is None:
        return
    active.constants -= prod(shape)
    if active.constants < 0:
        raise _exceeded(f"constants of more than {active.limits.constants:,} numbers")


def spend(count: int) -> None:
    """Count operations, where there is a budget."""
    active = _budget.get()
    if active is not None:
        active.spend(count)


def expect(count: int) -> None:
    """Raise, before the first is built, where so many operations are more than the budget has."""
    active = _budget.get()
    if active is not None and count > active.nodes:
        active.spend(count)


def _exceeded(what: str) -> ModelFileError:
    return ModelFileError(
        f"the network asks for {what}; if you trust the file, read it with "
        "Model.load(path, trusted=True)"
    )
