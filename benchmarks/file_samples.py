"""Files to mutate: models of every layer, of tables with every encoder and target, files of runs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pellucid as pel
from pellucid import nn, optim
from pellucid.container import pack, unpack
from pellucid.graph import Tensor
from pellucid.parts import library
from pellucid.train.events import Checkpointed, Event
from pellucid.train.inputs.kinds import Kind, examples
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.loop.session import train_network
from pellucid.train.measures import accuracy
from pellucid.train.member import Member
from pellucid.train.model import Model
from pellucid.train.steps.supervised import supervised_problem
from pellucid.train.storage.folder import RunFolder

ROW = (4,)
SHAPES = (ROW, (6, 4), (8, 8, 4), (8, 8, 3))
"""A row of numbers, a sequence, and images: a layer gets the first that it takes."""

SETTINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "Bilinear": lambda: {"features": 2, "left": nn.Columns(0, 2), "initializer": nn.Orthogonal()},
    "Columns": lambda: {"start": 1},
    "Conv1d": lambda: {"features": 2, "padding": "same"},
    "Conv2d": lambda: {"features": 4, "kernel_size": (3, 2), "groups": 2, "padding": 1},
    "ConvTranspose2d": lambda: {"features": 2, "stride": 2, "output_padding": 1},
    "DenseConnection": lambda: {"block": nn.Linear(2)},
    "Embedding": lambda: {"count": 3, "features": 2, "padding": 0},
    "FeedForward": lambda: {"expansion": 2, "activation": nn.SiLU()},
    "GRU": lambda: {"units": 3, "output": "last"},
    "GroupNorm": lambda: {"groups": 2},
    "Join": lambda: {"only": nn.Linear(2)},
    "LSTM": lambda: {"units": 3, "reverse": True},
    "Linear": lambda: {"features": 3, "initializer": nn.HeNormal(0.1)},
    "MultiHeadAttention": lambda: {"heads": 2, "causal": True},
    "Parallel": lambda: {"left": nn.Linear(2), "right": nn.Tanh()},
    "Sum": lambda: {"left": nn.Linear(4), "right": nn.Tanh()},
    "PaddedShortcut": lambda: {"features": 6, "stride": 2},
    "Reshape": lambda: {"shape": (2, -1)},
    "Residual": lambda: {"block": nn.Linear(2), "projection": nn.Linear(2, bias=False)},
    "TiedLinear": lambda: {"layer": nn.Linear(2)},
    "TransformerBlock": lambda: {"heads": 2, "expansion": 2, "norm": "rms"},
    "Upsample": lambda: {"mode": "linear"},
}
"""Settings that a layer needs, or that have more to mutate."""


class Own(nn.Module):
    """A network as users write them, with every kind of attribute."""

    def __init__(self, width: int) -> None:
        self.layers = [nn.Linear(width), nn.Tanh()]
        self.ways = {"a": self.layers[0], 1: nn.ReLU()}
        self.shift = nn.Parameter(np.zeros(width, np.float32))
        self.mask = np.arange(width) % 2 == 0
        self.offset = pel.tensor(np.ones(width, np.float32))
        self.bounds = (float("-inf"), 2.5, "text", None)

    def forward(self, x: Tensor) -> Tensor:
        """All of them."""
        for layer in self.layers:
            x = layer(x)
        return self.ways[1](x * self.mask + self.shift + self.offset).clip(None, self.bounds[1])


@dataclass(eq=False, repr=False)
class Written(nn.Module):
    """A layer as the library writes them."""

    size: int = 1
    inner: nn.Module | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The first features."""
        return x[:, : self.size]


@dataclass(frozen=True)
class Sample:
    """A file, and what reads it.

    use: reads bytes, and does with them what a user would do next.
    """

    name: str
    content: bytes
    use: Callable[[bytes], None]


def samples() -> Iterator[Sample]:
    """Every kind of file, small."""
    for kind in library(nn.Module).values():
        settings = SETTINGS.get(kind.__name__, dict)()
        layer = kind(**settings)
        before = [layer.layer] if isinstance(layer, nn.TiedLinear) else []
        net = nn.Sequential(*before, layer)
        yield model_sample(kind.__name__, net, _taken(net))
    yield model_sample("MLP", nn.MLP([5], 3), ROW, ("a", "b", "c"))
    yield model_sample("ResNet", nn.ResNet(8, 2), (8, 8, 1), (False, True))
    twice = nn.Linear(4)
    net = nn.Sequential(twice, nn.Parallel(twice, nn.Sum(twice, nn.Tanh())), nn.Residual(nn.ReLU()))
    yield model_sample("shared", net, ROW)
    pair = nn.Join(index=nn.Embedding(5, 2), row=nn.Linear(2))
    yield model_sample("several inputs", pair, {"index": Kind((), "int32"), "row": Kind((4,))})
    yield model_sample("of one's own", nn.Sequential(Own(3), Written(2)), ROW)
    for target in ("number", "yes", "level"):
        content = _packed(pel.fit_table(_table(), target, epochs=1, progress=False).run.model)
        yield Sample(f"table of {target}", content, use_table)
    yield from run_samples()


def _taken(net: nn.Module) -> tuple[int, ...]:
    """The first shape that a network can be built with."""
    for shape in SHAPES:
        with contextlib.suppress(ValueError):
            net.build(shape)
            return shape
    raise AssertionError(f"no shape fits {net!r}")


def model_sample(
    name: str, net: nn.Module, takes: Any, classes: tuple[Any, ...] | None = None
) -> Sample:
    """The file of a model of arrays. takes: the shape of an input, or kinds."""
    member = Member(net, takes)
    net.build(examples(member.kinds))
    model = Model([member], classes, {"seed": 0, "epochs": [1]})
    return Sample(name, _packed(model), use_arrays)


def _packed(model: Model) -> bytes:
    return pack(model.arrays(), model.to_json(), "model")


def read_model(content: bytes) -> Model:
    """The model of a file's bytes."""
    arrays, details = unpack(content, "model", "The file")
    return Model.from_parts(arrays, details, "The file")


def use_arrays(content: bytes) -> None:
    """Read a model of arrays, and predict two rows."""
    model = read_model(content)
    if model.preparation is None:
        model.predict(rows_of(model.members[0].kinds))
    else:
        model.predict(_table())


def rows_of(kinds: Any, rows: int = 2) -> Any:
    """Inputs of these kinds: normal numbers, and indices of 0."""
    if isinstance(kinds, Kind):
        drawn = np.random.default_rng(0).normal(size=(rows, *kinds.shape))
        return (drawn if kinds.dtype == "float32" else 0 * drawn).astype(kinds.dtype)
    if isinstance(kinds, dict):
        return {name: rows_of(kind, rows) for name, kind in kinds.items()}
    return tuple(rows_of(kind, rows) for kind in kinds)


def use_table(content: bytes) -> None:
    """Read a model of a table, show it as `inspect` does, and predict."""
    from pellucid.cli.inspect import description

    model = read_model(content)
    description(model, "The file")
    use_arrays(content)


def _table() -> dict[str, Any]:
    dice = np.random.default_rng(0)
    number = dice.normal(size=60).round(3)
    skewed = np.exp(3 * dice.normal(size=60)).round(3)
    skewed[::7] = np.nan
    days = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]")[:60]
    return {
        "number": number,
        "skewed": skewed,
        "few": dice.integers(0, 4, 60),
        "yes": number > 0,
        "level": np.array(["red", "green", "blue"])[np.arange(60) % 3],
        "name": np.array([f"level {n}" for n in dice.integers(0, 40, 60)]),
        "day": days,
        "same": np.ones(60),
    }


class _StopError(Exception):
    """Training is left here."""


def run_samples() -> Iterator[Sample]:
    """The files of a run that was stopped: a checkpoint, and a network whose training had ended."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)

    def problem() -> Problem:
        net = nn.MLP([3], 2).build(3)
        data = (x, y.astype(np.int32))
        parts = (net, nn.CrossEntropy(), optim.Adam(), data, data, accuracy(), settings)
        return supervised_problem(*parts)

    settings = Settings(epochs=3, checkpoint_seconds=0.0)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        kept: list[bytes] = []

        def keep(event: Event) -> None:
            if isinstance(event, Checkpointed):
                kept.append(folder.checkpoint(0).read_bytes())

        train_network(problem(), settings, [keep], folder)
        ended = folder.network(0).read_bytes()

    def use(name: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as path:
            again = RunFolder(Path(path))
            (again.path / name).write_bytes(content)
            train_network(problem(), settings, [stop], again, resume=True)

    def stop(event: Event) -> None:
        raise _StopError

    def reader(name: str) -> Callable[[bytes], None]:
        def read(content: bytes) -> None:
            with contextlib.suppress(_StopError):
                use(name, content)

        return read

    yield Sample("checkpoint", kept[-1], reader(folder.checkpoint(0).name))
    yield Sample("ended network", ended, reader(folder.network(0).name))
