"""Another optimizer for some parameters, or none for those that are frozen."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import State, Tensor, zeros_like
from pellucid.optim.group import Group
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates
from pellucid.optim.wrapper import Wrapper


@dataclass(frozen=True)
class Groups(Wrapper):
    """Other optimizers for some parameters; the first group that selects a parameter has it.

    A schedule multiplies the learning rates of all groups by the same factor. Raises ValueError for a
    group that selects no parameter.

    optimizer: of the parameters that no group has. groups: see `Group`.
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
        """Whether one of the optimizers takes the gradient of all rows."""
        return any(optimizer.full_batch for optimizer in self._optimizers())

    def _optimizers(self) -> list[Optimizer]:
        chosen = [group.optimizer for group in self.groups if group.optimizer is not None]
        return [*chosen, self.optimizer]

    def parts(self, parameters: Parameters) -> list[tuple[Optimizer | None, dict[str, Tensor]]]:
        """Each optimizer that has parameters, with them; the optimizer of the rest is last."""
        rest = dict(parameters)
        parts: list[tuple[Optimizer | None, dict[str, Tensor]]] = []
        for group in self.groups:
            selected = {p: t for p, t in parameters.items() if group.selects(p, t)}
            if not selected:
                raise group.no_match(parameters)
            parts.append((group.optimizer, {p: t for p, t in selected.items() if p in rest}))
            rest = {p: t for p, t in rest.items() if p not in selected}
        parts.append((self.optimizer, rest))
        return [(optimizer, chosen) for optimizer, chosen in parts if chosen]

    def gradients(self, loss: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The gradients of the optimizer inside; 0 for frozen parameters."""
        frozen = {
            p for optimizer, chosen in self.parts(parameters) for p in chosen if not optimizer
        }
        moving = {path: t for path, t in parameters.items() if path not in frozen}
        gradients = self.optimizer.gradients(loss, moving)
        return {
            path: gradients[path] if path in gradients else zeros_like(t)
            for path, t in parameters.items()
        }

    def evaluated(self, slots: Slots) -> dict[str, State]:
        """The evaluated weights of all optimizers."""
        evaluated: dict[str, State] = {}
        for optimizer in self._optimizers():
            evaluated |= optimizer.evaluated(slots)
        return evaluated

    def init(self, parameters: Parameters) -> dict[str, State]:
        """The slots of all optimizers."""
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
        """The steps of all optimizers."""
        updates: Updates = {}
        for optimizer, chosen in self.parts(parameters):
            if optimizer is not None:
                rate = learning_rate * (optimizer.learning_rate / self.learning_rate)
                own = {name: slots[name] for name in optimizer.init(chosen)}
                g = {path: gradients[path] for path in chosen}
                updates |= optimizer.update(chosen, g, own, rate, step)
        return updates
