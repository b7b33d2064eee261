"""What a callback may ask the loop to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid import check, optim


@dataclass(frozen=True)
class Stop:
    """End training after this event; the best weights are restored, and other actions are not done.

    reason: why, in words that follow "stopped:".
    evaluate: whether the networks are measured first, where an epoch is not complete.
    """

    reason: str
    evaluate: bool = False


@dataclass(frozen=True)
class SetRate:
    """Another learning rate from the next step on; a schedule goes on from there.

    learning_rate: η of the first optimizer before the schedule's factor; others keep their ratio to
                   it. factor: what η is multiplied by instead.
    """

    learning_rate: float | None = None
    factor: float | None = None

    def __post_init__(self) -> None:
        if (self.learning_rate is None) == (self.factor is None):
            raise ValueError("SetRate takes either learning_rate or factor")
        name = "factor" if self.learning_rate is None else "learning_rate"
        check.number(self, name, more_than=0)


@dataclass(frozen=True)
class Rollback:
    """Go back to the best weights so far; slots of the optimizers and the rows to come stay.

    Where an optimizer keeps averages of weights, which are what is measured, nothing changes. As an
    answer to `Diverged` it also begins all slots anew, because those that led there would again.
    """


@dataclass(frozen=True)
class Replace:
    """Train on with another optimizer, whose slots start anew, or another schedule.

    An optimizer can be replaced where there is one, as in `fit`. The rate starts from that of the
    new optimizer, without earlier reductions.
    """

    optimizer: optim.Optimizer | None = None
    schedule: optim.Schedule | None = None

    def __post_init__(self) -> None:
        if self.optimizer is None and self.schedule is None:
            raise ValueError("Replace takes an optimizer, a schedule or both")
        if self.schedule is not None and self.schedule.plateau() is not None:
            raise ValueError(
                f"{self.schedule!r} follows the score from the first epoch on and replaces no other: "
                "pass it to fit, or answer with SetRate"
            )


@dataclass(frozen=True)
class Save:
    """Write a checkpoint, if the run has a folder, after all other actions of this event."""


@dataclass(frozen=True)
class Log:
    """A value to record: see `pellucid.train.records`.

    name: what it is, such as "gradient.norm". value: a number, or a list of them.
    path: the layer or parameter that it belongs to, "" for the whole network.
    """

    name: str
    value: float | list[float]
    path: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not isinstance(self.path, str):
            raise TypeError(f"name and path of Log are texts, got {self.name!r}, {self.path!r}")
        values = np.asarray(self.value)
        if values.ndim > 1 or values.dtype.kind not in "biuf":
            raise TypeError(
                f"Log records a number, or a list of them, got {check.brief(self.value)}"
            )
        object.__setattr__(self, "value", values.astype(np.float64).tolist())


Action = Stop | SetRate | Rollback | Replace | Save | Log
