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
from pellucid.train import container
from pellucid.train.events import Evaluated


@dataclass
class Position:
    """Where a run is, apart from its arrays.

    step, epoch: completed ones. rate_factor: what the learning rate was multiplied by so far.
    reductions:  how often it was reduced. stale: epochs since the best or the last reduction.
    history:     an entry for each epoch. best: the place of the best of them.
    """

    step: int = 0
    epoch: int = 0
    rate_factor: float = 1.0
    reductions: int = 0
    stale: int = 0
    history: list[Evaluated] = field(default_factory=list)
    best: int = 0


_STEP = schema.whole()
_MEASURE = schema.either(schema.number(), schema.not_finite)

ENTRY = schema.record(
    epoch=_STEP,
    step=_STEP,
    learning_rate=schema.number(0),
    train_loss=_MEASURE,
    train_metric=_MEASURE,
    validation_loss=schema.optional(_MEASURE),
    validation_metric=schema.optional(_MEASURE),
    metric=schema.text(200),
    best=schema.flag,
)
"""An entry of a history."""

_POSITION = schema.record(
    step=_STEP,
    epoch=_STEP,
    rate_factor=schema.number(0),
    reductions=_STEP,
    stale=_STEP,
    history=schema.items(ENTRY),
    best=_STEP,
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


def load_checkpoint(
    path: Path,
    states: Mapping[str, State],
    weights: Mapping[str, State],
    best: dict[str, Array],
    settings: Mapping[str, Any],
) -> Position:
    """Set the states and `best` from a checkpoint and return where the run was.

    weights: those of the states that the best weights are kept of.

    Raises ModelFileError if the file is damaged or belongs to another run, changing nothing.
    """
    arrays, details = container.read(path, "checkpoint")
    found = described(path, details, _CHECKPOINT)
    agree(path, found["settings"], settings)
    position = found["position"]
    history = [Evaluated(**entry) for entry in position["history"]]
    if position["best"] >= max(len(history), 1):
        raise ModelFileError(f"{path} is damaged: its best epoch is none of its history.")
    kept = {f"best/{name}": state for name, state in weights.items()} if history else {}
    fit_states(path, arrays, {**{f"now/{name}": state for name, state in states.items()}, **kept})
    for name, state in states.items():
        state.value = arrays[f"now/{name}"]
    best.update({name: np.array(arrays[f"best/{name}"]) for name in (weights if history else ())})
    return Position(**{**position, "history": history})


def described(path: Path, details: Any, shape: schema.Schema) -> dict[str, Any]:
    """The details of a file of a run, of the shape declared; else raises ModelFileError."""
    try:
        found: dict[str, Any] = shape(details, "its description")
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {error}.") from None
    return found


def fit_states(path: Path, arrays: Mapping[str, Array], states: Mapping[str, State]) -> None:
    """Raise ModelFileError unless a file has an array for each state and no other."""
    for name in dict.fromkeys([*states, *arrays]):
        state, array = states.get(name), arrays.get(name)
        if state is None or array is None:
            other = "has no" if array is None else "has a"
            raise ModelFileError(f"{path} does not fit the network: it {other} {name[:200]!r}.")
        if array.shape != state.value.shape or array.dtype != state.value.dtype:
            raise ModelFileError(f"{path} does not fit the network: {name} differs.")


def agree(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ModelFileError, naming what differs, unless a file belongs to a run with these settings."""
    different = [name for name, value in wanted.items() if found.get(name) != value]
    if different:
        raise ModelFileError(
            f"{path} belongs to a run with other settings ({', '.join(sorted(different))}): "
            "resume with the same data and settings, or start a new run."
        )
