"""The graphs of training: one step, and one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
    tensor,
)
from pellucid.graph.dtype import FLOAT32, INT32, INT64
from pellucid.nn.inputs import apply, leaves, mapped
from pellucid.train.frozen import chain, check_frozen
from pellucid.train.interrupt import poll

LossFunction = Callable[..., Tensor]
Data = tuple[Any, ...]
"""Inputs, an array or a tree of them (`nn.inputs`), and targets, and weights if there are any."""
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
    """Forward, backward, update and running statistics of one batch, as one graph.

    Raises TracingError if a network, loss or optimizer of the user's own draws with NumPy or otherwise
    changes from call to call: the graph would hold what it was when it was built.
    """
    rows = placeholder("rows", (batch_size,), INT32)
    rate = placeholder("learning_rate", (), FLOAT32)
    step = placeholder("step", (), INT64)
    with origin("batch"):
        x = mapped(lambda name, array: read(State(array, name)).take(rows), data[0], "X")
        aims = [
            read(State(array, name)).take(rows) for array, name in zip(data[1:], "yw", strict=False)
        ]

    def forward() -> tuple[nn.ForwardPass, Tensor]:
        with nn.training(seed=seed, step=step) as seen:
            return seen, scalar_loss(loss, apply(net, x), *aims)

    seen, value = forward()
    modules = [module for _, module in net.named_modules()]
    check_frozen([*modules, loss], _results(seen, value), lambda: _results(*forward()))
    parameters = dict(net.named_parameters())
    slots = optimizer.init(parameters)

    def update() -> optim.Updates:
        with origin("update"):
            gradients = optimizer.gradients(value, parameters)
            return optimizer.update(parameters, gradients, slots, rate, step)

    updates = update()
    check_frozen(chain(optimizer), list(updates.values()), lambda: list(update().values()))
    states = {path: p.state for path, p in parameters.items()}
    states |= {path: b.state for path, b in net.named_buffers()}
    layers = {path: tensor.node for path, tensor in seen.activations.items()}
    graph = Graph({"loss": value.node}, {**updates, **seen.updates})
    return Step(graph, states | slots, layers, optimizer.evaluated(slots))


def taken(x: Any, rows: Any) -> Any:
    """These rows of inputs."""
    return mapped(lambda _, array: array[rows], x)


def _results(seen: nn.ForwardPass, value: Tensor) -> list[Node]:
    return [value.node, *seen.updates.values()]


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

    The rows are cut into equal chunks of at most `chunk` rows and one remainder; of a large network
    they are fewer rows, because nothing interrupts a call. The loss is that of all rows at once: the
    mean over the chunks, each counting as much as what its loss divides by (`Loss.divisor`), or their
    sum where the loss is one. A function of one's own is taken as a mean over rows, or over their
    weights.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: LossFunction | None,
        data: Data,
        chunk: int = 4096,
        repeated: bool = False,
    ) -> None:
        self._feeds = {**leaves(data[0]), **dict(zip("yw", data[1:], strict=False))}
        self._has_loss = loss is not None
        self._is_sum = isinstance(loss, nn.Loss) and loss.reduction == "sum"
        count = len(data[1])
        size = min(chunk, count)
        whole = max(work(_evaluation(net, loss, data, size)), 1)
        size = max(min(size, size * _CALL_WORK // whole), 1)
        sizes = [(0, size, count // size)]
        if count % size:
            sizes.append((count - count % size, count % size, 1))
        self._parts: list[tuple[int, int, int, Graph, Program]] = []
        for start, rows, chunks in sizes:
            graph = _evaluation(net, loss, data, rows)
            if not self._parts:
                _check_evaluation(graph, net, loss, data, rows)
            self._parts.append((start, rows, chunks, graph, executor().build(graph, repeated)))

    def run(self) -> tuple[Array, float]:
        """Outputs for every row, and the mean loss over the rows (NaN without a loss)."""
        outputs: list[Array] = []
        total = every = 0.0
        for start, size, chunks, graph, program in self._parts:
            for i in range(chunks):
                poll()
                part = slice(start + i * size, start + (i + 1) * size)
                feeds = {name: self._feeds[name][part][None] for name in graph.inputs}
                found = program.run(1, feeds)
                outputs.append(found["outputs"][0])
                if "loss" in found:
                    weight = float(found["weight"][0])
                    total += float(found["loss"][0]) * weight
                    every += weight
        if not self._has_loss:
            return np.concatenate(outputs), float("nan")
        return np.concatenate(outputs), total if self._is_sum or every == 0 else total / every


def _evaluation(net: nn.Module, loss: LossFunction | None, data: Data, size: int) -> Graph:
    x = mapped(lambda n, a: placeholder(n, (size, *a.shape[1:]), a.dtype), data[0])
    outputs = apply(net, x)
    if loss is None:
        return Graph({"outputs": outputs.node})
    aims = [
        placeholder(name, (size, *array.shape[1:]), array.dtype)
        for array, name in zip(data[1:], "yw", strict=False)
    ]
    value = scalar_loss(loss, outputs, *aims)
    weight = _weight(loss, outputs, *aims)
    return Graph({"outputs": outputs.node, "loss": value.node, "weight": weight.node})


def _check_evaluation(
    graph: Graph, net: nn.Module, loss: LossFunction | None, data: Data, size: int
) -> None:
    """Raise TracingError if code of the user's own does in evaluation what it does not in training."""

    def again() -> list[Node]:
        return list(_evaluation(net, loss, data, size).outputs.values())

    modules = [module for _, module in net.named_modules()]
    parts = modules if loss is None else [*modules, loss]
    check_frozen(parts, list(graph.outputs.values()), again)


def _weight(loss: LossFunction, outputs: Tensor, *aims: Tensor) -> Tensor:
    """How much the loss of some rows counts beside that of others."""
    if isinstance(loss, nn.Loss):
        whole = loss.reduction == "sum"
        return tensor(1.0, np.float64) if whole else loss.divisor(outputs, *aims)
    if len(aims) > 1:
        return aims[1].cast(np.float64).sum()
    return tensor(float(aims[0].shape[0]), np.float64)
