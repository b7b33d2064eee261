"""Everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

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
    path: Path, states: Mapping[str, State], best: dict[str, Array], settings: Mapping[str, Any]
) -> Position:
    """Set the states and `best` from a checkpoint and return where the run was.

    Raises ModelFileError if the file is damaged or belongs to another run, changing nothing.
    """
    arrays, details = container.read(path, "checkpoint")
    agree(path, details["settings"], settings)
    for name, state in states.items():
        found = arrays.get(f"now/{name}")
        if found is None or found.shape != state.value.shape or found.dtype != state.value.dtype:
            raise ModelFileError(f"{path} does not fit the network: {name} differs.")
    for name, state in states.items():
        state.value = arrays[f"now/{name}"]
    kept = {n.removeprefix("best/"): a for n, a in arrays.items() if n.startswith("best/")}
    best.update({name: np.array(array) for name, array in kept.items()})
    position = dict(details["position"])
    position["history"] = [Evaluated(**entry) for entry in position["history"]]
    return Position(**position)


def agree(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ModelFileError, naming what differs, unless a file belongs to a run with these settings."""
    different = [name for name, value in wanted.items() if found.get(name) != value]
    if different:
        raise ModelFileError(
            f"{path} belongs to a run with other settings ({', '.join(sorted(different))}): "
            "resume with the same data and settings, or start a new run."
        )
