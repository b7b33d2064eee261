"""Finding where training became NaN or infinite."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.graph import Array, State
from pellucid.train.batches import Batches, Chunk
from pellucid.train.first_bad_node import first_bad_node
from pellucid.train.programs import Rate, StepPrograms

Snapshot = tuple[int, Mapping[str, Array]]
"""A step, and the value of every state before it."""


def snapshot_of(states: Mapping[str, State], step: int) -> Snapshot:
    """The values of states before a step, copied."""
    return step, {name: state.value.copy() for name, state in states.items()}


def first_not_finite(states: Mapping[str, State]) -> str | None:
    """The name of the first state with a value that is NaN or infinite."""
    return next((n for n, state in states.items() if not np.isfinite(state.value).all()), None)


def lost_reason(programs: StepPrograms, step: int, rate: float) -> str:
    """Why training cannot go on from these weights and slots; "" if they are finite.

    A second moment that overflows makes every later update 0, which no loss would tell.
    """
    lost = first_not_finite(programs.states)
    if lost is None:
        return ""
    if lost in programs.weights:
        return (
            f"the weights were not finite after step {step:,}; "
            f"try a learning rate below {rate / 10:.2g}"
        )
    return (
        f"the optimizer's {lost!r} was not finite after step {step:,}, because gradients overflowed: "
        "scale the inputs and targets, or wrap the optimizer in optim.Clip"
    )


def replay(
    programs: StepPrograms, batches: Batches, good: Snapshot, step: int, epoch: int, rate: Rate
) -> None:
    """Set all states to those before a step, by going on from a snapshot of the same epoch."""
    done, values = good
    for name, array in values.items():
        programs.states[name].value = array
    while done < step:
        chunk = batches.take(done, epoch, step - done)
        programs.run(chunk, done, rate)
        done += chunk.steps


def loss_reason(programs: StepPrograms, chunk: Chunk, bad: int, first: int, rate: Rate) -> str:
    """Why the loss of a step was not finite, from the states before that step.

    bad: its index in the chunk; first: the number of the chunk's first step.
    """
    feeds = {name: array[bad] for name, array in programs.feeds(chunk, first, rate).items()}
    step = programs.step_for(chunk)
    cause = first_bad_node(step, {name: feeds[name] for name in step.graph.inputs})
    now = rate(programs.first_optimizer, first)
    return (
        f"the loss was not finite at step {first + bad:,}: {cause}; "
        f"try a learning rate below {now / 10:.2g}"
    )
