"""Windows that slide along axes, and the convolution of a signal with a kernel.

As everywhere in deep learning, "convolution" is the cross-correlation: the kernel is not flipped.
"""

from __future__ import annotations

import itertools
from math import prod

import numpy as np

from pellucid.graph.build import stack, zeros
from pellucid.graph.dtype import is_float
from pellucid.graph.op import Array, Op, TensorType, declare
from pellucid.graph.ops.contract import product
from pellucid.graph.space_to_depth import depth_to_space, divides, kernel_to_depth
from pellucid.graph.tensor import Gradients, Tensor

Ints = tuple[int, ...]


def window_count(length: int, size: int, step: int, dilation: int) -> int:
    """How many windows of `size` elements, `dilation` apart, fit an axis, `step` apart."""
    return max((length - dilation * (size - 1) - 1) // step + 1, 0)


def _windows_type(
    x: TensorType, axes: Ints, sizes: Ints, steps: Ints, dilations: Ints
) -> TensorType:
    if not len(axes) == len(sizes) == len(steps) == len(dilations):
        raise ValueError("windows name one size, step and dilation for each of their axes")
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < len(x.shape) for a in axes):
        raise ValueError(f"windows along axes {axes} of {x}: axes are increasing and exist")
    if min((*sizes, *steps, *dilations), default=1) < 1:
        raise ValueError("sizes, steps and dilations of windows are at least 1")
    shape = list(x.shape)
    for axis, size, step, dilation in zip(axes, sizes, steps, dilations, strict=True):
        shape[axis] = window_count(x.shape[axis], size, step, dilation)
    return TensorType((*shape, *sizes), x.dtype)


def _windows(x: Array, axes: Ints, sizes: Ints, steps: Ints, dilations: Ints) -> Array:
    shape = _windows_type(TensorType(x.shape, x.dtype), axes, sizes, steps, dilations).shape
    strides = list(x.strides)
    for axis, step in zip(axes, steps, strict=True):
        strides[axis] *= step
    within = [x.strides[axis] * d for axis, d in zip(axes, dilations, strict=True)]
    return np.lib.stride_tricks.as_strided(x, shape, (*strides, *within), writeable=False)


def _windows_rule(
    g: Tensor, out: Tensor, x: Tensor, axes: Ints, sizes: Ints, steps: Ints, dilations: Ints
) -> Gradients:
    """Each element of the windows added to the gradient of the element that it was taken from."""
    total: Tensor | None = None
    for offsets in itertools.product(*map(range, sizes)):
        part = g[(..., *offsets)]
        before, after, interior = [0] * x.ndim, [0] * x.ndim, [0] * x.ndim
        for axis, offset, step, dilation in zip(axes, offsets, steps, dilations, strict=True):
            before[axis], interior[axis] = offset * dilation, step - 1
            covered = max((part.shape[axis] - 1) * step + 1, 0)
            after[axis] = x.shape[axis] - before[axis] - covered
        if part.size:
            placed = part.pad(before, after, interior=interior)
            total = placed if total is None else total + placed
    return (x * 0.0 if total is None else total,)


def _convolve_type(x: TensorType, w: TensorType, stride: Ints, dilation: Ints) -> TensorType:
    rank = len(stride)
    if len(dilation) != rank or min((*stride, *dilation), default=1) < 1:
        raise ValueError(f"strides and dilations are at least 1, got {stride} and {dilation}")
    if len(x.shape) != rank + 3 or len(w.shape) != rank + 3:
        raise ValueError(
            f"convolve takes (batch, *spatial, groups, channels) and (*kernel, groups, channels, "
            f"outputs) with {rank} spatial axes, got {x} and {w}"
        )
    if x.shape[-2:] != w.shape[-3:-1]:
        raise ValueError(f"convolve of {x} with {w}: groups and channels differ")
    if x.dtype != w.dtype or not is_float(x.dtype):
        raise TypeError(f"convolve takes float tensors of one type, got {x} and {w}")
    lengths = tuple(
        window_count(n, k, s, d)
        for n, k, s, d in zip(x.shape[1 : 1 + rank], w.shape, stride, dilation, strict=False)
    )
    return TensorType((x.shape[0], *lengths, x.shape[-2], w.shape[-1]), x.dtype)


def _convolve(x: Array, w: Array, stride: Ints, dilation: Ints) -> Array:
    """Σ over the offsets in the kernel of a product of matrices."""
    rank = len(stride)
    kind = TensorType(x.shape, x.dtype), TensorType(w.shape, w.dtype)
    shape = _convolve_type(*kind, stride, dilation).shape
    y = np.zeros((shape[-2], prod(shape[:-2]), shape[-1]), x.dtype)
    if y.size:
        for offsets in itertools.product(*map(range, w.shape[:rank])):
            part = x[
                :,
                *(
                    slice(o * d, o * d + (n - 1) * s + 1, s)
                    for o, d, s, n in zip(
                        offsets, dilation, stride, shape[1 : 1 + rank], strict=True
                    )
                ),
            ]
            rows = part.reshape(-1, *x.shape[-2:]).swapaxes(0, 1)
            y += product(rows, w[offsets])
    return y.swapaxes(0, 1).reshape(shape)


def _convolve_rule(
    g: Tensor, out: Tensor, x: Tensor, w: Tensor, stride: Ints, dilation: Ints
) -> Gradients:
    """Both gradients are convolutions again.

    That by x: of the spread-out g with the flipped kernel. That by w: of x with g, where batch and
    channels are exchanged, and stride and dilation too.
    """
    return spread_out(g, w, x.shape, stride, dilation), _by_kernel(g, x, w, stride, dilation)


def spread_out(g: Tensor, w: Tensor, shape: Ints, stride: Ints, dilation: Ints) -> Tensor:
    """The transposed convolution: x of `shape`, x[n, q, c] = Σ g[n, p, o] · w[k, c, o].

    The sum is over all p, k with stride · p + dilation · k = q, and over o: each element of g is
    spread over the positions that it would be computed from.
    """
    rank = len(stride)
    if min(g.shape) == 0:
        return zeros(shape, g.dtype)
    if divides(stride, dilation, w.shape):
        return _by_blocks(g, w, shape, stride)
    if max(stride) > 1 and max(dilation) == 1:
        return _by_phases(g, w, shape, stride)
    reach = [d * (k - 1) for d, k in zip(dilation, w.shape, strict=False)]
    left = [
        n - r - 1 - (m - 1) * s
        for n, r, m, s in zip(shape[1:], reach, g.shape[1:], stride, strict=False)
    ]
    spread = g.pad(
        (0, *reach, 0, 0),
        (0, *(r + extra for r, extra in zip(reach, left, strict=True)), 0, 0),
        interior=(0, *(s - 1 for s in stride), 0, 0),
    )
    flipped = w.flip(tuple(range(rank))).swap_axes(-1, -2)
    return convolve(spread, flipped, (1,) * rank, dilation)


def _by_blocks(g: Tensor, w: Tensor, shape: Ints, stride: Ints) -> Tensor:
    """One convolution whose results are blocks of positions."""
    counts = [-(-n // s) for n, s in zip(shape[1:], stride, strict=False)]
    kernel = kernel_to_depth(w, stride)
    ones = (1,) * len(stride)
    blocks = spread_out(g, kernel, (shape[0], *counts, *kernel.shape[-3:-1]), ones, ones)
    lengths = shape[1 : 1 + len(stride)]
    return depth_to_space(blocks, stride)[(slice(None), *(slice(n) for n in lengths))]


def _by_phases(g: Tensor, w: Tensor, shape: Ints, stride: Ints) -> Tensor:
    """A convolution for each phase, without the zeros that spreading g would put between.

    Every stride-th position of the result meets every stride-th element of the kernel.
    """
    rank = len(stride)
    counts = [-(-n // s) for n, s in zip(shape[1:], stride, strict=False)]
    part_shape = (shape[0], *counts, *shape[-2:])

    most = [-(-k // s) - 1 for k, s in zip(w.shape, stride, strict=False)]
    after = [n - m for n, m in zip(counts, g.shape[1:], strict=False)]
    spread = g.pad((0, *most, 0, 0), (0, *after, 0, 0))

    def phase(first: Ints) -> Tensor:
        part = w[tuple(slice(f, None, s) for f, s in zip(first, stride, strict=True))]
        if min(part.shape) == 0:
            return zeros(part_shape, g.dtype)
        unused = (slice(m - k + 1, None) for m, k in zip(most, part.shape, strict=False))
        flipped = part.flip(tuple(range(rank))).swap_axes(-1, -2)
        return convolve(spread[(slice(None), *unused)], flipped, (1,) * rank, (1,) * rank)

    def interleaved(first: Ints) -> Tensor:
        axis = len(first)
        if axis == rank:
            return phase(first)
        return stack([interleaved((*first, f)) for f in range(stride[axis])], 2 + axis)

    # Each stack puts a phase axis right after its spatial axis, innermost first.
    phases = interleaved(())
    whole = phases.reshape(
        shape[0], *(n * s for n, s in zip(counts, stride, strict=True)), *shape[-2:]
    )
    return whole[(slice(None), *(slice(0, n) for n in shape[1 : 1 + rank]))]


def _by_kernel(g: Tensor, x: Tensor, w: Tensor, stride: Ints, dilation: Ints) -> Tensor:
    rank = len(stride)
    if min(g.shape) == 0:
        return w * 0.0
    middle = tuple(range(1, rank + 1))
    signal = x.transpose(rank + 2, *middle, rank + 1, 0)
    kernel = g.transpose(*middle, rank + 1, 0, rank + 2)
    taps = convolve(signal, kernel, dilation, stride)
    taps = taps[(slice(None), *(slice(0, k) for k in w.shape[:rank]))]
    return taps.transpose(*middle, rank + 1, 0, rank + 2)


def convolve(x: Tensor, w: Tensor, stride: Ints, dilation: Ints) -> Tensor:
    """y[n, p, g, o] = Σ_{k, c} x[n, stride · p + dilation · k, g, c] · w[k, g, c, o].

    x: (batch, *spatial, groups, channels). w: (*kernel, groups, channels, outputs).
    """
    return x.apply("convolve", w, stride=stride, dilation=dilation)


declare(Op("windows", "movement", _windows_type, _windows, _windows_rule, "windows({0})"))
declare(Op("convolve", "contract", _convolve_type, _convolve, _convolve_rule, "{0} ∗ {1}"))
