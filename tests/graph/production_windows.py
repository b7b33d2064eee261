"""Random windows and convolutions."""

from __future__ import annotations

from pellucid import graph as g
from pellucid.graph import Tensor
from tests.graph.random_graphs import Builder


def slide(b: Builder) -> Tensor:
    """Windows along one or two axes, by themselves or reduced as a pooling layer does."""
    x = b.pick(lambda x: x.ndim > 1 and x.dtype.kind == "f", (2, 5, 4))
    axes = tuple(range(1, min(x.ndim, 1 + b.one_of((1, 1, 2)))))
    sizes = [1 + b.below(3) for _ in axes]
    steps = sizes if b.chance(0.3) else [1 + b.below(2) for _ in axes]
    dilations = [1 + b.below(2) for _ in axes]
    seen = g.windows(x, sizes, steps, dilations, axes)
    if not b.fits(seen.shape) or not seen.size:
        return x * 0.5
    within = tuple(range(x.ndim, seen.ndim))
    return seen if b.chance(0.3) else seen.mean(within)


def convolution(b: Builder) -> Tensor:
    """A convolution along one or two axes, with any stride, dilation and groups."""
    x = b.pick(lambda x: x.ndim in (3, 4) and x.dtype.kind == "f", (2, 5, 4, 3))
    if b.settings.wild:  # by Winograd, an infinity may become NaN: few channels are summed directly
        x = x[..., :4]
    rank = x.ndim - 2
    groups = b.one_of([n for n in range(1, x.shape[-1] + 1) if x.shape[-1] % n == 0] or [1])
    kernel = [1 + b.below(3) for _ in range(rank)]
    outputs = groups * (1 + b.below(3))
    shape = (*kernel, x.shape[-1] // groups, outputs)
    if not b.fits(shape) or x.shape[-1] == 0:
        return x * 0.5
    w = b.leaf(shape, x.dtype)
    width = [b.below(2) for _ in range(rank)]
    padded = x.pad((0, *width, 0), (0, *width, 0))
    stride = [1 + b.below(2) for _ in range(rank)]
    dilation = [1 + b.below(2) for _ in range(rank)]
    found = g.convolve(padded, w, stride, dilation, groups)
    return found if b.fits(found.shape) else x * 0.5


def picture(b: Builder) -> Tensor:
    """A convolution of many channels with windows of 3 × 3, or the gradient by its window."""
    if b.settings.wild:
        return convolution(b)
    x = b.pick(lambda x: x.ndim == 4 and x.dtype.kind == "f" and x.shape[-1] > 7, (2, 5, 6, 16))
    w = b.leaf((3, 3, x.shape[-1], 1 + b.below(20)), x.dtype)
    width = b.below(3)
    around = (0, width, width, 0)
    found = g.convolve(x.pad(around, around), w)
    if not b.fits(found.shape) or not b.fits(w.shape) or not found.size:
        return x * 0.5
    return found if b.chance(0.5) else g.grad(found.square().sum(), w)


def repeated(b: Builder) -> Tensor:
    """A product with values that are the same for some neighbours, summed over them and others."""
    n, each, k = 1 + b.below(20), int(b.one_of((2, 3, 4))), int(b.one_of((1, 3, 4, 8, 17)))
    x = b.leaf((2, n * each, k), b.float_dtype())
    for _ in range(1 + b.below(5)):
        few = b.leaf((2, 1, 1, k), x.dtype)
        x = x * few.broadcast_to((2, n, each, k)).reshape(2, n * each, k)
    return x.sum(b.axes(x, 1), b.chance(0.5))
