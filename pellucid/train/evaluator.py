"""Measuring networks on rows: losses, metrics and, if they are asked for, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.compile import work
from pellucid.graph import Array, Graph, Node, Program, Tensor, executor, placeholder, tensor
from pellucid.graph.dtype import FLOAT64
from pellucid.nn.inputs import apply, leaves, mapped
from pellucid.train.batches.gathered import step_dtype
from pellucid.train.batches.resident import part_name
from pellucid.train.loop.interrupt import poll
from pellucid.train.measures import Measure
from pellucid.train.steps.build import LossFunction, scalar_loss
from pellucid.train.steps.frozen import check_frozen

Data = tuple[Any, ...]
"""Inputs, an array or a tree of them (`nn.inputs`), and targets, and weights if there are any."""
_CALL_WORK = 5_000_000_000
"""Operations of one call: some hundredths of a second."""


@dataclass(frozen=True)
class _Part:
    """Rows from `start` on, in equal chunks that one program runs on."""

    start: int
    size: int
    chunks: int
    graph: Graph
    program: Program


class Evaluator:
    """Measures of networks in evaluation mode on fixed rows.

    The rows are cut into equal chunks and one remainder; of a large network they are fewer rows,
    because nothing interrupts a call. Every measure is that of all rows at once. Rows that lie in a
    file are read chunk by chunk.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        outputs: Callable[..., Mapping[str, Tensor]],
        measures: Sequence[Measure],
        data: Data,
        chunk: int = 4096,
        runs: int = 1,
        parts: Sequence[Any] = (),
    ) -> None:
        """Outputs, measures: functions of the parts of some rows.

        runs: roughly how often it will run. parts: what they call that may be of the user's own.
        """
        self._outputs = outputs
        self._measures = tuple(measures)
        self._data = data
        self._arrays: dict[str, Any] = {}
        for i, part in enumerate(data):
            self._arrays |= leaves(part, part_name(i))
        count = len(next(iter(self._arrays.values())))
        size = min(chunk, count)
        whole = max(work(self._graph(size)), 1)
        size = max(min(size, size * _CALL_WORK // whole), 1)
        sizes = [(0, size, count // size)]
        if count % size:
            sizes.append((count - count % size, count % size, 1))
        modules = [module for net in networks for _, module in net.named_modules()]
        self._parts: list[_Part] = []
        for start, rows, chunks in sizes:
            graph = self._graph(rows)
            if not self._parts:
                roots = list(graph.outputs.values())
                check_frozen([*modules, *parts], roots, lambda: self._roots(sizes[0][1]))
            self._parts.append(_Part(start, rows, chunks, graph, executor().build(graph, runs)))

    def _roots(self, size: int) -> list[Node]:
        return list(self._graph(size).outputs.values())

    def _graph(self, size: int) -> Graph:
        tensors = placeholders(self._data, size)
        named = {f"outputs.{name}": t.node for name, t in self._outputs(*tensors).items()}
        for index, measure in enumerate(self._measures):
            total, weight = measure.total(*tensors)
            named[f"total.{index}"] = total.cast(FLOAT64).node
            named[f"weight.{index}"] = weight.cast(FLOAT64).node
        return Graph(named)

    def run(self) -> tuple[dict[str, Array], dict[str, float]]:
        """The outputs for every row, and each measure by name."""
        totals = [0.0] * len(self._measures)
        weights = [0.0] * len(self._measures)
        outputs: dict[str, list[Array]] = {}
        for part in self._parts:
            for i in range(part.chunks):
                poll()
                results = part.program.run(1, self._feeds(part, i))
                for name, array in results.items():
                    kind, _, rest = name.partition(".")
                    if kind == "outputs":
                        outputs.setdefault(rest, []).append(array[0])
                    elif kind == "total":
                        totals[int(rest)] += float(array[0])
                    else:
                        weights[int(rest)] += float(array[0])
        measured = {
            measure.name: measure.of(total, weight)
            for measure, total, weight in zip(self._measures, totals, weights, strict=True)
        }
        return {name: np.concatenate(arrays) for name, arrays in outputs.items()}, measured

    def _feeds(self, part: _Part, index: int) -> dict[str, Array]:
        begin = part.start + index * part.size
        rows = slice(begin, begin + part.size)
        return {
            name: np.ascontiguousarray(self._arrays[name][rows], node.dtype)[None]
            for name, node in part.graph.inputs.items()
        }


def placeholders(data: Data, size: int) -> tuple[Any, ...]:
    """The parts of some rows as inputs of a graph."""

    def rows_of(name: str, array: Any) -> Tensor:
        return placeholder(name, (size, *array.shape[1:]), step_dtype(array.dtype))

    return tuple(mapped(rows_of, part, part_name(i)) for i, part in enumerate(data))


def network_evaluator(
    net: nn.Module,
    loss: LossFunction | None,
    data: Data,
    measures: Sequence[Measure] = (),
    *,
    outputs: bool = False,
    chunk: int = 4096,
    runs: int = 1,
) -> Evaluator:
    """An `Evaluator` of a network: its loss, named "loss", further measures and, if wanted, outputs.

    The loss is the mean over the chunks, each counting as much as what its loss divides by
    (`Loss.divisor`), or their sum where the loss is one. A function of one's own is taken as a mean
    over rows, or over their weights. Measures receive (outputs, targets …).
    """

    def on_outputs(measure: Measure) -> Measure:
        return Measure(
            measure.name,
            lambda x, *targets: measure.total(apply(net, x), *targets),
            measure.finish,
            measure.empty,
            measure.is_sum,
        )

    chosen = [*([] if loss is None else [loss_measure(loss)]), *measures]
    return Evaluator(
        [net],
        lambda x, *_: {"": apply(net, x)} if outputs else {},
        [on_outputs(measure) for measure in chosen],
        data,
        chunk,
        runs,
        [] if loss is None else [loss],
    )


def loss_measure(loss: LossFunction, name: str = "loss") -> Measure:
    """The mean loss over all rows, as `network_evaluator` describes it."""
    is_sum = isinstance(loss, nn.Loss) and loss.reduction == "sum"

    def total(outputs: Tensor, *targets: Tensor) -> tuple[Tensor, Tensor]:
        value = scalar_loss(loss, outputs, *targets).cast(FLOAT64)
        if is_sum:
            return value, tensor(1.0, FLOAT64)
        weight = _weight(loss, outputs, *targets).cast(FLOAT64)
        return value * weight, weight

    return Measure(name, total, empty=0.0, is_sum=is_sum)


def _weight(loss: LossFunction, outputs: Tensor, *targets: Tensor) -> Tensor:
    """How much the loss of some rows counts beside that of others."""
    if isinstance(loss, nn.Loss):
        return loss.divisor(outputs, *targets)
    if len(targets) > 1:
        return targets[1].cast(FLOAT64).sum()
    return tensor(float(targets[0].shape[0]), FLOAT64)


def outputs_of(net: nn.Module, x: Any) -> Array:
    """What a network puts out for every row of its inputs, in evaluation mode."""
    return network_evaluator(net, None, (x,), outputs=True).run()[0][""]


def mean_loss(net: nn.Module, loss: LossFunction, data: Data, chunk: int = 4096) -> float:
    """The mean loss of a network over rows, in evaluation mode."""
    return network_evaluator(net, loss, data, chunk=chunk).run()[1]["loss"]
