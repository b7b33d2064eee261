"""Dividing rows into parts such as training, validation and test."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError


def split(
    rows: int,
    fractions: Sequence[float],
    seed: int,
    *,
    labels: NDArray[Any] | None = None,
    values: NDArray[Any] | None = None,
) -> tuple[NDArray[np.int64], ...]:
    """Row numbers of each part, ascending; together they are 0 … rows-1, each once.

    `fractions` sum to 1; the first part is the training part. `labels` (n,) stratify by class: each
    class is divided in these proportions, with at least one row in the first part. `values` (n,)
    stratify by quantile: the rows are sorted by value, and each section is divided in these
    proportions. The same arguments give the same parts. Fewer rows than parts raise `DataError`.
    """
    _check(rows, fractions, labels, values)
    random = np.random.Generator(np.random.PCG64(seed))
    order = random.permutation(rows)
    if labels is not None:
        codes = np.unique(labels, return_inverse=True)[1]
        order = order[np.argsort(codes[order], kind="stable")]
    elif values is not None:
        order = order[np.argsort(np.asarray(values)[order], kind="stable")]
    part = np.empty(rows, np.int64)
    part[order] = _interleaved(_sizes(rows, fractions), random)
    if labels is not None:
        _keep_in_first(part, codes, order)
    return tuple(np.flatnonzero(part == number) for number in range(len(fractions)))


def _check(
    rows: int,
    fractions: Sequence[float],
    labels: NDArray[Any] | None,
    values: NDArray[Any] | None,
) -> None:
    if not fractions or min(fractions) <= 0 or not math.isclose(sum(fractions), 1.0, abs_tol=1e-9):
        raise ValueError(f"fractions should be positive and sum to 1, got {list(fractions)}")
    if labels is not None and values is not None:
        raise ValueError("give labels or values to stratify by, not both")
    for name, array in (("labels", labels), ("values", values)):
        if array is not None and np.shape(array) != (rows,):
            raise ValueError(f"{name} should have shape ({rows},), got {np.shape(array)}")
    if rows < len(fractions):
        raise DataError(f"{rows:,} rows are too few to divide into {len(fractions)} parts.")


def _sizes(rows: int, fractions: Sequence[float]) -> list[int]:
    """Sizes of the parts by the largest-remainder method, at least 1 each."""
    exact = [rows * fraction for fraction in fractions]
    sizes = [max(1, math.floor(size + 1e-9)) for size in exact]
    while sum(sizes) < rows:
        sizes[max(range(len(sizes)), key=lambda p: exact[p] - sizes[p])] += 1
    while sum(sizes) > rows:
        sizes[
            max(range(len(sizes)), key=lambda p: sizes[p] - exact[p] if sizes[p] > 1 else -1)
        ] -= 1
    return sizes


def _interleaved(sizes: list[int], random: np.random.Generator) -> NDArray[np.int64]:
    """Part numbers, shape (sum(sizes),), in which each section holds the parts in proportion.

    A part of s rows has one row, at a random position, in each of s equal sections.
    """
    positions = [(np.arange(size) + random.random(size)) / size for size in sizes]
    numbers = np.repeat(np.arange(len(sizes)), sizes)
    return numbers[np.argsort(np.concatenate(positions), kind="stable")]


def _keep_in_first(
    part: NDArray[np.int64], codes: NDArray[np.int64], order: NDArray[np.int64]
) -> None:
    """Moves one row of each class that the first part lacks into it."""
    lacking = np.setdiff1d(codes, codes[part == 0])
    if len(lacking):
        classes, first = np.unique(codes[order], return_index=True)
        part[order[first[np.isin(classes, lacking)]]] = 0
