"""Everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import schema
from pellucid.errors import ModelFileError
from pellucid.graph import Array, State
from pellucid.train.events import Evaluated
from pellucid.train.storage import container


@dataclass
class Position:
    """Where a run is, apart from its arrays.

    step, epoch: completed ones. rate_factor: what actions have multiplied the learning rate by.
    history:     an entry for each evaluation. best: the index of the best of them.
    sums:        for each loss and report the sum over this epoch's steps so far; steps: how many.
    callbacks:   what each policy and callback remembers, by its name.
    batches:     where the source of batches is. records: bytes of the file of records.
    optimizer, schedule: the settings of those that replaced the first ones, if any did. begun_at: the
                 step at which the optimizers' slots and counting began.
    divergences: how often training diverged and went on. stop: the settings of the action that ends
                 training, if one was asked for.
    """

    step: int = 0
    epoch: int = 0
    rate_factor: float = 1.0
    history: list[Evaluated] = field(default_factory=list)
    best: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, Any] = field(default_factory=dict)
    records: int = 0
    optimizer: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    begun_at: int = 0
    divergences: int = 0
    stop: dict[str, Any] | None = None

    def count(self, steps: int, values: Mapping[str, Array]) -> None:
        """So many steps were made, which gave these losses and reports.

        They are added one after another, so that it makes no difference how many are added at once.
        """
        for name, array in values.items():
            ordered = np.concatenate([[self.sums.get(name, 0.0)], array], dtype=np.float64)
            self.sums[name] = float(np.cumsum(ordered)[-1])
        self.steps += steps
        self.step += steps


_STEP = schema.whole()
_MEASURE = schema.either(schema.number(), schema.not_finite)
_NAME = schema.text(200)
_PLAIN = schema.mapping(schema.anything)
_STOP = schema.record(reason=schema.text(2_000), evaluate=schema.flag)

ENTRY = schema.record(
    epoch=_STEP,
    step=_STEP,
    learning_rate=schema.number(0),
    measures=schema.mapping(_MEASURE),
    metric=_NAME,
    best=schema.flag,
    monitor=_NAME,
)
"""An entry of a history."""

_POSITION = schema.record(
    step=_STEP,
    epoch=_STEP,
    rate_factor=schema.number(0),
    history=schema.items(ENTRY),
    best=_STEP,
    sums=schema.mapping(_MEASURE),
    steps=_STEP,
    callbacks=schema.mapping(_PLAIN),
    batches=_PLAIN,
    records=_STEP,
    optimizer=schema.optional(_PLAIN),
    schedule=schema.optional(_PLAIN),
    begun_at=_STEP,
    divergences=_STEP,
    stop=schema.optional(_STOP),
)
_CHECKPOINT = schema.record(position=_POSITION, settings=schema.mapping(schema.anything))


def save_checkpoint(
    path: Path,
    position: Position,
    states: Mapping[str, State],
    best: Mapping[str, Array],
    settings: Mapping[str, Any],
) -> None:
    """Write position, states and best weights atomically."""
    arrays = {f"now/{name}": state.value for name, state in states.items()}
    arrays |= {f"best/{name}": array for name, array in best.items()}
    details = {"position": asdict(position), "settings": dict(settings)}
    container.write(path, arrays, details, "checkpoint")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read: where the run was, and its arrays."""

    path: Path
    position: Position
    arrays: Mapping[str, Array]

    @classmethod
    def read(cls, path: Path, settings: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint of this file.

        Raises ModelFileError if the file is damaged or belongs to a run with other settings.
        """
        arrays, details = container.read(path, "checkpoint")
        content = described(path, details, _CHECKPOINT)
        agree(path, content["settings"], settings)
        position = content["position"]
        history = [Evaluated(**entry) for entry in position["history"]]
        if position["best"] >= max(len(history), 1):
            raise ModelFileError(f"{path} is damaged: its best epoch is none of its history.")
        return cls(path, Position(**{**position, "history": history}), arrays)

    def restore(
        self, states: Mapping[str, State], weights: Mapping[str, State]
    ) -> dict[str, Array]:
        """Set the states, and return the best weights by name.

        weights: those of the states that the best weights are kept of. Raises ModelFileError, changing
        nothing, if the arrays are not those of the states.
        """
        kept = weights if self.position.history else {}
        wanted = {f"now/{name}": state for name, state in states.items()}
        wanted |= {f"best/{name}": state for name, state in kept.items()}
        fit_states(self.path, self.arrays, wanted)
        for name, state in states.items():
            state.value = self.arrays[f"now/{name}"]
        return {name: np.array(self.arrays[f"best/{name}"]) for name in kept}


def described(path: Path, details: Any, shape: schema.Schema) -> dict[str, Any]:
    """The details of a file of a run, of the shape declared; else raises ModelFileError."""
    try:
        content: dict[str, Any] = shape(details, "its description")
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {error}.") from None
    return content


def fit_states(path: Path, arrays: Mapping[str, Array], states: Mapping[str, State]) -> None:
    """Raise ModelFileError unless a file has an array for each state and no other."""
    for name in dict.fromkeys([*states, *arrays]):
        state, array = states.get(name), arrays.get(name)
        if state is None or array is None:
            other = "has no" if array is None else "has a"
            raise ModelFileError(f"{path} does not fit the network: it {other} {name[:200]!r}.")
        if array.shape != state.value.shape or array.dtype != state.value.dtype:
            raise ModelFileError(f"{path} does not fit the network: {name} differs.")


def agree(path: Path, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ModelFileError, naming what differs, unless a file belongs to a run with these settings."""
    different = [name for name, value in wanted.items() if saved.get(name) != value]
    if different:
        raise ModelFileError(
            f"{path} belongs to a run with other settings ({', '.join(sorted(different))}): "
            "resume with the same data and settings, or start a new run."
        )
