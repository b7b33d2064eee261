"""Settings of layers whose window slides along spatial axes: sizes for each axis, and padding."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from pellucid import check
from pellucid.graph import Tensor

Sizes = int | tuple[int, ...]
Padding = int | tuple[int, ...] | str


def sizes(part: Any, field: str, rank: int, least: int = 1) -> None:
    """Make `part.field` an int or a tuple of `rank` ints; raise unless all are at least `least`."""
    value = getattr(part, field)
    name = f"{type(part).__name__} {field}"
    each = check.several(name, value)
    if any(isinstance(n, bool) or not isinstance(n, Integral) for n in each):
        raise TypeError(f"{name} is an integer or {rank} of them, got {check.brief(value)}")
    if len(each) not in (1, rank) or min(each) < least or max(each) >= 2**63:
        raise ValueError(
            f"{name} is at least {least}, one for each of {rank} axes, got {check.brief(value)}"
        )
    plain = tuple(int(n) for n in each)
    object.__setattr__(part, field, plain[0] if len(plain) == 1 else plain)


def padding(part: Any, rank: int) -> None:
    """Check the field `padding`: "valid", "same", or a width for each axis."""
    if isinstance(part.padding, str):
        if part.padding not in ("valid", "same"):
            raise ValueError(
                f"{type(part).__name__} padding is 'valid', 'same' or a number, "
                f"got {check.brief(part.padding)}"
            )
        return
    sizes(part, "padding", rank, least=0)


def each(value: Sizes, rank: int) -> tuple[int, ...]:
    """A setting for every axis."""
    return (value,) * rank if isinstance(value, int) else value


def widths(
    padding: Padding, lengths: Sequence[int], spans: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """How many elements are added before and after each axis.

    "same" gives ⌈length / stride⌉ windows, the odd element added after, as in PyTorch and TensorFlow.
    spans: elements that a window covers.
    """
    rank = len(lengths)
    if padding == "valid":
        return [(0, 0)] * rank
    if not isinstance(padding, str):
        return [(n, n) for n in each(padding, rank)]
    added: list[tuple[int, int]] = []
    for length, span, stride in zip(lengths, spans, strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + span - length, 0)
        added.append((total // 2, total - total // 2))
    return added


def padded(x: Tensor, added: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """x with elements added around its spatial axes."""
    if not any(before or after for before, after in added):
        return x
    before = (0, *(pair[0] for pair in added), 0)
    after = (0, *(pair[1] for pair in added), 0)
    return x.pad(before, after, value=value)


def spans(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Elements that a window of a kernel covers on each axis."""
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
