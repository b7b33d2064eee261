"""The ways in which a random graph grows: each adds one idea that real networks hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.graph import Tensor
from tests.graph import production_moves as moves_
from tests.graph import production_windows as windows_
from tests.graph.random_graphs import Builder

Production = Callable[[Builder], Tensor]

_TAME = ("sin", "cos", "tanh", "sigmoid", "erf", "normal_pdf", "normal_cdf", "gelu")
_POSITIVE = ("log", "sqrt", "rsqrt", "log1p")


def _tame(b: Builder, x: Tensor) -> Tensor:
    """x in a range that exp can take."""
    return x if b.settings.wild and b.chance(0.5) else x.tanh() * 2.0


def _positive(b: Builder, x: Tensor) -> Tensor:
    """x away from 0 and above it."""
    return x if b.settings.wild and b.chance(0.5) else x.square() * 0.5 + 0.25


def smooth_unary(b: Builder) -> Tensor:
    """A differentiable function."""
    x = b.real()
    name = b.one_of((*_TAME, *_POSITIVE, "exp", "expm1", "square", "neg"))
    if name in _POSITIVE:
        x = _positive(b, x)
    elif name in ("exp", "expm1", "square"):
        x = _tame(b, x)
    return -x if name == "neg" else apply_unary(name, x)


def apply_unary(name: str, x: Tensor) -> Tensor:
    """The op of this name."""
    return Tensor(g.apply(name, [x.node]))


def kinked_unary(b: Builder) -> Tensor:
    """|x|, ReLU, clip, sign, floor."""
    name = b.one_of(("abs", "relu", "clip", "sign", "floor", "stop_gradient"))
    if name in ("sign", "floor"):
        x = b.pick(lambda x: x.dtype.kind == "f" and b.exact(x.node))
        return apply_unary(name, x)
    x = b.real()
    return x.clip(-1.0, b.one_of((0.5, 1.0, 2.0))) if name == "clip" else apply_unary(name, x)


def arithmetic(b: Builder) -> Tensor:
    """Sum, difference, product or quotient with broadcasting."""
    x = b.real()
    y = b.one_of((0.5, -1.5, 2, 3.0)) if b.chance(0.2) else b.partner(x)
    name = b.one_of(("add", "add", "sub", "mul", "mul", "div"))
    if name == "div" and isinstance(y, Tensor):
        return x / _positive(b, y)
    forwards: dict[str, Tensor] = {"add": x + y, "sub": x - y, "mul": x * y, "div": x / y}
    backwards: dict[str, Tensor] = {"add": y + x, "sub": y - x, "mul": y * x, "div": x / y}
    return backwards[name] if b.chance(0.3) else forwards[name]


def extremes(b: Builder) -> Tensor:
    """maximum and minimum."""
    x = b.real()
    y = b.partner(x)
    return x.maximum(y) if b.chance(0.5) else x.minimum(y)


def power(b: Builder) -> Tensor:
    """x^c and x^y."""
    x = _positive(b, _tame(b, b.real()))
    if b.chance(0.6):
        made: Tensor = x ** b.one_of((2, 0.5, 3, -1, 1.5, -0.5))
        return made
    return x ** _tame(b, b.partner(x))


def integers(b: Builder) -> Tensor:
    """Integer arithmetic, which wraps around."""
    dtype = b.one_of((np.int32, np.int64, np.uint8))
    x = b.pick(lambda x: x.dtype == dtype)
    x = x if x.dtype.kind in "iu" else b.leaf(b.shape(), dtype)
    y = b.partner(x)
    made: Tensor = b.one_of((x + y, x - y, x * y, x.maximum(y), x.minimum(y)))
    return apply_unary(b.one_of(("abs", "sign", "square", "neg")), made)


def conditions(b: Builder) -> Tensor:
    """Comparisons and what is made of them."""
    x = b.robust()
    y = b.leaf(x.shape, x.dtype) if b.chance(0.5) else b.robust()
    if not b.meets(x, y):
        y = b.leaf((), x.dtype)
    made: Tensor = b.one_of((x.equal(y), x.not_equal(y), x < y, x <= y, x > y, x >= y))
    if b.chance(0.3):
        return ~made
    other = b.pick(lambda t: t.dtype.kind == "b")
    if other.dtype.kind == "b" and b.meets(made, other):
        return made & other if b.chance(0.5) else made | other
    return made


def choice(b: Builder) -> Tensor:
    """where."""
    condition = b.pick(lambda t: t.dtype.kind == "b")
    if condition.dtype.kind != "b":
        condition = b.leaf(b.shape(), np.bool_)
    x = b.real()
    if not b.meets(condition, x):
        x = b.leaf(condition.shape)
    x = x.broadcast_to(np.broadcast_shapes(x.shape, condition.shape))
    y = b.partner(x) if b.chance(0.6) else 0.0
    return g.where(condition, x, y)


def cast(b: Builder) -> Tensor:
    """From one type to another; floats become integers only where every executor agrees."""
    x = b.robust()
    if x.dtype.kind != "f":
        return x.cast(b.one_of((np.bool_, np.uint8, np.int32, np.int64, np.float32, np.float64)))
    to = b.one_of((np.int32, np.int64, np.float64, np.float32))
    return x.clip(-100.0, 100.0).cast(to) if np.dtype(to).kind == "i" else x.cast(to)


def reduction(b: Builder) -> Tensor:
    """Sum, mean, largest, smallest over some axes."""
    x = b.number()
    axes, keep = b.axes(x), b.chance(0.4)
    name = b.one_of(("sum", "sum", "mean", "max", "min"))
    if name in ("max", "min"):
        axes = tuple(a for a in axes if x.shape[a])
        return x.max(axes, keep) if name == "max" else x.min(axes, keep)
    return x.sum(axes, keep) if name == "sum" else x.mean(axes, keep)


def smooth_reduction(b: Builder) -> Tensor:
    """Sum and mean."""
    x = b.real()
    axes, keep = b.axes(x), b.chance(0.4)
    return x.sum(axes, keep) if b.chance(0.5) else x.mean(axes, keep)


def position(b: Builder) -> Tensor:
    """argmax."""
    x = b.pick(lambda t: t.ndim > 0 and t.size > 0 and t.dtype.kind != "b" and b.exact(t.node))
    if not x.ndim or not x.size:
        x = b.leaf((3, 5))
    return x.argmax(b.below(x.ndim), b.chance(0.3))


def chain(b: Builder) -> Tensor:
    """An elementwise chain, reduced: what an executor fuses."""
    x = b.real(1)
    for _ in range(3 + b.below(4)):
        y = b.partner(x)
        x = b.one_of((x * 0.5 + y, (x + y).tanh(), x.sigmoid() * y, x.square().tanh() - y))
    return x.sum(b.axes(x, 1)) if b.chance(0.7) else x


def normalise(b: Builder) -> Tensor:
    """Softmax and the normalisations."""
    x = b.real(1)
    x = x if x.size else b.leaf((4, 7))
    axis = b.below(x.ndim)
    name = b.one_of(("softmax", "log_softmax", "logsumexp", "layer", "batch", "rms"))
    if name in ("softmax", "log_softmax", "logsumexp"):
        make = {"softmax": g.softmax, "log_softmax": g.log_softmax, "logsumexp": g.logsumexp}
        return make[name](x.tanh() * 5.0 if b.chance(0.5) else x, axis)
    x = x.tanh()
    if name == "rms":
        return x * (x.square().mean(axis, keepdims=True) + 0.1).rsqrt()
    over = (axis,) if name == "layer" else tuple(a for a in range(x.ndim) if a != axis)
    centred = x - x.mean(over, keepdims=True)
    return centred * (centred.square().mean(over, keepdims=True) + 0.1).rsqrt()


def product(b: Builder) -> Tensor:
    """Matrix products: batched, with transposed and vector operands."""
    x = b.real(1)
    x = x if x.size else b.leaf((4, 7))
    n = x.shape[-1]
    k = b.length()
    form = b.one_of(("right", "transposed", "gram", "vector", "batched", "left"))
    if form == "gram":
        m = x if x.ndim > 1 else x.expand_dims(0)
        return m.swap_axes(-1, -2) @ m if b.chance(0.5) else m @ m.swap_axes(-1, -2)
    if form == "vector":
        return x @ b.leaf((n,), x.dtype)
    if form == "transposed":
        return x @ b.leaf((k, n), x.dtype).T
    if form == "left" and x.ndim > 1:
        return b.leaf((k, x.shape[-2]), x.dtype) @ x
    if form == "batched" and x.ndim > 2:
        lead = tuple(1 if b.chance(0.4) else m for m in x.shape[:-2])
        return x @ b.leaf((*lead, n, k), x.dtype)
    return x @ b.leaf((n, k), x.dtype)


def dense(b: Builder) -> Tensor:
    """A layer: product, bias, activation."""
    x = b.real(1)
    x = x if x.size else b.leaf((4, 7))
    k = b.one_of((1, 3, 8, 17))
    z = x @ b.leaf((x.shape[-1], k), x.dtype) + b.leaf((k,), x.dtype)
    bend = z.sigmoid() if b.settings.smooth else z.relu()
    made: Tensor = b.one_of((z, bend, z.tanh(), z * z.sigmoid()))
    return made


def cross_entropy(b: Builder) -> Tensor:
    """−Σ one_hot(label) · log softmax, over a batch."""
    x = b.leaf((b.one_of((1, 4, 9)), b.one_of((2, 5))))
    labels = b.leaf(x.shape[:1], np.int32)
    hot = g.one_hot(labels, x.shape[-1], x.dtype)
    return -(hot * g.log_softmax(x)).sum(-1).mean()


def dropout(b: Builder) -> Tensor:
    """A random draw, by itself or as a mask on a tensor."""
    b.draws += 1
    seed = g.placeholder("seed", (), np.int64) if b.chance(0.5) else 1234
    step = g.placeholder("step", (), np.int64) if b.chance(0.5) else b.below(5)
    at: dict[str, Any] = {"seed": seed, "step": step, "draw": b.draws}
    x = b.real()
    name = b.one_of(("uniform", "normal", "bernoulli", "mask"))
    if name == "uniform":
        return g.uniform(x.shape, dtype=x.dtype, **at)
    if name == "normal":
        return x + 0.1 * g.normal(x.shape, dtype=x.dtype, **at)
    keep = b.one_of((0.0, 0.25, 0.8, 1.0))
    kept = g.bernoulli(x.shape, keep, **at)
    return kept if name == "bernoulli" else kept.where(x / max(keep, 0.1), 0.0)


SMOOTH: tuple[tuple[float, Production], ...] = (
    (3, smooth_unary),
    (4, arithmetic),
    (1, power),
    (2, smooth_reduction),
    (2, chain),
    (2, normalise),
    (3, product),
    (2, dense),
    (1, moves_.reshape),
    (1, moves_.transpose),
    (1, moves_.broadcast),
    (1, moves_.index),
    (1, moves_.pad),
    (1, moves_.flip),
    (1, moves_.join),
    (1, moves_.moves),
    (1, moves_.gather),
    (1, windows_.slide),
    (1, windows_.convolution),
)
MOVES: tuple[tuple[float, Production], ...] = (
    (6, moves_.moved_gather),
    (1, moves_.gather),
    (1, moves_.join),
    (1, moves_.pad),
    (1, moves_.index),
    (1, arithmetic),
    (1, chain),
    (1, product),
    (1, windows_.convolution),
)
PRODUCTIONS: tuple[tuple[float, Production], ...] = (
    *SMOOTH,
    (1, moves_.moved_gather),
    (0.5, windows_.repeated),
    (0.7, windows_.picture),
    (2, kinked_unary),
    (1, extremes),
    (1, integers),
    (2, conditions),
    (1.5, choice),
    (1, cast),
    (2, reduction),
    (1, position),
    (1, cross_entropy),
    (1.5, dropout),
)
