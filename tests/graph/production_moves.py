"""Random movement and indexing: productions that place elements elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.graph import Shape, Tensor
from tests.graph.random_graphs import Builder


def reshape(b: Builder) -> Tensor:
    """Axes merged or split."""
    x = b.pick(lambda x: x.ndim > 0)
    if b.chance(0.3) or not x.size:
        return x.reshape(x.shape[::-1]) if not x.size else x.reshape(-1)
    if x.ndim > 1 and b.chance(0.5):
        at = b.below(x.ndim - 1)
        merged = x.shape[at] * x.shape[at + 1]
        return x.reshape((*x.shape[:at], merged, *x.shape[at + 2 :]))
    at = b.below(max(x.ndim, 1)) if x.ndim else 0
    if not x.ndim:
        return x.reshape(1, 1)
    n = x.shape[at]
    factor = int(b.one_of([d for d in range(1, n + 1) if n % d == 0]))
    return x.reshape((*x.shape[:at], factor, n // factor, *x.shape[at + 1 :]))


def transpose(b: Builder) -> Tensor:
    """Axes in another order."""
    x = b.pick(lambda x: x.ndim > 1)
    return x.transpose([int(a) for a in b.rng.permutation(x.ndim)]) if x.ndim > 1 else x


def broadcast(b: Builder) -> Tensor:
    """Axes of length 1 repeated, axes added."""
    x = b.pick(lambda x: 1 in x.shape or x.ndim < 3)
    shape: Shape = tuple(b.length() if n == 1 else n for n in x.shape)
    shape = (b.length(), *shape) if b.chance(0.5) else shape
    return x.broadcast_to(shape) if b.fits(shape) else x


def index(b: Builder) -> Tensor:
    """Integers, slices with steps of both signs, None and Ellipsis."""
    x = b.pick(lambda x: x.ndim > 0)
    items: list[Any] = []
    for n in x.shape:
        form = b.below(6)
        if form == 0 and n:
            items.append(b.below(n) - n * b.below(2))
        elif form == 1:
            items.append(slice(None, None, b.one_of((-1, 2, -2, 3))))
        elif form < 4:
            items.append(slice(b.below(n + 2) - 1, b.below(n + 3), b.one_of((1, 1, 2, 3))))
        else:
            items.append(slice(None))
    if b.chance(0.2):
        items.insert(b.below(len(items) + 1), None)
    return x[tuple(items)]


def pad(b: Builder) -> Tensor:
    """Widths before, after and between."""
    x = b.pick(lambda x: x.ndim > 0 and x.dtype.kind != "b")
    widths = [[b.one_of((0, 0, 1, 2, 3)) for _ in x.shape] for _ in range(2)]
    interior = [b.one_of((0, 0, 0, 1, 2)) for _ in x.shape]
    smooth = b.settings.smooth or x.dtype.kind == "u"
    return x.pad(*widths, interior=interior, value=0.0 if smooth else b.one_of((0.0, 1.0, -2.0)))


def flip(b: Builder) -> Tensor:
    """Axes reversed."""
    x = b.pick(lambda x: x.ndim > 0)
    return x.flip(b.axes(x, 1))


def join(b: Builder) -> Tensor:
    """concatenate and stack."""
    x = b.pick(lambda x: x.ndim > 0)
    if not x.ndim:
        return g.stack([x, x * 2.0, b.leaf((), x.dtype)])
    axis = b.below(x.ndim)
    parts = [x]
    for _ in range(1 + b.below(2)):
        shape = (*x.shape[:axis], b.length(), *x.shape[axis + 1 :])
        parts.append(b.leaf(shape, x.dtype) if b.fits(shape) else x)
    if b.chance(0.3):
        return g.stack([x, x.flip(axis)], b.below(x.ndim + 1))
    return g.concatenate([parts[int(i)] for i in b.rng.permutation(len(parts))], axis)


def moves(b: Builder) -> Tensor:
    """A chain of movements with an elementwise op somewhere in it."""
    x = b.real(1)
    for _ in range(2 + b.below(3)):
        b.keep(x)
        y = b.one_of((transpose, reshape, flip, index))(b)
        x = y if y.dtype.kind == "f" else x
        x = x * 0.5 if b.chance(0.3) else x
    return x


def gather(b: Builder) -> Tensor:
    """take, scatter-add and indexing by tensors; some places lie outside."""
    x = b.pick(lambda x: x.ndim > 0 and x.dtype.kind != "b")
    x = x if x.ndim else b.leaf((5, 3))
    axis = b.below(x.ndim)
    name = b.one_of(("take", "take", "scatter", "index", "pair"))
    dtype = b.one_of((np.int32, np.int64))
    if name == "scatter":
        count = 1 + b.below(max(x.ndim - axis, 1)) if b.chance(0.3) else 1
        places = b.leaf(x.shape[axis : axis + count], dtype)
        return x.scatter_add(places, 1 + b.below(12), axis)
    places = b.leaf(b.one_of([(), (1,), (4,), (9,), (2, 3)]), dtype)
    if not b.fits((*x.shape, places.size)):
        return x
    if name == "take":
        return x.take(places, axis)
    places = places.clip(-2, 9)  # known places must lie inside; computed ones need not
    if name == "index" or x.ndim < 2:
        return x[(slice(None),) * axis + (places,)]
    other = b.leaf(places.shape, dtype)
    return x[..., places, other.clip(-1, 5)]


def moved_gather(b: Builder) -> Tensor:
    """Movements above movements above a gather, whose index may itself have been moved.

    As flat pictures are taken from their data, cut to axes in another order, and padded.
    """
    n, k = 1 + b.below(9), int(b.one_of((6, 12, 24, 30)))
    x = b.leaf((n, k), b.float_dtype())
    places = b.leaf((int(b.one_of((4, 6, 12))),), b.one_of((np.int32, np.int64)))
    if b.chance(0.5):
        places = _moved(b, places, 2).reshape(-1)
    taken = x.take(places, 0) if b.fits((places.size, k)) else x
    return _moved(b, taken, 2 + b.below(4))


def _moved(b: Builder, x: Tensor, turns: int) -> Tensor:
    """x after some movements, those that mix axes and those that leave the tensor in turn."""
    for turn in range(turns):
        y = _split(b, x) if turn % 2 == 0 else _beyond(b, x)
        x = y if b.fits(y.shape) else x
        if x.dtype.kind == "f" and b.chance(0.2):
            x = x * 0.5
    return x


def _split(b: Builder, x: Tensor) -> Tensor:
    """Another shape of the same elements, whose axes change places."""
    shape, left = [], x.size
    for _ in range(2 if left else 0):
        shape.append(int(b.one_of([d for d in range(1, left + 1) if left % d == 0])))
        left //= shape[-1]
    y = x.reshape(*shape, left) if x.size else x
    return y.transpose([int(a) for a in b.rng.permutation(y.ndim)])


def _beyond(b: Builder, x: Tensor) -> Tensor:
    """Padding, concatenation, a slice, windows or a flip."""
    name = b.one_of(("pad", "pad", "join", "slice", "windows", "flip"))
    axis = b.below(max(x.ndim, 1))
    if not x.ndim or not x.shape[axis]:
        return x
    if name == "pad":
        widths = [[b.below(4) for _ in x.shape] for _ in range(2)]
        return x.pad(*widths, interior=[b.one_of((0, 0, 1, 2)) for _ in x.shape])
    if name == "join":
        parts = [x, x.flip(axis), b.leaf(x.shape, x.dtype)]
        return g.concatenate([parts[int(i)] for i in b.rng.permutation(3)][:2], axis)
    if name == "slice":
        steps = tuple(slice(b.below(n + 1) // 2, None, b.one_of((1, 2, -1))) for n in x.shape)
        return x[steps]
    if name == "windows":
        size = 1 + b.below(min(3, x.shape[axis]))
        return g.windows(x, (size,), (1 + b.below(2),), (1,), (axis,))
    return x.flip(axis)
