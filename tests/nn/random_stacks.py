"""Random networks of all layers, with a loss: pure functions of a seed, to test executors.

    step = random_step(seed, "float64")      # one training step as graph, over states of its own
    given = step.feeds(steps=2)              # inputs and targets of two steps

The step's outputs are the network's output, the loss, and the gradient by each parameter and by the
input; its updates are those of running statistics and a small step of gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array, Graph, Shape, Tensor
from pellucid.nn.layers.window import Padding
from pellucid.nn.losses.base import Reduction

Chance = np.random.Generator
Maker = Callable[[Chance, Shape], nn.Module | None]
"""A layer for inputs of a shape (without the batch), None if it takes none of that shape."""

_MOST = 1500
"""Elements of one example, at most."""
_RATE = 0.01


def _any(make: Callable[[Chance], nn.Module]) -> Maker:
    return lambda rng, shape: make(rng)


def _ranked(rank: int, make: Callable[[Chance, Shape], nn.Module | None]) -> Maker:
    return lambda rng, shape: make(rng, shape) if len(shape) == rank else None


def _below(rng: Chance, n: int) -> int:
    return int(rng.integers(n))


def _width(rng: Chance) -> int:
    return int(rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 17]))


def _divisor(rng: Chance, n: int) -> int:
    return int(rng.choice([d for d in range(1, n + 1) if n % d == 0]))


def _flag(rng: Chance) -> bool:
    return bool(rng.random() < 0.5)


def _same_width(rng: Chance, shape: Shape) -> nn.Module:
    """A block that keeps the shape."""
    plain: list[nn.Module] = [
        nn.Linear(shape[-1]),
        nn.Sequential(nn.LayerNorm(), nn.Linear(shape[-1]), nn.Tanh()),
        nn.FeedForward(2),
        nn.PReLU(),
    ]
    if len(shape) == 3:
        plain.append(nn.Conv2d(shape[-1], 3, padding="same"))
        plain.append(nn.Sequential(nn.BatchNorm(), nn.SiLU(), nn.Conv2d(shape[-1], 1)))
    if len(shape) == 2:
        plain.append(nn.GRU(shape[-1], reverse=_flag(rng)))
        plain.append(nn.Conv1d(shape[-1], 3, padding="same", dilation=1 + _below(rng, 2)))
    return plain[_below(rng, len(plain))]


def _pool(kind: type[nn.MaxPool2d | nn.AveragePool2d], rng: Chance, shape: Shape) -> nn.Module:
    size = 1 + _below(rng, min(3, *shape[:2]))
    stride = [None, 1, 2, size][_below(rng, 4)]
    return kind(size, stride, "same" if _flag(rng) else "valid")


def _pool1(kind: type[nn.MaxPool1d | nn.AveragePool1d], rng: Chance, shape: Shape) -> nn.Module:
    size = 1 + _below(rng, min(3, shape[0]))
    return kind(size, [None, 1, 2][_below(rng, 3)], "same" if _flag(rng) else "valid")


def _convolution(rng: Chance, shape: Shape) -> nn.Module:
    groups = _divisor(rng, shape[-1])
    features = groups * (1 + _below(rng, 3)) if _flag(rng) else _width(rng)
    grouped = features % groups == 0
    size = int(rng.choice([1, 2, 3, 3, 3, 4]))
    paddings: list[Padding] = ["same", size - 1, 1 if size <= min(shape[:2]) + 2 else "same"]
    return nn.Conv2d(
        features,
        size,
        stride=1 if _flag(rng) else 1 + _below(rng, 3),
        padding=paddings[_below(rng, 3)],
        dilation=1 + _below(rng, 2) if min(shape[:2]) > 2 * size else 1,
        groups=groups if grouped else 1,
        bias=_flag(rng),
    )


def _transposed(rng: Chance, shape: Shape) -> nn.Module | None:
    if shape[0] * shape[1] > 30:
        return None
    stride = 1 + _below(rng, 2)
    added = _below(rng, stride)
    return nn.ConvTranspose2d(_width(rng), 2 + _below(rng, 2), stride, output_padding=added)


def _tied(rng: Chance, shape: Shape) -> nn.Module:
    first = nn.Linear(_width(rng))
    return nn.Sequential(first, nn.Tanh(), nn.TiedLinear(first, _flag(rng)))


def _reshaped(rng: Chance, shape: Shape) -> nn.Module:
    n = int(np.prod(shape))
    rank = 1 + _below(rng, 3)
    lengths = []
    for _ in range(rank - 1):
        lengths.append(_divisor(rng, n))
        n //= lengths[-1]
    return nn.Reshape((*lengths, -1))


def _bilinear(rng: Chance, shape: Shape) -> nn.Module:
    if shape[-1] > 1 and _flag(rng):
        return nn.Bilinear(_width(rng), nn.Columns(0, shape[-1] // 2 or 1), nn.Columns(-1))
    return nn.Bilinear(_width(rng), nn.Linear(3), nn.Linear(2), _flag(rng))


def _columns(rng: Chance, shape: Shape) -> nn.Module | None:
    start = _below(rng, shape[-1])
    return nn.Columns(start, None if _flag(rng) else start + 1 + _below(rng, shape[-1] - start))


def _heads(rng: Chance, shape: Shape) -> int:
    return _divisor(rng, shape[-1])


def _residual(rng: Chance, shape: Shape) -> nn.Module:
    if _flag(rng):
        return nn.Residual(_same_width(rng, shape))
    width = _width(rng)
    return nn.Residual(nn.Sequential(nn.Linear(width), nn.GELU()), nn.Linear(width, False))


def _in_colour(make: Callable[[Chance], nn.Module]) -> Maker:
    return _ranked(3, lambda rng, shape: make(rng) if shape[-1] in (1, 3) else None)


def _image(make: Callable[[Chance, Shape], nn.Module | None]) -> Maker:
    return _ranked(3, make)


def _sequence(make: Callable[[Chance, Shape], nn.Module | None]) -> Maker:
    return _ranked(2, make)


def _small(most: int, make: Callable[[Chance, Shape], nn.Module]) -> Maker:
    """For sequences of at most so many places: recurrences are unrolled."""
    return _ranked(2, lambda rng, shape: make(rng, shape) if shape[0] <= most else None)


def _recurrent(kind: type[nn.LSTM | nn.GRU]) -> Maker:
    def make(rng: Chance, shape: Shape) -> nn.Module:
        return kind(_width(rng), "last" if rng.random() < 0.3 else "sequence", _flag(rng))

    return _small(7, make)


LAYERS: dict[str, Maker] = {
    **{
        kind.__name__: _any(lambda rng, kind=kind: kind())  # type: ignore[misc]
        for kind in (nn.Identity, nn.Step, nn.Sigmoid, nn.Tanh, nn.ReLU, nn.ReLU6, nn.SiLU)
    },
    **{
        kind.__name__: _any(lambda rng, kind=kind: kind())  # type: ignore[misc]
        for kind in (nn.Softplus, nn.ELU, nn.SELU, nn.Mish, nn.Softmax, nn.LogSoftmax)
    },
    "LeakyReLU": _any(lambda rng: nn.LeakyReLU(float(rng.choice([0.0, 0.01, 0.5])))),
    "GELU": _any(lambda rng: nn.GELU("tanh" if _flag(rng) else "none")),
    "PReLU": _any(lambda rng: nn.PReLU()),
    "ColourJitter": _in_colour(lambda rng: nn.ColourJitter()),
    "CutMix": _image(lambda rng, shape: nn.CutMix(float(rng.choice([0.5, 1.0])))),
    "Cutout": _image(lambda rng, shape: nn.Cutout(1 + _below(rng, 4))),
    "Mixup": _any(lambda rng: nn.Mixup(float(rng.choice([0.2, 1.0])))),
    "RandAugment": _in_colour(lambda rng: nn.RandAugment(1)),
    "RandomAffine": _image(lambda rng, shape: nn.RandomAffine(20.0, 0.1, 0.2, 10.0)),
    "RandomCrop": _image(lambda rng, shape: nn.RandomCrop(1 + _below(rng, 3))),
    "RandomErase": _image(lambda rng, shape: nn.RandomErase(0.7)),
    "RandomFlip": _image(lambda rng, shape: nn.RandomFlip(_flag(rng), True)),
    "SwapNoise": _ranked(1, lambda rng, shape: nn.SwapNoise(0.3)),
    "AdaptiveAveragePool2d": _image(
        lambda rng, shape: nn.AdaptiveAveragePool2d(1 + _below(rng, min(shape[:2])))
    ),
    "AdaptiveMaxPool2d": _image(
        lambda rng, shape: nn.AdaptiveMaxPool2d(1 + _below(rng, min(shape[:2])))
    ),
    "AveragePool1d": _sequence(lambda rng, shape: _pool1(nn.AveragePool1d, rng, shape)),
    "AveragePool2d": _image(lambda rng, shape: _pool(nn.AveragePool2d, rng, shape)),
    "MaxPool1d": _sequence(lambda rng, shape: _pool1(nn.MaxPool1d, rng, shape)),
    "MaxPool2d": _image(lambda rng, shape: _pool(nn.MaxPool2d, rng, shape)),
    "GlobalAveragePool": lambda rng, shape: nn.GlobalAveragePool() if len(shape) > 1 else None,
    "GlobalMaxPool": lambda rng, shape: nn.GlobalMaxPool() if len(shape) > 1 else None,
    "BatchNorm": _any(lambda rng: nn.BatchNorm()),
    "LayerNorm": _any(lambda rng: nn.LayerNorm()),
    "RMSNorm": _any(lambda rng: nn.RMSNorm()),
    "GroupNorm": lambda rng, shape: (
        nn.GroupNorm(_heads(rng, shape)) if len(shape) > 1 and np.prod(shape[:-1]) > 1 else None
    ),
    "InstanceNorm": lambda rng, shape: (
        nn.InstanceNorm() if len(shape) > 1 and np.prod(shape[:-1]) > 1 else None
    ),
    "Bilinear": _bilinear,
    "Columns": _columns,
    "Linear": _any(lambda rng: nn.Linear(_width(rng), _flag(rng))),
    "TiedLinear": _tied,
    "FeedForward": _any(lambda rng: nn.FeedForward(2, 0.2 if _flag(rng) else 0.0)),
    "Conv1d": _sequence(lambda rng, shape: nn.Conv1d(_width(rng), 3, 1 + _below(rng, 2), "same")),
    "Conv2d": _image(_convolution),
    "ConvTranspose2d": _image(_transposed),
    "Upsample": lambda rng, shape: (
        nn.Upsample(2, "linear" if _flag(rng) else "nearest")
        if 1 < len(shape) and np.prod(shape) < 200
        else None
    ),
    "DropPath": _any(lambda rng: nn.DropPath(0.3)),
    "Dropout": _any(lambda rng: nn.Dropout(0.3, _flag(rng))),
    "GaussianNoise": _any(lambda rng: nn.GaussianNoise(0.2)),
    "LSTM": _recurrent(nn.LSTM),
    "GRU": _recurrent(nn.GRU),
    "MultiHeadAttention": _sequence(
        lambda rng, shape: nn.MultiHeadAttention(_heads(rng, shape), _flag(rng), 0.1)
    ),
    "TransformerBlock": _sequence(
        lambda rng, shape: nn.TransformerBlock(
            _heads(rng, shape), 2, 0.1, 0.2, _flag(rng), "rms" if _flag(rng) else "layer"
        )
    ),
    "LearnedPositions": _sequence(lambda rng, shape: nn.LearnedPositions()),
    "SinusoidalPositions": _sequence(lambda rng, shape: nn.SinusoidalPositions()),
    "PaddedShortcut": _image(
        lambda rng, shape: nn.PaddedShortcut(shape[-1] + _below(rng, 4), 1 + _below(rng, 2))
    ),
    "Flatten": _any(lambda rng: nn.Flatten()),
    "Reshape": _reshaped,
    "Residual": _residual,
    "DenseConnection": lambda rng, shape: nn.DenseConnection(_same_width(rng, shape)),
    "Parallel": lambda rng, shape: nn.Parallel(_same_width(rng, shape), nn.Linear(_width(rng))),
    "Sum": lambda rng, shape: nn.Sum(_same_width(rng, shape), _same_width(rng, shape)),
    "Sequential": lambda rng, shape: nn.Sequential(nn.Linear(_width(rng)), nn.ELU()),
}
"""How to make each layer of the registry but Embedding, which comes first or not at all."""


@dataclass(frozen=True)
class Step:
    """A training step: its graph, what it is made of, and what it is fed."""

    graph: Graph
    net: nn.Sequential
    loss: nn.Loss
    inputs: Callable[[Chance, int], dict[str, Array]]
    seed: int

    def feeds(self, steps: int) -> dict[str, Array]:
        """Inputs, targets and the number of each step."""
        rng = np.random.default_rng([self.seed, 1])
        return {**self.inputs(rng, steps), "step": np.arange(steps, dtype=np.int64)}


def random_step(seed: int, dtype: str = "float64") -> Step:
    """A random network and a random loss as one step, over states of its own."""
    rng = np.random.default_rng([seed, 0])
    batch = int(rng.choice([2, 3, 4, 5, 8]))
    count = 0 if rng.random() < 0.8 else 7
    shape = _input_shape(rng, words=count > 0)
    layers, width = random_layers(rng, shape, count)
    loss, outputs = random_loss(rng)
    final = _final(rng, width)
    net = nn.Sequential(*layers, *final, nn.Linear(outputs)).build(
        g.placeholder("x", (batch, *shape), "int32" if count else dtype), seed, dtype=dtype
    )
    x = g.placeholder("x", (batch, *shape), "int32" if count else dtype)
    with nn.training(seed=seed, step=g.placeholder("step", (), "int64")) as seen:
        y = net(x)
        targets, kind = _targets(rng, loss, y.shape)
        aim = g.placeholder("targets", targets, "int32" if kind == "classes" else dtype)
        value = loss(y, aim)
    if value.ndim:
        value = (value * g.tensor(np.linspace(0.5, 1.5, value.size), dtype)).sum()
    parameters = net.parameters()
    wanted: list[Tensor] = [*parameters, *([] if count else [x])]
    slopes = g.grad(value, wanted)
    outputs_of = {f"by {i}": slope.node for i, slope in enumerate(slopes)}
    moved = {
        held.state: (held - slope * _RATE).node
        for held, slope in zip(parameters, slopes, strict=False)
    }
    graph = Graph({"y": y.node, "loss": value.node, **outputs_of}, {**seen.updates, **moved})

    def inputs(rng: Chance, steps: int) -> dict[str, Array]:
        lengths = (steps, batch, *shape)
        given = rng.integers(0, count, lengths) if count else rng.standard_normal(lengths)
        if not count and "RandAugment" in repr(net):
            given = rng.random(lengths)
        aims = _aims(rng, kind, (steps, *targets), outputs)
        return {
            "x": given.astype("int32" if count else dtype),
            "targets": aims.astype("int32" if kind == "classes" else dtype),
        }

    return Step(graph, net, loss, inputs, seed)


def _input_shape(rng: Chance, words: bool) -> Shape:
    rank = int(rng.choice([1, 2, 3, 3]))
    if words:
        return tuple(int(n) for n in rng.integers(1, 6, min(rank, 2)))
    if rank == 3:
        side = tuple(int(n) for n in rng.integers(3, 10, 2))
        return (*side, int(rng.choice([1, 2, 3, 3, 4])))
    return (*(int(n) for n in rng.integers(1, 7, rank - 1)), _width(rng))


def random_layers(rng: Chance, shape: Shape, count: int) -> tuple[list[nn.Module], Shape]:
    """Layers that fit one on another, and the shape that they make of inputs of a shape."""
    layers: list[nn.Module] = []
    if count:
        padding = None if _flag(rng) else _below(rng, count)
        layers.append(nn.Embedding(count, _width(rng), padding))
        shape = shape_after(layers[0], shape, "int32")
    names = list(LAYERS)
    for _ in range(2 + _below(rng, 6)):
        layer = LAYERS[names[_below(rng, len(names))]](rng, shape)
        if layer is None:
            continue
        after = shape_after(layer, shape, "float32")
        if 0 < np.prod(after) <= _MOST:
            layers.append(layer)
            shape = after
    return layers, shape


def shape_after(layer: nn.Module, shape: Shape, dtype: str) -> Shape:
    """What a layer makes of an input's shape; the layer itself is left as it is."""
    twin = nn.from_spec(layer.to_spec())
    example = g.placeholder("x", (2, *shape), dtype)
    return twin.build(example)(example).shape[1:]


def _final(rng: Chance, shape: Shape) -> list[nn.Module]:
    return [nn.Flatten()] if len(shape) > 1 and rng.random() < 0.7 else []


def random_loss(rng: Chance) -> tuple[nn.Loss, int]:
    """A loss and how many outputs it takes."""
    reductions: list[Reduction] = ["mean", "mean", "sum", "none"]
    reduction = reductions[_below(rng, 4)]
    k = 2 + _below(rng, 4)
    weights = tuple(float(w) for w in rng.uniform(0.5, 2, k)) if _flag(rng) else None
    chosen: list[tuple[nn.Loss, int]] = [
        (nn.MeanSquaredError(reduction), 1 + _below(rng, 3)),
        (nn.MeanAbsoluteError(reduction), 1 + _below(rng, 3)),
        (nn.Huber(reduction, 0.7), 1 + _below(rng, 3)),
        (nn.Poisson(reduction), 1 + _below(rng, 3)),
        (nn.Quantile(reduction, 0.3), 1),
        (nn.CosineDistance(reduction), k),
        (nn.KLDivergence(reduction), k),
        (nn.CrossEntropy(reduction, 0.1 if _flag(rng) else 0.0, weights), k),
        (nn.Focal(reduction, 2.0, weights), k),
        (nn.Hinge(reduction, 1.0, _flag(rng)), k),
        (nn.BinaryCrossEntropy(reduction, 0.1 if _flag(rng) else 0.0), 1),
        (nn.BinaryFocal(reduction, 2.0, 0.25), 1),
    ]
    return chosen[_below(rng, len(chosen))]


_CLASSES = (nn.CrossEntropy, nn.Focal, nn.Hinge)
_BINARY = (nn.BinaryCrossEntropy, nn.BinaryFocal)


def _targets(rng: Chance, loss: nn.Loss, outputs: Shape) -> tuple[Shape, str]:
    """Shape and kind of the targets that a loss takes for outputs of a shape."""
    if isinstance(loss, _CLASSES):
        return outputs[:-1], "classes"
    if isinstance(loss, nn.KLDivergence):
        return outputs, "probabilities"
    dropped = outputs[:-1] if outputs[-1] == 1 and _flag(rng) else outputs
    if isinstance(loss, nn.CosineDistance):
        dropped = outputs
    kinds = {nn.Poisson: "counts", **dict.fromkeys(_BINARY, "binary")}
    return dropped, kinds.get(type(loss), "numbers")


def _aims(rng: Chance, kind: str, shape: Shape, classes: int) -> Array:
    if kind == "classes":
        return rng.integers(0, classes, shape)
    if kind == "probabilities":
        drawn = rng.random(shape) * (rng.random(shape) < 0.8) + 1e-3
        return np.asarray(drawn / drawn.sum(-1, keepdims=True))
    if kind == "counts":
        return rng.poisson(2.0, shape)
    return rng.integers(0, 2, shape) if kind == "binary" else rng.standard_normal(shape)
