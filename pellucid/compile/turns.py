"""Programs that take turns on the same states, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.graph.op import Array
from pellucid.graph.program import Program


@dataclass(frozen=True)
class Turn:
    """Steps `begin` to `end` − 1 of one of several programs."""

    program: int
    begin: int
    end: int


def run_turns(
    programs: Sequence[Program], turns: Sequence[Turn], steps: int, feeds: Mapping[str, Array]
) -> list[dict[str, Array]]:
    """Run programs in turns; feeds and results have a leading axis over all steps.

    Each program's results hold something only where it had its turn.
    """
    results = [_room(program, steps) for program in programs]
    for turn in turns:
        program = programs[turn.program]
        part = {name: feeds[name][turn.begin : turn.end] for name in program.graph.inputs}
        for name, array in program.run(turn.end - turn.begin, part).items():
            results[turn.program][name][turn.begin : turn.end] = array
    return results


def _room(program: Program, steps: int) -> dict[str, Array]:
    return {
        name: np.empty((steps, *node.shape), node.dtype)
        for name, node in program.graph.outputs.items()
    }
