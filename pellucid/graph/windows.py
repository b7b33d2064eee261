"""Sliding windows and convolutions of tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral

from pellucid.check import brief
from pellucid.graph.dtype import float_of, promote
from pellucid.graph.indexing import flat_ints
from pellucid.graph.node import apply
from pellucid.graph.ops.convolution import convolve as _convolve
from pellucid.graph.ops.convolution import spread_out
from pellucid.graph.reductions import axis_of
from pellucid.graph.space_to_depth import divides, kernel_to_depth, space_to_depth
from pellucid.graph.tensor import Tensor, tensor

Sizes = int | Sequence[int]


def windows(
    x: Tensor, sizes: Sizes, steps: Sizes = 1, dilations: Sizes = 1, axes: Sizes | None = None
) -> Tensor:
    """Windows that slide along `axes`: y[p, …, k, …] = x[step · p + dilation · k, …].

    The axes become the positions of the windows; the elements within a window are new last axes.
    axes: rising, a negative one counted from the end; by default the first ones after the batch
    axis. A number stands for every axis.
    Raises ValueError where the settings do not fit x.
    """
    x = tensor(x)
    along = _axes(x, sizes if axes is None else axes, axes is None)
    each = len(along)
    size, step, gap = (
        _each(name, value, each)
        for name, value in zip(
            ("sizes", "steps", "dilations"), (sizes, steps, dilations), strict=True
        )
    )
    if step == size and set(gap) == {1}:
        return _blocks(x, size, along)
    return Tensor(apply("windows", [x.node], axes=along, sizes=size, steps=step, dilations=gap))


def _axes(x: Tensor, value: Sizes, are_sizes: bool) -> tuple[int, ...]:
    """The axes of windows counted from the front; where sizes are given, the first after the batch."""
    items = list(value) if isinstance(value, Iterable) else [value]
    axes = tuple(axis_of(x, i if are_sizes else axis) for i, axis in enumerate(items, start=1))
    if any(not a < b for a, b in pairwise(axes)):
        raise ValueError(f"windows slide along rising axes, got {brief(value)} of shape {x.shape}")
    return axes


def _blocks(x: Tensor, sizes: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """Windows side by side: nothing but another shape."""
    cut = [slice(None)] * x.ndim
    shape: list[int] = []
    outer: list[int] = []
    within: list[int] = []
    for axis, length in enumerate(x.shape):
        outer.append(len(shape))
        if axis not in axes:
            shape.append(length)
            continue
        size = sizes[axes.index(axis)]
        cut[axis] = slice(0, length // size * size)
        within.append(len(shape) + 1)
        shape += [length // size, size]
    return x[tuple(cut)].reshape(shape).transpose(*outer, *within)


def convolve(
    x: Tensor, w: Tensor, stride: Sizes = 1, dilation: Sizes = 1, groups: int = 1
) -> Tensor:
    """y[n, p, o] = Σ_{k, c} x[n, stride · p + dilation · k, c] · w[k, c, o]; the kernel is not flipped.

    x: (batch, *spatial, channels). w: (*kernel, channels / groups, outputs). With groups, the
    outputs of each are computed from its own channels alone. Pad x first where the edges matter;
    integers become float32.
    Raises ValueError, naming the shapes, where they do not fit.
    """
    x, w = _operands("convolve", x, w, groups)
    rank, channels, outputs = x.ndim - 2, x.shape[-1], w.shape[-1]
    strides, dilations = _each("stride", stride, rank), _each("dilation", dilation, rank)
    if groups == channels and groups > 1:
        return _depthwise(x, w, strides, dilations)
    signal = x.reshape(*x.shape[:-1], groups, channels // groups)
    kernel = w.reshape(*w.shape[:-1], groups, outputs // groups)
    kernel = kernel.transpose(*range(rank), rank + 1, rank, rank + 2)
    if divides(strides, dilations, kernel.shape):
        signal, kernel = space_to_depth(signal, strides), kernel_to_depth(kernel, strides)
        strides = (1,) * rank
    y = _convolve(signal, kernel, strides, dilations)
    return y.reshape(*y.shape[:-2], outputs)


def convolve_transposed(
    x: Tensor,
    w: Tensor,
    lengths: Sequence[int],
    stride: Sizes = 1,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """What `convolve` does to gradients: y[n, q, o] = Σ x[n, p, c] · w[k, c, o].

    The sum is over c and over all p, k with stride · p + dilation · k = q: each position of
    x is spread over a window of y. lengths: of y's spatial axes, at least stride · (p − 1) + the
    reach of the kernel. x: (batch, *spatial, channels); w: (*kernel, channels / groups, outputs).
    Raises ValueError, naming the shapes, where they do not fit.
    """
    x, w = _operands("convolve_transposed", x, w, groups)
    rank, channels, outputs = x.ndim - 2, x.shape[-1], w.shape[-1]
    strides, dilations = _each("stride", stride, rank), _each("dilation", dilation, rank)
    spatial = flat_ints([lengths], "convolve_transposed lengths")
    least = tuple(
        s * (n - 1) + d * (k - 1) + 1 if n else 0
        for s, d, n, k in zip(strides, dilations, x.shape[1:], w.shape, strict=False)
    )
    if len(spatial) != rank or any(n < m for n, m in zip(spatial, least, strict=False)):
        raise ValueError(f"convolve_transposed lengths are at least {least}, got {lengths}")
    spread = x.reshape(*x.shape[:-1], groups, channels // groups)
    kernel = w.reshape(*w.shape[:-1], groups, outputs // groups)
    kernel = kernel.transpose(*range(rank), rank + 1, rank + 2, rank)
    shape = (x.shape[0], *spatial, groups, outputs // groups)
    y = spread_out(spread, kernel, shape, strides, dilations)
    return y.reshape(*y.shape[:-2], outputs)


def _depthwise(x: Tensor, w: Tensor, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Tensor:
    """Each channel by itself: products and sums side by side along the channels, no contraction."""
    rank = len(stride)
    channels, outputs = x.shape[-1], w.shape[-1]
    seen = windows(x, w.shape[:rank], stride, dilation)
    seen = seen.transpose(*range(rank + 1), *range(rank + 2, 2 * rank + 2), rank + 1)
    kernel = w.reshape(*w.shape[:rank], channels, outputs // channels)
    products = seen.expand_dims(-1) * kernel
    total = products.sum(tuple(range(rank + 1, 2 * rank + 1)))
    return total.reshape(*total.shape[:-2], outputs)


def _operands(name: str, x: Tensor, w: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """A signal and a kernel as floats of one type; raises ValueError unless they fit."""
    x, w = tensor(x), tensor(w)
    if x.ndim < 3 or w.ndim != x.ndim:
        raise ValueError(
            f"{name} takes (batch, *spatial, channels) and (*kernel, channels, outputs) with as many "
            f"spatial axes, got shapes {x.shape} and {w.shape}"
        )
    channels, outputs = x.shape[-1], w.shape[-1]
    if not isinstance(groups, Integral) or isinstance(groups, bool):
        raise TypeError(f"groups is an integer of at least 1, got {brief(groups)}")
    if groups < 1 or channels % groups or outputs % groups:
        raise ValueError(
            f"{brief(groups)} groups do not divide {channels} channels and {outputs} outputs"
        )
    if w.shape[-2] * groups != channels:
        raise ValueError(
            f"{name} of shapes {x.shape} and {w.shape} with {groups} groups: the kernel takes "
            f"{w.shape[-2] * groups} channels, the signal has {channels}"
        )
    dtype = float_of(promote(x.dtype, w.dtype))
    return x.cast(dtype), w.cast(dtype)


def _each(name: str, value: Sizes, count: int) -> tuple[int, ...]:
    """A setting for every axis."""
    numbers = tuple(value) if isinstance(value, Iterable) else (value,) * count
    if any(not isinstance(n, Integral) or isinstance(n, bool) for n in numbers):
        raise TypeError(
            f"{name} is an integer of at least 1, or {count} of them, got {brief(value)}"
        )
    if len(numbers) != count or any(not 1 <= n < 2**63 for n in numbers):
        raise ValueError(
            f"{name} is a number of at least 1, or {count} of them, got {brief(value)}"
        )
    return tuple(map(int, numbers))
