"""Running probes on chosen steps without changing a bit of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.compile.turns import Alternation, Turn, build_beside
from pellucid.graph import Array, Graph, Program, Tensor, concatenate
from pellucid.graph.dtype import FLOAT64
from pellucid.train.probes import Probe, gathered
from pellucid.train.steps.training_step import TrainingStep

Probed = tuple[Sequence[int], tuple[tuple[str, str], ...], Array, Sequence[Array]]
"""Steps, paths and names, numbers (steps, …) and vectors, as a `ProbeBlock` takes them."""
_SCALARS, _VECTOR = "probe.scalars", "probe.vector."
_FEW, _SMALL, _MANY = 2, 10_000, 16
"""Steps that are compared; more of small states, whose few sums may round alike by chance."""


class Watch:
    """A training step with probes.

    On a chosen step an instrumented twin of the step runs instead of it: the same updates, and the
    probes' values. Before the first chosen step both run some steps from the same states, and every
    updated state is compared bit by bit. Where they differ, because the twin's kernels were fused in
    another order, the twin is dropped: on chosen steps the probes then run by themselves, without
    updates, before the plain step. Either way training is the same as without probes.
    """

    def __init__(self, step: TrainingStep, program: Program, probes: Sequence[Probe]) -> None:
        self._step = step
        self._plain = program
        values = gathered(tuple(probes), step.trace)
        self._scalars = [key for key, value in values.items() if value.ndim == 0]
        self._vectors = [key for key, value in values.items() if value.ndim == 1]
        self._keys = (*self._scalars, *self._vectors)
        self._outputs = {
            f"{_VECTOR}{i}": values[key].cast(FLOAT64).node for i, key in enumerate(self._vectors)
        }
        if self._scalars:
            parts: list[Tensor] = [values[k].cast(FLOAT64).reshape(1) for k in self._scalars]
            self._outputs[_SCALARS] = concatenate(parts).node
        graph = step.graph
        twin = Graph({**graph.outputs, **self._outputs}, graph.updates)
        self._twin = build_beside(program, twin)
        self._both = Alternation(program, self._twin)
        self._replaces: bool | None = None

    def run(
        self, first: int, steps: int, feeds: Mapping[str, Array], every: int
    ) -> tuple[dict[str, Array], Probed | None]:
        """The results of the plain step, and what probes gave on steps that are multiples of `every`."""
        chosen = list(range(-first % every, steps, every))
        if not chosen or not self._outputs:
            return self._plain.run(steps, _fed(self._plain, feeds)), None
        if self._replaces is None:
            self._compare(feeds, chosen[0])
        turns = self._turns(chosen, steps)
        results = self._both.run(turns, steps, feeds)
        plain = {name: results[name] for name in self._plain.graph.outputs}
        return plain, self._probed(first, chosen, results)

    def _turns(self, chosen: Sequence[int], steps: int) -> list[Turn]:
        turns: list[Turn] = []
        done = 0
        for index in chosen:
            if index > done:
                turns.append(Turn(0, done, index))
            turns.append(Turn(1, index, index + 1))
            done = index + 1 if self._replaces else index
        if done < steps:
            turns.append(Turn(0, done, steps))
        return turns

    def _compare(self, feeds: Mapping[str, Array], index: int) -> None:
        """Whether the twin leaves the same bits as the plain step, from the states as they are now."""
        states = self._step.graph.updates
        count = _MANY if sum(state.value.size for state in states) < _SMALL else _FEW
        part = {
            name: np.repeat(array[index : index + 1], count, 0) for name, array in feeds.items()
        }
        before = {state: state.value.copy() for state in states}
        after: list[list[bytes]] = []
        for program in (self._plain, self._twin):
            results = program.run(count, _fed(program, part))
            kept = [results[name].tobytes() for name in self._step.graph.outputs]
            after.append([state.value.tobytes() for state in states] + kept)
            for state, value in before.items():
                state.value = value
        self._replaces = _same(*after)
        if not self._replaces:
            self._twin = build_beside(self._plain, Graph(self._outputs))
            self._both = Alternation(self._plain, self._twin)

    def _probed(self, first: int, chosen: Sequence[int], results: Mapping[str, Array]) -> Probed:
        numbers = results[_SCALARS] if self._scalars else np.empty((len(chosen), 0))
        vectors = [results[f"{_VECTOR}{i}"] for i in range(len(self._vectors))]
        return [first + index for index in chosen], self._keys, numbers, vectors


def _same(one: list[bytes], other: list[bytes]) -> bool:
    return one == other


def _fed(program: Program, feeds: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.asarray(feeds[name]) for name in program.graph.inputs}
