"""Weights of classes: checking them, and those that make up for imbalance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from pellucid.graph import Array


def balanced_weights(classes: Array | Sequence[int], count: int | None = None) -> tuple[float, ...]:
    """n / (K n_k) for each class k of K: classes count alike however many rows they have.

    King & Zeng 2001; scikit-learn's "balanced".

    classes: the n training targets, integers 0 … K − 1; each class occurs.
    count:   K; the largest class plus 1 by default.

    Raises ValueError naming a class that does not occur, TypeError if they are not integers.
    """
    codes = np.asarray(classes)
    if codes.dtype.kind not in "iu" or codes.ndim != 1 or not codes.size:
        raise TypeError("balanced_weights takes classes as a list of integers 0 … K − 1")
    if codes.min() < 0 or (count is not None and codes.max() >= count):
        raise ValueError(
            f"classes are 0 to {'K' if count is None else count} − 1, "
            f"got {codes.min()} to {codes.max()}"
        )
    rows = np.bincount(codes, minlength=count or 0)
    if (rows == 0).any():
        raise ValueError(f"class {int(np.argmin(rows))} does not occur, so it has no weight")
    return tuple((codes.size / (len(rows) * rows)).tolist())


def check_class_weights(part: Any, count: int | None = None) -> None:
    """Make `part.class_weights` a tuple of floats, or leave None; raise for what are no weights."""
    given = part.class_weights
    if given is None:
        return
    name = f"{type(part).__name__} class_weights"
    values = tuple(np.asarray(given, object).ravel().tolist())
    if any(isinstance(v, bool) or not isinstance(v, Real) for v in values):
        raise TypeError(f"{name} is a number for each class, got {given!r}")
    if len(values) < 2 or (count is not None and len(values) != count):
        raise ValueError(f"{name} is {count or '2 or more'} numbers, got {len(values)}")
    if not all(math.isfinite(v) and v >= 0 for v in values) or not any(values):
        raise ValueError(f"{name} is at least 0 for each class and more for some, got {given!r}")
    object.__setattr__(part, "class_weights", tuple(map(float, values)))
