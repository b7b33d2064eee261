"""Precision and recall of each class, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.graph import Array

MOST_CLASSES = 10
"""The most classes with a confusion matrix."""


def class_table(labels: Sequence[Any], codes: Array, predicted: Array) -> dict[str, Any]:
    """The entries "classes" and "confusion", as plain JSON values.

    codes: the true classes (n,). predicted: the predicted ones, −1 where there is none. precision: the
    share of the rows predicted as the class that are of it, None without such rows. recall: the share
    of the rows of the class that are predicted as it, None without such rows. confusion: a row for each
    true class, a column for each predicted one; None above `MOST_CLASSES`.
    """
    count = len(labels)
    known = predicted >= 0
    pairs = codes[known].astype(np.int64) * count + predicted[known]
    matrix = np.zeros((0, 0), np.int64)
    if count <= MOST_CLASSES:
        matrix = np.bincount(pairs, minlength=count * count).reshape(count, count)
    rows = np.bincount(codes, minlength=count)
    times = np.bincount(predicted[known], minlength=count)
    right = np.bincount(codes[predicted == codes], minlength=count)
    classes = [
        {
            "label": label,
            "rows": int(rows[code]),
            "predicted": int(times[code]),
            "precision": _share(right[code], times[code]),
            "recall": _share(right[code], rows[code]),
        }
        for code, label in enumerate(labels)
    ]
    return {"classes": classes, "confusion": matrix.tolist() or None}


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
