"""Parameter groups by path, and sharpness-aware minimisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from pellucid import check
from pellucid.graph import State, Tensor, grad
from pellucid.graph.node import Node, apply, ordered
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates
from pellucid.optim.wrapper import Wrapper, length


@dataclass(frozen=True)
class Group:
    """Parameters whose paths match a pattern, and the optimizer that they have.

    pattern: as in file names, such as "hidden.*" or "*.b".
    """

    pattern: str
    optimizer: Optimizer


@dataclass(frozen=True)
class Groups(Wrapper):
    """Another optimizer for some parameters; the first group that matches a path counts.

    The learning rate of a group keeps its ratio to that of the optimizer for the rest, whatever a
    schedule does. Raises ValueError for a pattern that matches no parameter.
    """

    groups: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "groups", tuple(self.groups))
        for group in self.groups:
            if not isinstance(group, Group):
                raise TypeError(f"Groups takes Group(pattern, optimizer), got {group!r}")

    def parts(self, parameters: Parameters) -> list[tuple[Optimizer, dict[str, Tensor]]]:
        """Each optimizer with its parameters, that for the rest last."""
        left = dict(parameters)
        found: list[tuple[Optimizer, dict[str, Tensor]]] = []
        for group in self.groups:
            chosen = {p: t for p, t in left.items() if fnmatchcase(p, group.pattern)}
            if not chosen and not any(fnmatchcase(p, group.pattern) for p in parameters):
                raise ValueError(_no_match(group.pattern, list(parameters)))
            left = {p: t for p, t in left.items() if p not in chosen}
            found.append((group.optimizer, chosen))
        return [*found, (self.optimizer, left)]

    def init(self, parameters: Parameters) -> dict[str, State]:
        """The slots of all of them."""
        slots: dict[str, State] = {}
        for optimizer, chosen in self.parts(parameters):
            slots |= optimizer.init(chosen) if chosen else {}
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
            if chosen:
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
        slopes = grad(loss, parameters)
        scale = self.radius / (length(slopes) + 1e-12)
        moved = {
            path: (w + slopes[path] * scale.cast(w.dtype)).stop_gradient() + (w - w.stop_gradient())
            for path, w in parameters.items()
        }
        away = {parameters[path].node: tensor.node for path, tensor in moved.items()}
        return grad(Tensor(substituted(loss.node, away)), parameters)


def substituted(root: Node, given: dict[Node, Node]) -> Node:
    """The same computation with other nodes in place of some."""
    found = dict(given)
    for node in ordered([root]):
        if node not in found:
            found[node] = apply(node.op, [found[s] for s in node.inputs], **node.attrs)
    return found[root]
