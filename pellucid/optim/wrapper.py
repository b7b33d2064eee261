"""Optimizers around an optimizer: clipping, accumulation, averages, lookahead, regularisers, groups."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pellucid import check
from pellucid.graph import Node, State, Tensor, maximum, minimum, read, tensor, where
from pellucid.optim.lengths import length, scaled
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates, state_of


@dataclass(frozen=True)
class Wrapper(Optimizer, abstract=True):
    """An optimizer that changes what another takes, or what it returns.

    Wrappers go around each other: gradients pass from the outermost inwards, steps the other way.
    Two of one kind that keep slots do not.

    optimizer: the other. Its learning rate is that of both.
    """

    optimizer: Optimizer
    learning_rate: float = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__} goes around an optimizer, got {check.brief(self.optimizer)}"
            )
        object.__setattr__(self, "learning_rate", self.optimizer.learning_rate)

    @property
    def full_batch(self) -> bool:
        """Whether the optimizer inside takes the gradient of all rows."""
        return self.optimizer.full_batch

    def init(self, parameters: Parameters) -> dict[str, State]:
        """The slots of the optimizer inside."""
        return self.optimizer.init(parameters)

    def gradients(self, loss: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The gradients of the optimizer inside."""
        return self.optimizer.gradients(loss, parameters)

    def evaluated(self, slots: Slots) -> dict[str, State]:
        """The evaluated weights of the optimizer inside."""
        return self.optimizer.evaluated(slots)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The step of the optimizer inside."""
        return self.optimizer.update(parameters, gradients, slots, learning_rate, step)

    def inner_slots(self, slots: Slots) -> dict[str, State]:
        """The slots of the optimizer inside: those whose names do not start with this wrapper's."""
        return {n: s for n, s in slots.items() if not n.startswith(f"{self.name}.")}

    def with_slots(self, slot: str, parameters: Parameters, zeros: bool) -> dict[str, State]:
        """The slots inside, and one for each parameter: zeros or a copy of it.

        Raises ValueError if a wrapper of this kind inside has such slots already.
        """
        slots = self.optimizer.init(parameters)
        for path, parameter in parameters.items():
            value = state_of(path, parameter).value
            name = self._slot(slot, path)
            if name in slots:
                raise ValueError(f"a {type(self).__name__} goes around another one for {path!r}")
            slots[name] = State(np.zeros_like(value) if zeros else value.copy(), name)
        return slots


@dataclass(frozen=True)
class Clip(Wrapper):
    """Gradients of limited length: g ← g · min(1, norm / ‖g‖), then each within ± value.

    ‖g‖ is over all parameters together (Pascanu et al. 2013).

    norm, value: more than 0; None does not limit. One of them is needed.
    """

    norm: float | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("norm", "value"):
            if getattr(self, name) is not None:
                check.number(self, name, more_than=0)
        if self.norm is None and self.value is None:
            raise ValueError("Clip needs a norm or a value")

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The step for the clipped gradients."""
        clipped = dict(gradients)
        if self.norm is not None:
            size = length(clipped.values())
            factor = self.norm / maximum(size, self.norm)
            clipped = {path: scaled(g, factor) for path, g in clipped.items()}
        if self.value is not None:
            most = self.value
            clipped = {path: minimum(maximum(g, -most), most) for path, g in clipped.items()}
        return self.optimizer.update(parameters, clipped, slots, learning_rate, step)


@dataclass(frozen=True)
class Accumulate(Wrapper):
    """A step for the mean gradient of every `steps` batches: large batches on little memory.

    steps: at least 1. Slots: `accumulate.sum` of each parameter.
    """

    steps: int = 1

    name = "accumulate"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.count(self, "steps")

    def init(self, parameters: Parameters) -> dict[str, State]:
        """Sums at 0."""
        return self.with_slots("sum", parameters, zeros=True)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """Add up, and every so often take the step inside."""
        sums = {p: read(slots[self._slot("sum", p)]) + g for p, g in gradients.items()}
        rounds, due = rounds_of(step, self.steps)
        means = {path: total / float(self.steps) for path, total in sums.items()}
        number = maximum(rounds - 1, tensor(0, rounds.dtype))
        inside = self.optimizer.update(
            parameters, means, self.inner_slots(slots), learning_rate, number
        )
        updates = {state: _if(due, node, state) for state, node in inside.items()}
        for path, total in sums.items():
            updates[slots[self._slot("sum", path)]] = where(due, 0.0, total).node
        return updates


@dataclass(frozen=True)
class MovingAverage(Wrapper):
    """The network is evaluated and saved with W̄ ← decay · W̄ + (1 − decay) · W (Polyak & Juditsky 1992).

    decay: at least 0 and less than 1. Slots: `ema.average`, from the first weights on.
    """

    decay: float = 0.999

    name = "ema"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "decay", at_least=0, less_than=1)

    def init(self, parameters: Parameters) -> dict[str, State]:
        """Averages where the parameters are."""
        return self.with_slots("average", parameters, zeros=False)

    def evaluated(self, slots: Slots) -> dict[str, State]:
        """The averages."""
        start = f"{self.name}.average/"
        return {n.removeprefix(start): s for n, s in slots.items() if n.startswith(start)}

    def share(self, step: Tensor) -> Tensor:
        """The share of the new weights in the average after this step."""
        return step * 0.0 + (1.0 - self.decay)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The step inside, then the average."""
        inner = self.inner_slots(slots)
        updates = self.optimizer.update(parameters, gradients, inner, learning_rate, step)
        share = self.share(step.cast(np.float64))
        for path, (_, after) in moved(parameters, updates).items():
            held = slots[self._slot("average", path)]
            part = share.cast(after.dtype)
            updates[held] = (read(held) + (after - read(held)) * part).node
        return updates


@dataclass(frozen=True)
class StochasticAverage(MovingAverage):
    """The network is evaluated and saved with the mean of its weights from a step on.

    Stochastic weight averaging (Izmailov et al. 2018), of every step.

    start: the step from which weights are averaged, at least 0; until then the weights themselves
    are used. Slots: `swa.average`.
    """

    decay: float = field(default=0.0, init=False)
    start: int = 0

    name = "swa"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.start, bool) or not isinstance(self.start, int) or self.start < 0:
            raise ValueError(
                f"StochasticAverage start is a step of at least 0, got {check.brief(self.start)}"
            )

    def share(self, step: Tensor) -> Tensor:
        """1 / n for the n-th weights."""
        return 1.0 / maximum(step - float(self.start) + 1.0, 1.0)


@dataclass(frozen=True)
class Lookahead(Wrapper):
    """k steps of fast weights, then slow weights go a part of the way (Zhang et al. 2019).

    Every k steps: φ ← φ + α(W − φ), W ← φ.

    steps: k, at least 1. alpha: more than 0, at most 1. Slots: `lookahead.slow`.
    """

    steps: int = 5
    alpha: float = 0.5

    name = "lookahead"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.count(self, "steps")
        check.number(self, "alpha", more_than=0, at_most=1)

    def init(self, parameters: Parameters) -> dict[str, State]:
        """Slow weights where the parameters are."""
        return self.with_slots("slow", parameters, zeros=False)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The step inside, and every so often the slow one."""
        inner = self.inner_slots(slots)
        updates = self.optimizer.update(parameters, gradients, inner, learning_rate, step)
        _, due = rounds_of(step, self.steps)
        for path, (own, fast) in moved(parameters, updates).items():
            held = slots[self._slot("slow", path)]
            slow = read(held) + (fast - read(held)) * self.alpha
            updates[held] = where(due, slow, read(held)).node
            updates[own] = where(due, slow, fast).node
        return updates


def moved(parameters: Parameters, updates: Updates) -> dict[str, tuple[State, Tensor]]:
    """The state and the next value of each parameter that a step moves; others are frozen."""
    states = {path: state_of(path, parameter) for path, parameter in parameters.items()}
    return {p: (state, Tensor(updates[state])) for p, state in states.items() if state in updates}


def complete_rounds(made: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """How many rounds of `steps` are complete, and whether one has just ended; `made` is float64."""
    rounds = (made / float(steps)).floor()
    return rounds.cast(np.int64), (rounds * float(steps)).equal(made)


def rounds_of(step: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The number of full rounds of `steps` after a step counted from 0, and whether it ends a round.

    Counted in float64, which holds whole numbers to 2⁵³; float32 would stop at 2²⁴.
    """
    made = step.cast(np.float64) + 1.0
    return complete_rounds(made, steps)


def _if(due: Tensor, node: Node, state: State) -> Node:
    """A state's next value where `due`, else its present value."""
    return where(due, Tensor(node), read(state)).node
