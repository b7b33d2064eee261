"""The workloads in Pellucid."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import pellucid as pel
from benchmarks.steps.workloads import Array, Layer, Workload, batches, data, weights
from pellucid import nn, optim
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph, Tensor, placeholder
from pellucid.train.batches import ResidentBatches
from pellucid.train.steps.build import training_step
from pellucid.train.steps.step import Step
from pellucid.train.steps.supervised import supervised_step

MODES = ("native",)


def network(layers: Sequence[Layer]) -> nn.Sequential:
    """The layers, without values."""
    return nn.Sequential(*(_layer(name, settings) for name, *settings in layers))


def _layer(name: str, settings: list[Any]) -> nn.Module:
    if name == "conv":
        features, size, stride, pad, groups = settings
        return nn.Conv2d(features, size, stride=stride, padding=pad, groups=groups)
    if name in ("downconv", "upconv"):
        features, size, stride, pad = settings
        kind = nn.Conv2d if name == "downconv" else nn.ConvTranspose2d
        return kind(features, size, stride=stride, padding=pad, bias=False)
    if name == "reshape":
        return nn.Reshape(tuple(settings))
    if name == "residual":
        path = network(settings[0])
        return nn.Residual(path, network(settings[1]) if settings[1] else None)
    if name == "lstm":
        return nn.LSTM(settings[0], output="last")
    if name == "mean":
        return nn.GlobalAveragePool()
    kinds: dict[str, Any] = {
        "linear": nn.Linear,
        "relu": nn.ReLU,
        "dropout": nn.Dropout,
        "batchnorm": nn.BatchNorm,
        "maxpool": nn.MaxPool2d,
        "flatten": nn.Flatten,
        "tanh": nn.Tanh,
        "leaky": nn.LeakyReLU,
        "shortcut": nn.PaddedShortcut,
        "transformer": nn.TransformerBlock,
    }
    return kinds[name](*settings)  # type: ignore[no-any-return]


def _prediction(net: nn.Module, x: Array, rows: int) -> Graph:
    inputs = placeholder("x", (rows, *x.shape[1:]), x.dtype)
    return Graph({"outputs": net(inputs).node})


def _adversarial(
    generator: nn.Module, critic: nn.Module, adam: optim.Adam, data: tuple[Array, Array], batch: int
) -> Graph:
    """The discriminator on real and made images, then the generator through it."""
    loss = nn.BinaryCrossEntropy()

    def step(step: Step, real: Tensor, noise: Tensor) -> None:
        ones, zeros = pel.ones((batch, 1)), pel.zeros((batch, 1))
        fake = generator(noise)
        told = loss(critic(real), ones) + loss(critic(fake.stop_gradient()), zeros)
        step.minimise(told, critic, adam)
        step.minimise(loss(critic(fake), ones), generator, adam)

    batches = ResidentBatches(data, batch, 0, len(data[0]))
    return training_step(step, {"generator": generator, "critic": critic}, batches, 0).graph


class Peer:
    """One workload as one native program."""

    def __init__(self, work: Workload, mode: str, threads: int) -> None:
        self.work = work
        x, y = data(work)
        net = network(work.layers).build(y[:1] if work.against else x[:1])
        adversary = network(work.against)
        nets = [net, adversary.build(x[:1])] if work.against else [net]
        self._fill(nets, weights(work))
        adam = optim.Adam(work.rate, beta1=work.beta1)
        if work.predicts:
            graph = _prediction(net, x, work.batch)
        elif work.against:
            graph = _adversarial(net, adversary, adam, (x, y), work.batch)
        else:
            graph = supervised_step(net, nn.CrossEntropy(), adam, (x, y), work.batch, 0).graph
        self.x, self.y = x, y
        # It chooses the number of threads itself, among the processors that it may use.
        os.environ.pop("PELLUCID_THREADS", None)
        del threads
        began = time.perf_counter()
        self.program = NativeProgram(graph)
        self.build_seconds = time.perf_counter() - began
        self.from_cache = self.program.from_cache
        self.done = 0

    def _fill(self, nets: Sequence[nn.Module], values: list[Array]) -> None:
        held = [parameter.state for net in nets for _, parameter in net.named_parameters()]
        if [state.value.shape for state in held] != [value.shape for value in values]:
            raise ValueError("the parameters are not those of the workload")
        for state, value in zip(held, values, strict=True):
            state.value = value

    def run(self, steps: int) -> list[float]:
        """Train; returns the losses."""
        if self.work.predicts:
            return self._predict(steps)
        feeds: dict[str, Any] = {
            "rows": batches(self.work, steps),
            "learning_rate": np.full(steps, self.work.rate, np.float32),
            "learning_rate#2": np.full(steps, self.work.rate, np.float32),
            "step": np.arange(self.done, self.done + steps),
        }
        self.done += steps
        wanted = {name: feeds[name] for name in self.program.graph.inputs}
        return [float(loss) for loss in self.program.run(steps, wanted)["loss"]]

    def _predict(self, steps: int) -> list[float]:
        """A call for each batch, as when rows arrive one after another; returns the losses."""
        losses = []
        for rows in batches(self.work, steps):
            outputs = self.program.run(1, {"x": self.x[rows][None]})["outputs"][0]
            exponents = np.exp(outputs - outputs.max(1, keepdims=True))
            own = np.take_along_axis(exponents, self.y[rows, None], 1)[:, 0]
            losses.append(float(-np.log(own / exponents.sum(1)).mean()))
        return losses

    def seconds(self, steps: int) -> float:
        """Seconds that so many steps take."""
        began = time.perf_counter()
        self.run(steps)
        return time.perf_counter() - began
