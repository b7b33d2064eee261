"""The graphs of training: one step, and one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pellucid import nn, optim
from pellucid.compile import work
from pellucid.graph import (
    Array,
    Graph,
    Node,
    Program,
    State,
    Tensor,
    executor,
    origin,
    placeholder,
    read,
)
from pellucid.graph.dtype import FLOAT32, INT32, INT64
from pellucid.train.interrupt import poll

LossFunction = Callable[..., Tensor]
Data = tuple[Array, ...]
"""Inputs and targets, and weights if there are any."""
_CALL_WORK = 5_000_000_000
"""Operations of one call: some hundredths of a second."""


@dataclass(frozen=True)
class Step:
    """One training step as a graph, with what it reads and writes.

    inputs of the graph: rows (int32, batch), learning_rate (float32), step (int64).
    output: loss, the mean over the batch before the update.
    states: everything that a step changes, by name: parameters, running statistics, slots.
    evaluated: where the optimizer keeps the weights that the network is used with, if not its own.
    layers: the output node of each layer in the forward pass, by path.
    """

    graph: Graph
    states: Mapping[str, State]
    layers: Mapping[str, Node]
    evaluated: Mapping[str, State]


def training_step(
    net: nn.Module,
    loss: LossFunction,
    optimizer: optim.Optimizer,
    data: Data,
    batch_size: int,
    seed: int,
) -> Step:
    """Forward, backward, update and running statistics of one batch, as one graph."""
    rows = placeholder("rows", (batch_size,), INT32)
    rate = placeholder("learning_rate", (), FLOAT32)
    step = placeholder("step", (), INT64)
    with origin("batch"):
        x, *aims = (
            read(State(array, name)).take(rows) for array, name in zip(data, "Xyw", strict=False)
        )
    with nn.training(seed=seed, step=step) as seen:
        outputs = net(x)
        value = scalar_loss(loss, outputs, *aims)
    parameters = dict(net.named_parameters())
    slots = optimizer.init(parameters)
    with origin("update"):
        gradients = optimizer.gradients(value, parameters)
        updates = optimizer.update(parameters, gradients, slots, rate, step)
    states = {path: p.state for path, p in parameters.items()}
    states |= {path: b.state for path, b in net.named_buffers()}
    layers = {path: tensor.node for path, tensor in seen.activations.items()}
    graph = Graph({"loss": value.node}, {**updates, **seen.updates})
    return Step(graph, states | slots, layers, optimizer.evaluated(slots))


def scalar_loss(loss: LossFunction, outputs: Tensor, *aims: Tensor) -> Tensor:
    """The loss; raises TypeError or ValueError unless the function returns a float scalar."""
    with origin("loss"):
        value = loss(outputs, *aims)
    if not isinstance(value, Tensor):
        raise TypeError(f"the loss returned a {type(value).__name__}, not a Tensor")
    if value.shape != ():
        raise ValueError(f"the loss is a scalar, got shape {value.shape}; reduce it with .mean()")
    return value


class Evaluator:
    """Outputs and mean loss of a network in evaluation mode on fixed data.

    The rows are cut into equal chunks of at most `chunk` rows and one remainder, so that any loss
    that is a mean over rows, or over what they weigh, is averaged exactly. Of a large network they
    are fewer rows, because nothing interrupts a call.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: LossFunction | None,
        data: Data,
        chunk: int = 4096,
        repeated: bool = False,
    ) -> None:
        self._data = data
        count = len(data[0])
        size = min(chunk, count)
        whole = max(work(_evaluation(net, loss, data, size)), 1)
        size = max(min(size, size * _CALL_WORK // whole), 1)
        sizes = [(0, size, count // size)]
        if count % size:
            sizes.append((count - count % size, count % size, 1))
        self._parts: list[tuple[int, int, int, Graph, Program]] = []
        for start, rows, chunks in sizes:
            graph = _evaluation(net, loss, data, rows)
            self._parts.append((start, rows, chunks, graph, executor().build(graph, repeated)))

    def run(self) -> tuple[Array, float]:
        """Outputs for every row, and the mean loss over the rows (NaN without a loss)."""
        outputs: list[Array] = []
        total = 0.0
        for start, size, chunks, graph, program in self._parts:
            for i in range(chunks):
                poll()
                part = slice(start + i * size, start + (i + 1) * size)
                feeds = {
                    name: array[part][None] for name, array in zip("xyw", self._data, strict=False)
                }
                found = program.run(1, {name: feeds[name] for name in graph.inputs})
                outputs.append(found["outputs"][0])
                weight = self._weight(part, size)
                total += float(found["loss"][0]) * weight if "loss" in found else float("nan")
        every = self._weight(slice(None), len(self._data[0]))
        return np.concatenate(outputs), total / every

    def _weight(self, part: slice, rows: int) -> float:
        """How much some of the rows count."""
        return float(self._data[2][part].sum(dtype=np.float64)) if len(self._data) > 2 else rows


def _evaluation(net: nn.Module, loss: LossFunction | None, data: Data, size: int) -> Graph:
    x = placeholder("x", (size, *data[0].shape[1:]), data[0].dtype)
    outputs = net(x)
    if loss is None:
        return Graph({"outputs": outputs.node})
    aims = [
        placeholder(name, (size, *array.shape[1:]), array.dtype)
        for array, name in zip(data[1:], "yw", strict=False)
    ]
    return Graph({"outputs": outputs.node, "loss": scalar_loss(loss, outputs, *aims).node})
