"""Weights of classes: checking them, and those that make up for imbalance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from pellucid import check
from pellucid.graph import Array
from pellucid.graph.arrays import array_of


def balanced_weights(classes: Array | Sequence[int], count: int | None = None) -> tuple[float, ...]:
    """n / (K n_k) for each class k of K: classes count alike however many rows they have.

    King & Zeng 2001; scikit-learn's "balanced".

    classes: the n training targets, integers 0 … K − 1; each class occurs.
    count:   K; the largest class plus 1 by default.

    Raises ValueError naming a class that does not occur, TypeError if they are not integers.
    """
    try:
        codes = array_of(classes)
    except (TypeError, ValueError):
        codes = np.empty(0)
    if codes.dtype.kind not in "iu" or codes.ndim != 1 or not codes.size:
        raise TypeError("balanced_weights takes classes as a list of integers 0 … K − 1")
    seen, rows = np.unique(codes, return_counts=True)
    most = int(seen[-1]) + 1 if count is None else check.integer("balanced_weights count", count)
    if seen[0] < 0 or seen[-1] >= most:
        raise ValueError(
            f"classes are 0 to {'K' if count is None else count} − 1, got {seen[0]} to {seen[-1]}"
        )
    if len(seen) < most:
        missing = int(np.argmax(np.append(seen != np.arange(len(seen)), True)))
        raise ValueError(f"class {missing} does not occur, so it has no weight")
    return tuple((codes.size / (len(rows) * rows)).tolist())


def check_class_weights(part: Any, count: int | None = None) -> None:
    """Make `part.class_weights` a tuple of floats, or leave None; raises for anything else."""
    weights = part.class_weights
    if weights is None:
        return
    name = f"{type(part).__name__} class_weights"
    if isinstance(weights, (list, tuple, range)):
        weights = check.items(name, weights)
    values = tuple(np.asarray(weights, object).ravel().tolist())
    if any(isinstance(v, bool) or not isinstance(v, Real) for v in values):
        raise TypeError(f"{name} is a number for each class, got {check.brief(weights)}")
    if len(values) < 2 or (count is not None and len(values) != count):
        raise ValueError(f"{name} is {count or '2 or more'} numbers, got {len(values)}")
    if not all(math.isfinite(v) and v >= 0 for v in values) or not any(values):
        raise ValueError(
            f"{name} is at least 0 for each class and more for some, got {check.brief(weights)}"
        )
    object.__setattr__(part, "class_weights", tuple(map(float, values)))
