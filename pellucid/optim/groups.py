"""Parameter groups by path, and sharpness-aware minimisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from types import NoneType

from pellucid import check
from pellucid.graph import State, Tensor, where, zeros_like
from pellucid.graph.node import Node, apply, ordered
from pellucid.optim.lengths import length, scaled
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates
from pellucid.optim.wrapper import Wrapper
from pellucid.parts import Part


@dataclass(frozen=True)
class Group(Part):
    """Parameters whose paths match a pattern, and the optimizer that they have.

    pattern:   as in file names, such as "hidden.*" or "*.b".
    optimizer: None freezes them: they stay as they are, have no gradient and no slots. Running
               statistics of normalisation are no parameters, so they follow the data all the same.
    """

    pattern: str
    optimizer: Optimizer | None

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise TypeError(
                f"Group pattern is text, such as 'hidden.*', got {check.brief(self.pattern)}"
            )
        if not isinstance(self.optimizer, (Optimizer, NoneType)):
            raise TypeError(
                f"Group optimizer is an optimizer or None, got {check.brief(self.optimizer)}"
            )
        inside = self.optimizer
        while isinstance(inside, Wrapper):
            if isinstance(inside, SharpnessAware):
                raise TypeError("SharpnessAware goes around Groups: its step is of all parameters")
            inside = inside.optimizer


@dataclass(frozen=True)
class Groups(Wrapper):
    """Another optimizer for some parameters; the first group that matches a path counts.

    The learning rate of a group keeps its ratio to that of the optimizer for the rest, whatever a
    schedule does. Raises ValueError for a pattern that matches no parameter.

    optimizer: of the parameters that no group has. groups: a `Group` for each pattern.
    """

    groups: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "groups", check.items("Groups groups", self.groups))
        for group in self.groups:
            if not isinstance(group, Group):
                raise TypeError(
                    f"Groups groups takes Group(pattern, optimizer), got {check.brief(group)}"
                )

    @property
    def full_batch(self) -> bool:
        """Whether one of them does."""
        return any(optimizer.full_batch for optimizer in self._optimizers())

    def _optimizers(self) -> list[Optimizer]:
        chosen = [group.optimizer for group in self.groups if group.optimizer is not None]
        return [*chosen, self.optimizer]

    def parts(self, parameters: Parameters) -> list[tuple[Optimizer | None, dict[str, Tensor]]]:
        """Each optimizer with its parameters, that for the rest last; without empty ones."""
        left = dict(parameters)
        found: list[tuple[Optimizer | None, dict[str, Tensor]]] = []
        for group in self.groups:
            chosen = {p: t for p, t in left.items() if fnmatchcase(p, group.pattern)}
            if not chosen and not any(fnmatchcase(p, group.pattern) for p in parameters):
                raise ValueError(_no_match(group.pattern, list(parameters)))
            left = {p: t for p, t in left.items() if p not in chosen}
            found.append((group.optimizer, chosen))
        return [
            (optimizer, chosen) for optimizer, chosen in [*found, (self.optimizer, left)] if chosen
        ]

    def gradients(self, loss: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """Those of the optimizer inside, 0 for what is frozen."""
        frozen = {
            p for optimizer, chosen in self.parts(parameters) for p in chosen if not optimizer
        }
        moving = {path: t for path, t in parameters.items() if path not in frozen}
        found = self.optimizer.gradients(loss, moving)
        return {
            path: found[path] if path in found else zeros_like(t) for path, t in parameters.items()
        }

    def evaluated(self, slots: Slots) -> dict[str, State]:
        """Those of all of them."""
        found: dict[str, State] = {}
        for optimizer in self._optimizers():
            found |= optimizer.evaluated(slots)
        return found

    def init(self, parameters: Parameters) -> dict[str, State]:
        """The slots of all of them."""
        slots: dict[str, State] = {}
        for optimizer, chosen in self.parts(parameters):
            slots |= optimizer.init(chosen) if optimizer else {}
        return slots

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The steps of all of them."""
        updates: Updates = {}
        for optimizer, chosen in self.parts(parameters):
            if optimizer is not None:
                rate = learning_rate * (optimizer.learning_rate / self.learning_rate)
                own = {name: slots[name] for name in optimizer.init(chosen)}
                slopes = {path: gradients[path] for path in chosen}
                updates |= optimizer.update(chosen, slopes, own, rate, step)
        return updates


def _no_match(pattern: str, paths: Sequence[str]) -> str:
    near = get_close_matches(pattern, paths, 3, 0.3) or list(paths[:3])
    return f"no parameter matches {pattern!r}; there are {', '.join(map(repr, near))} and others"


@dataclass(frozen=True)
class SharpnessAware(Wrapper):
    """The gradient where the loss nearby is largest: g = ∇L(W + ρ ∇L(W) / ‖∇L(W)‖).

    Sharpness-aware minimisation (Foret et al. 2021, eq. 2 and 3); ‖ ‖ is over all parameters. A
    step computes the loss twice, on the same batch and with the same draws.

    radius: ρ, more than 0; 0.05 by default.
    """

    radius: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "radius", more_than=0)

    def gradients(self, loss: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The gradients at the perturbed parameters."""
        slopes = self.optimizer.gradients(loss, parameters)
        size = length(slopes.values())
        scale = where(size.equal(0.0), 0.0, self.radius / where(size.equal(0.0), 1.0, size))
        moved = {
            path: (w + scaled(slopes[path], scale)).stop_gradient() + (w - w.stop_gradient())
            for path, w in parameters.items()
        }
        away = {parameters[path].node: tensor.node for path, tensor in moved.items()}
        return self.optimizer.gradients(Tensor(substituted(loss.node, away)), parameters)


def substituted(root: Node, given: dict[Node, Node]) -> Node:
    """The same computation with other nodes in place of some."""
    found = dict(given)
    for node in ordered([root]):
        if node not in found:
            found[node] = apply(node.op, [found[s] for s in node.inputs], **node.attrs)
    return found[root]
