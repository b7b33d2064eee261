"""Schedules: how the learning rate changes during training.

A schedule is a factor of η as a function of the epoch, fractions included, and of the number of epochs.
A schedule whose change lies beyond the training is an error. A schedule of one's own is a subclass that
writes `factor`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

from pellucid import check
from pellucid.hints import OPTIMIZER, missing
from pellucid.keywords import Hinted
from pellucid.parts import Part


@dataclass(frozen=True)
class Schedule(Hinted, Part, abstract=True):
    """A factor of the learning rate."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing(repr(type(self).__name__), name, OPTIMIZER)

    def factor(self, epoch: float, epochs: float) -> float:
        """The factor after `epoch` of `epochs` passes over the rows."""
        raise NotImplementedError

    def reaction(self, measures: Sequence[Mapping[str, float]]) -> float:
        """A further factor that depends on what was measured so far; 1 by default.

        measures: of each evaluation in order, the first before any training, by name:
                  "validation.loss", "batches.loss".
        """
        return 1.0

    def check(self, epochs: float) -> None:
        """Raise ValueError if the schedule's change lies beyond the epochs."""

    def plateau(self) -> PlateauRate | None:
        """The reduction on a plateau of the validation loss; None leaves it to the run's policies."""
        return None


@dataclass(frozen=True)
class ConstantRate(Schedule):
    """1."""

    def factor(self, epoch: float, epochs: float) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class StepRate(Schedule):
    """factor^⌊epoch / every⌋: divided by 10 every so many epochs (He et al. 2015).

    every: epochs, at least 1. by: more than 0 and less than 1; 0.1 by default.
    """

    every: int = 10
    by: float = 0.1

    def __post_init__(self) -> None:
        check.count(self, "every")
        check.number(self, "by", more_than=0, less_than=1)

    def check(self, epochs: float) -> None:
        """Raise ValueError if the first step is not before the end."""
        _come(self, f"divides the rate every {self.every} epochs", self.every, epochs)

    def factor(self, epoch: float, epochs: float) -> float:
        """The factor of the steps that have passed."""
        return float(self.by ** (int(epoch) // self.every))


@dataclass(frozen=True)
class MilestoneRate(Schedule):
    """by^n, n being how many epochs of `at` have passed: steps at chosen epochs (He et al. 2015).

    at: epochs, rising, more than 0. by: more than 0 and less than 1; 0.1 by default.
    """

    at: tuple[float, ...]
    by: float = 0.1

    def __post_init__(self) -> None:
        starts = check.several("MilestoneRate at", self.at)
        if not starts or any(isinstance(n, bool) or not isinstance(n, Real) for n in starts):
            raise TypeError(
                f"MilestoneRate at is epochs, such as (30, 60), got {check.brief(self.at)}"
            )
        if not starts[0] > 0 or any(not a < b for a, b in pairwise(starts)):
            raise ValueError(
                f"MilestoneRate at is rising and more than 0, got {check.brief(self.at)}"
            )
        at = tuple(check.real("MilestoneRate at", n, more_than=0) for n in starts)
        object.__setattr__(self, "at", at)
        check.number(self, "by", more_than=0, less_than=1)

    def check(self, epochs: float) -> None:
        """Raise ValueError if the last step is not before the end."""
        _come(self, f"divides the rate after epoch {self.at[-1]:g}", self.at[-1], epochs)

    def factor(self, epoch: float, epochs: float) -> float:
        """The factor of the steps that have passed."""
        return float(self.by ** sum(epoch >= start for start in self.at))


@dataclass(frozen=True)
class PlateauRate(Schedule):
    """Times `by` whenever the validation loss has not improved for `patience` epochs.

    Training goes on from the best weights so far. After `times` reductions it is the `patience` of
    `pel.fit` that ends training. The rate depends on measurements, so `factor` is 1.

    patience: epochs, at least 1. by: more than 0 and less than 1; 0.1 by default.
    times: at least 1.
    """

    patience: int = 10
    by: float = 0.1
    times: int = 3

    def __post_init__(self) -> None:
        check.count(self, "patience")
        check.number(self, "by", more_than=0, less_than=1)
        check.count(self, "times")

    def check(self, epochs: float) -> None:
        """Raise ValueError if the patience is as long as the training."""
        _come(self, f"waits for {self.patience} epochs", self.patience, epochs)

    def plateau(self) -> PlateauRate | None:
        """Itself."""
        return self

    def factor(self, epoch: float, epochs: float) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class InverseRate(Schedule):
    """τ / max(epoch, τ): constant, then falling as 1 / epoch (Bengio 2012, section 3.1.1).

    tau: epochs, more than 0.
    """

    tau: float = 10.0

    def __post_init__(self) -> None:
        check.number(self, "tau", more_than=0)

    def check(self, epochs: float) -> None:
        """Raise ValueError if τ is not before the end."""
        _come(self, f"keeps the rate for {self.tau:g} epochs", self.tau, epochs)

    def factor(self, epoch: float, epochs: float) -> float:
        """1 until τ."""
        return self.tau / max(epoch, self.tau)


@dataclass(frozen=True)
class ExponentialRate(Schedule):
    """by^epoch. by: more than 0 and less than 1."""

    by: float = 0.95

    def __post_init__(self) -> None:
        check.number(self, "by", more_than=0, less_than=1)

    def factor(self, epoch: float, epochs: float) -> float:
        """Falling a little every step."""
        return float(self.by**epoch)


@dataclass(frozen=True)
class CosineRate(Schedule):
    """least + (1 − least) · ½(1 + cos(π epoch / epochs)) (Loshchilov & Hutter 2017, without restarts).

    least: at the end, at least 0 and less than 1.
    """

    least: float = 0.0

    def __post_init__(self) -> None:
        check.number(self, "least", at_least=0, less_than=1)

    def factor(self, epoch: float, epochs: float) -> float:
        """Half a wave over the whole training."""
        return _cosine(_part(epoch, epochs), self.least)


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Half waves, each `longer` times as long as the one before (Loshchilov & Hutter 2017, eq. 5).

    first: epochs of the first, at least 1. longer: at least 1. least: at the end of each.
    """

    first: int = 10
    longer: int = 1
    least: float = 0.0

    def __post_init__(self) -> None:
        check.count(self, "first")
        check.count(self, "longer")
        check.number(self, "least", at_least=0, less_than=1)

    def check(self, epochs: float) -> None:
        """Raise ValueError if the first wave is longer than the training."""
        if self.first > epochs:
            raise ValueError(
                f"CosineRestarts has a first wave of {self.first} epochs, which does not end in a "
                f"training of {epochs:g} epochs"
            )

    def factor(self, epoch: float, epochs: float) -> float:
        """Where in its wave an epoch is."""
        length, start = self.first, 0
        while epoch >= start + length:
            start, length = start + length, length * self.longer
        return _cosine((epoch - start) / length, self.least)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from 1 / `start` to 1 over the first part, then down to 1 / (start · end) (Smith 2018).

    Both ways along half a wave of a cosine, as in PyTorch.

    rise: the part of training that goes up, more than 0 and less than 1. start, end: more than 1.
    """

    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        check.number(self, "rise", more_than=0, less_than=1)
        check.number(self, "start", more_than=1)
        check.number(self, "end", more_than=1)

    def factor(self, epoch: float, epochs: float) -> float:
        """Up, then down."""
        at = _part(epoch, epochs)
        low = 1.0 / self.start
        if at < self.rise:
            return low + (1.0 - low) * (1.0 - _cosine(at / self.rise, 0.0))
        least = low / self.end
        return least + (1.0 - least) * _cosine((at - self.rise) / (1.0 - self.rise), 0.0)


@dataclass(frozen=True)
class PolynomialRate(Schedule):
    """(1 − epoch / epochs)^power. power: more than 0; 1 is a straight line."""

    power: float = 1.0

    def __post_init__(self) -> None:
        check.number(self, "power", more_than=0)

    def factor(self, epoch: float, epochs: float) -> float:
        """Down to 0 at the end."""
        return float((1.0 - _part(epoch, epochs)) ** self.power)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Linearly from 0 over the first epochs, then another schedule, which begins after them.

    over: epochs, more than 0; fewer than the training has (Goyal et al. 2017 take 5 of 90).
    then: the other schedule, over the epochs that are left.
    """

    over: float = 1.0
    then: Schedule = ConstantRate()

    def __post_init__(self) -> None:
        check.number(self, "over", more_than=0)
        if not isinstance(self.then, Schedule):
            raise TypeError(
                f"WarmUp then is a schedule, which goes on after it, got {check.brief(self.then)}"
            )

    def check(self, epochs: float) -> None:
        """Raise ValueError if the warm-up is all there is."""
        if self.over >= epochs:
            raise ValueError(
                f"a warm-up over {self.over:g} epochs does not end in a training of {epochs:g} epochs"
            )
        self.then.check(epochs - self.over)

    def reaction(self, measures: Sequence[Mapping[str, float]]) -> float:
        """The other schedule's."""
        return self.then.reaction(measures)

    def plateau(self) -> PlateauRate | None:
        """The other schedule's."""
        return self.then.plateau()

    def factor(self, epoch: float, epochs: float) -> float:
        """Up, then the other schedule from its beginning."""
        if epoch < self.over:
            return epoch / self.over
        return self.then.factor(epoch - self.over, epochs - self.over)


def _come(schedule: Schedule, what: str, after: float, epochs: float) -> None:
    """Raise ValueError unless something that happens after some epochs happens in training."""
    if after >= epochs:
        raise ValueError(
            f"{type(schedule).__name__} {what}, which does not come in a training of {epochs:g} epochs"
        )


def _part(epoch: float, epochs: float) -> float:
    """How much of the training is over, from 0 to 1; of no epochs none at the start, then all."""
    if epoch <= 0:
        return 0.0
    return min(epoch / epochs, 1.0) if epochs > 0 else 1.0


def _cosine(at: float, least: float) -> float:
    """1 at 0, `least` at 1."""
    return least + (1.0 - least) * 0.5 * (1.0 + math.cos(math.pi * min(max(at, 0.0), 1.0)))
