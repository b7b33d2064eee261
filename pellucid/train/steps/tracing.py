"""What the tracing of a step of one's own gathers, and what is asked of its graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pellucid import check, optim
from pellucid.graph import Node, State, Tensor
from pellucid.graph.dtype import FLOAT64, is_float
from pellucid.optim.wrapper import complete_rounds

Slots = dict[str, State]


@dataclass(eq=False)
class Minimised:
    """The uses that a step makes of one optimizer.

    path: what its inputs and slots are named by. calls: updates in one step so far.
    """

    optimizer: optim.Optimizer
    paths: tuple[str, ...]
    every: int
    rate: Tensor
    slots: Slots
    calls: int = 0


@dataclass
class Tracing:
    """What the tracing of a step has gathered so far.

    replaced: for each parameter that was updated, the nodes that it read before.
    """

    losses: dict[str, Tensor] = field(default_factory=dict)
    reports: dict[str, Tensor] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)
    updates: dict[State, Node] = field(default_factory=dict)
    replaced: dict[str, list[Node]] = field(default_factory=dict)
    minimised: list[Minimised] = field(default_factory=list)


def check_minimise(loss: Any, by: Any, every: Any) -> None:
    """Raise TypeError or ValueError for a loss that is no float scalar, or for other settings."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"the loss is a {type(loss).__name__}, not a Tensor")
    if loss.shape != ():
        raise ValueError(f"the loss is a scalar, got shape {loss.shape}; reduce it with .mean()")
    if not is_float(loss.dtype):
        raise TypeError(f"the loss is a float, got {loss.node.type}")
    if not isinstance(by, optim.Optimizer):
        raise TypeError(f"by is an optimizer, such as optim.Adam(), got {check.brief(by)}")
    check.integer("every", every, 1)


def rounds(number: Tensor, every: int) -> tuple[Tensor, Tensor]:
    """How many complete rounds of so many steps lie before a step, and whether one begins with it.

    Counted in float64, which holds whole numbers to 2⁵³.
    """
    return complete_rounds(number.cast(FLOAT64), every)


def differentiated(root: Node) -> set[Node]:
    """The nodes below one that a gradient may reach: not those that are held constant."""
    reached: set[Node] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if node not in reached:
            reached.add(node)
            if node.op != "stop_gradient":
                pending.extend(node.inputs)
    return reached
