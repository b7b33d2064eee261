"""Imputation of missing numbers by their conditional expectation under a normal distribution.

m and C are the means and covariances of the features over the complete training rows, and
P = (C + λI)⁻¹. The conditional expectation of a row's unknown features given its known ones minimises
(x - m)ᵀ P (x - m) over the unknown ones (Little & Rubin 2019, section 11.2):

    x_i = m_i - Σ_{j≠i} P_ij (x_j - m_j) / P_ii      for every unknown i

Gauss-Seidel sweeps over the unknown features solve it. λ is a ridge: it bounds P, and it shrinks a
value towards the mean where the known features predict it poorly. A penguin with nothing known but
its island gets the mean size on that island.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.column import Rows
from pellucid.data.encode import Encoder
from pellucid.data.encode.number import BOUND, NumberEncoder

RIDGE = 0.01
"""λ, where features have a variance of about 1."""

SWEEPS = 50

MOST_FEATURES = 128
"""The largest number of features with imputation; P has the square of their number of entries."""

ROWS_EACH = 4
"""The fewest complete training rows for each feature."""

SAMPLE_ROWS = 20_000
"""The most training rows from which an imputer is learned."""

CHUNK_ROWS = 65_536
DIGITS = 8

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Imputer:
    """Conditional expectations of missing features given the others of their row.

    indices:   indices of the k imputed or conditioning features among all d, ascending.
    numbers:   for each number column, the indices among these k that are missing with it.
    mean:      m, shape (k,). precision: P, shape (k, k).
    """

    indices: tuple[int, ...]
    numbers: tuple[tuple[int, ...], ...]
    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    def fill(self, features: Features, missing: NDArray[np.bool_]) -> None:
        """Fills missing features (n, d) in place; `missing` is a mask (n, number columns)."""
        rows = np.flatnonzero(missing.any(axis=1))
        for start in range(0, len(rows), CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            unknown = [
                (index, lacking)
                for number, indices in enumerate(self.numbers)
                for index in indices
                if len(lacking := np.flatnonzero(missing[part, number]))
            ]
            deviations = features[part][:, self.indices] - self.mean
            self._expect(deviations, unknown)
            for index, lacking in unknown:
                filled = deviations[lacking, index] + self.mean[index]
                features[part[lacking], self.indices[index]] = filled

    def _expect(self, deviations: NDArray[np.float64], unknown: list[tuple[int, Rows]]) -> None:
        """Sets the deviations x - m at these (feature, rows) to their conditional expectation."""
        for index, rows in unknown:
            deviations[rows, index] = 0.0
        for _ in range(SWEEPS):
            for index, rows in unknown:
                weights = self.precision[index]
                # Summed row by row: the bits of a row do not depend on the other rows.
                gradient = (deviations[rows] * weights).sum(axis=1)
                solved = deviations[rows, index] - gradient / weights[index]
                low, high = -BOUND - self.mean[index], BOUND - self.mean[index]
                deviations[rows, index] = np.clip(solved, low, high)

    def to_json(self) -> dict[str, object]:
        """The imputer as plain JSON values, with the lower triangle of P."""
        lower = self.precision[np.tril_indices(len(self.mean))]
        return {"mean": self.mean.tolist(), "precision": lower.tolist()}


def layout(encoders: Sequence[Encoder]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """`indices` and `numbers` of an imputer: all features but the indicators of numbers."""
    indices: list[int] = []
    numbers: list[tuple[int, ...]] = []
    start = 0
    for encoder in encoders:
        count = len(encoder.feature_names)
        if isinstance(encoder, NumberEncoder):
            own = 2 if encoder.tail else 1
            numbers.append(tuple(range(len(indices), len(indices) + own)))
            indices += range(start, start + own)
        else:
            indices += range(start, start + count)
        start += count
    return tuple(indices), tuple(numbers)


def learn_imputer(
    encoders: Sequence[Encoder], features: Features, missing: NDArray[np.bool_]
) -> Imputer | None:
    """The imputer from the features (n, d) of training rows; None where complete rows are too few.

    missing: mask of the missing numbers, shape (n, number columns).
    """
    indices, numbers = layout(encoders)
    complete = ~missing.any(axis=1)
    count = len(indices)
    if not numbers or count < 2 or count > MOST_FEATURES or complete.sum() < ROWS_EACH * count:
        return None
    sample = features[complete][:, indices].astype(np.float64)
    mean = sample.mean(axis=0)
    # Neither by BLAS nor by LAPACK: their sums depend on the number of processors.
    covariance = np.einsum("ni,nj->ij", sample - mean, sample - mean) / len(sample)
    precision = inverse(covariance + RIDGE * np.eye(count))
    assert precision is not None
    return Imputer(indices, numbers, _rounded(mean), _rounded((precision + precision.T) / 2))


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The inverse of a symmetric positive definite matrix, None for any other.

    By Gauss-Jordan sweeps without pivoting. The pivots are the squared diagonal of the Cholesky
    factor, so all are positive exactly where the matrix is positive definite.
    """
    swept = matrix.copy()
    for index in range(len(swept)):
        pivot = swept[index, index]
        if not pivot > 0:
            return None
        row, column = swept[index] / pivot, swept[:, index].copy()
        swept -= column[:, None] * row
        swept[index], swept[:, index] = row, -column / pivot
        swept[index, index] = 1.0 / pivot
    return swept


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values to `DIGITS` significant digits, for a small model file."""
    texts = [f"{value:.{DIGITS}g}" for value in values.ravel()]
    return np.array([float(text) for text in texts]).reshape(values.shape)


def imputer_from_json(value: object, where: str, encoders: Sequence[Encoder]) -> Imputer | None:
    """The imputer that `to_json` wrote for these encoders; else raises `ModelFileError`."""
    if value is None:
        return None
    entries = checked.record(value, where, ("mean", "precision"))
    mean = np.array(checked.numbers(entries["mean"], f"{where}.mean"), np.float64)
    lower = checked.numbers(entries["precision"], f"{where}.precision")
    indices, numbers = layout(encoders)
    count = len(indices)
    if not 1 < count <= MOST_FEATURES or len(mean) != count:
        raise checked.refuse(f"{where}.mean", f"{count} numbers", len(mean))
    if len(lower) != count * (count + 1) // 2:
        raise checked.refuse(f"{where}.precision", "the lower triangle of a matrix", len(lower))
    precision = np.zeros((count, count))
    precision[np.tril_indices(count)] = lower
    precision += np.tril(precision, -1).T
    if np.abs(mean).max() > BOUND * 2 or not _is_positive_definite(precision):
        raise checked.refuse(where, "means and a positive definite matrix", "others")
    return Imputer(indices, numbers, mean, precision)


def _is_positive_definite(matrix: NDArray[np.float64]) -> bool:
    """Whether a symmetric matrix is positive definite and within the bound that λ sets."""
    return bool(np.abs(matrix).max() <= 2.0 / RIDGE) and inverse(matrix) is not None
