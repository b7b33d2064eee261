"""Finding where training became NaN or infinite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.graph import Array, State
from pellucid.train.batches import Batches, Chunk
from pellucid.train.loop.first_bad_node import first_bad_node
from pellucid.train.steps.programs import Rates, StepPrograms


@dataclass(frozen=True)
class Snapshot:
    """Copies of the values of states, as they were before a step."""

    step: int
    states: Mapping[str, State]
    values: Sequence[Array]


def snapshot_of(
    states: Mapping[str, State], step: int, previous: Snapshot | None = None
) -> Snapshot:
    """The values of states before a step; of the same states in the memory of the previous snapshot."""
    if previous is None or previous.states is not states:
        return Snapshot(step, states, [state.value.copy() for state in states.values()])
    for array, state in zip(previous.values, states.values(), strict=True):
        np.copyto(array, state.value)
    return Snapshot(step, states, previous.values)


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
    programs: StepPrograms, batches: Batches, good: Snapshot, step: int, epoch: int, rates: Rates
) -> None:
    """Set all states to those before a step, by going on from a snapshot of the same epoch."""
    done = good.step
    for state, value in zip(good.states.values(), good.values, strict=True):
        state.value = value
    while done < step:
        chunk = batches.take(done, epoch, step - done)
        programs.run(chunk, done, rates)
        done += chunk.steps


def loss_reason(programs: StepPrograms, chunk: Chunk, bad: int, first: int, rates: Rates) -> str:
    """Why the loss of a step was not finite, from the states before that step.

    bad: its index in the chunk; first: the number of the chunk's first step.
    """
    feeds = {name: array[bad] for name, array in programs.feeds(chunk, first, rates).items()}
    step = programs.step_for(chunk)
    cause = first_bad_node(step, {name: feeds[name] for name in step.graph.inputs})
    now = rates(programs.first_optimizer, range(first, first + 1))[0]
    return (
        f"the loss was not finite at step {first + bad:,}: {cause}; "
        f"try a learning rate below {now / 10:.2g}"
    )
