"""Blocks of positions as channels, by which strided convolutions become convolutions of stride 1.

Where the stride s divides the size k of the kernel, windows begin at whole blocks of s positions. With
each block as one position of s times the channels, the kernel has k / s positions and stride 1. The
result, its gradients and the transposed convolution then are dense convolutions, without phases
(Shi et al. 2016, arXiv:1609.07009, §2.1).
"""

from __future__ import annotations

from math import prod

from pellucid.graph.tensor import Tensor

Ints = tuple[int, ...]


def divides(stride: Ints, dilation: Ints, sizes: Ints) -> bool:
    """Whether a convolution is strided, and its windows are whole blocks.

    sizes: those of the kernel, one for each stride; further ones are ignored.
    """
    whole = all(k % s == 0 for k, s in zip(sizes, stride, strict=False))
    return whole and max(stride) > 1 and max(dilation) == 1


def space_to_depth(x: Tensor, stride: Ints) -> Tensor:
    """(batch, *(n · s), groups, channels) → (batch, *n, groups, prod(s) · channels).

    Positions after the last whole block are dropped.
    """
    lengths = [n // s for n, s in zip(x.shape[1:], stride, strict=False)]
    whole = x[(slice(None), *(slice(n * s) for n, s in zip(lengths, stride, strict=True)))]
    return _depth_last(whole, 1, stride, (x.shape[0], *lengths))


def kernel_to_depth(w: Tensor, stride: Ints) -> Tensor:
    """(*(k · s), groups, channels, outputs) → (*k, groups, prod(s) · channels, outputs)."""
    counts = tuple(k // s for k, s in zip(w.shape, stride, strict=False))
    return _depth_last(w, 0, stride, counts)


def depth_to_space(x: Tensor, stride: Ints) -> Tensor:
    """(batch, *n, groups, prod(s) · channels) → (batch, *(n · s), groups, channels)."""
    rank = len(stride)
    lengths, groups, channels = x.shape[1 : 1 + rank], x.shape[1 + rank], x.shape[2 + rank]
    apart = x.reshape(x.shape[0], *lengths, groups, *stride, channels // prod(stride))
    within = [axis for i in range(rank) for axis in (1 + i, 2 + rank + i)]
    placed = apart.transpose(0, *within, 1 + rank, 2 + 2 * rank)
    whole = (n * s for n, s in zip(lengths, stride, strict=True))
    return placed.reshape(x.shape[0], *whole, groups, channels // prod(stride))


def _depth_last(x: Tensor, first: int, stride: Ints, lead: Ints) -> Tensor:
    """Cuts the axes from `first` on into blocks and moves their positions before the channels.

    lead: the first axes of the result, up to the groups.
    """
    rank = len(stride)
    groups, channels, *rest = x.shape[first + rank :]
    counts = lead[first:]
    cut = [size for n, s in zip(counts, stride, strict=True) for size in (n, s)]
    apart = x.reshape(*x.shape[:first], *cut, groups, channels, *rest)
    blocks = range(first, first + 2 * rank, 2)
    group = first + 2 * rank
    others = range(group + 1, apart.ndim)
    order = (*range(first), *blocks, group, *(axis + 1 for axis in blocks), *others)
    return apart.transpose(*order).reshape(*lead, groups, prod(stride) * channels, *rest)
