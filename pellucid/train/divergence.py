"""Finding where training became NaN or infinite."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.graph import Array
from pellucid.train.batches import Batches, Chunk
from pellucid.train.first_bad_node import first_bad_node
from pellucid.train.programs import Rate, StepPrograms

Snapshot = tuple[int, Mapping[str, Array]]
"""A step, and the value of every state before it."""


def lost_reason(programs: StepPrograms, step: int, rate: float) -> str:
    """Why training cannot go on from these weights and slots; "" if they are finite.

    A second moment that overflows makes every later update 0, which no loss would tell.
    """
    states = programs.states
    lost = next((name for name, s in states.items() if not np.isfinite(s.value).all()), None)
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


def replayed(
    programs: StepPrograms,
    batches: Batches,
    chunk: Chunk,
    good: Snapshot,
    first: int,
    bad: int,
    epoch: int,
    rate: Rate,
) -> tuple[str, dict[str, Array]]:
    """Replay from a snapshot up to a step whose loss was not finite, and find what went wrong.

    chunk: the one that holds the step; first: the number of its first step; bad: of the one that failed.
    Returns the cause, and the results of the chunk's steps before it. The states are those before the
    step.
    """
    for name, array in good[1].items():
        programs.states[name].value = array
    step = good[0]
    while step < first:
        before = batches.take(step, epoch, first - step)
        programs.run(before, step, rate)
        step += before.steps
    results: dict[str, Array] = {}
    ahead = bad - first
    if ahead:
        feeds = {name: array[:ahead] for name, array in chunk.feeds.items()}
        part = Chunk(ahead, feeds, chunk.signature, False)
        results = programs.run(part, first, rate)[0]
    feeds = {name: array[ahead] for name, array in programs.feeds(chunk, first, rate).items()}
    compiled = programs.step_for(chunk)
    wanted = {name: feeds[name] for name in compiled.graph.inputs}
    cause = first_bad_node(compiled, wanted)
    now = rate(programs.first_optimizer, first)
    advice = f"try a learning rate below {now / 10:.2g}"
    return f"the loss was not finite at step {bad:,}: {cause}; {advice}", results
