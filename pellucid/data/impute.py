"""Missing numbers as their expectation given what is known of the row.

With m and C the means and covariances of the features over the complete training rows, and P the
inverse of C + λI, the expected features of a row of a normal distribution, some of them known, are
those that minimise (x - m)ᵀ P (x - m) over the unknown ones (Little & Rubin 2019, section 11.2):

    x_i = m_i - Σ_{j≠i} P_ij (x_j - m_j) / P_ii      for every unknown i

which is solved by sweeping over the unknown ones (Gauss & Seidel). λ keeps P bounded, and pulls what
the row hardly tells to the mean. A penguin of which only the island is known so gets the size of the
penguins there, not of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.column import Rows
from pellucid.data.encode import Encoder
from pellucid.data.encode.number import KNEE, NumberEncoder

RIDGE = 0.01
"""λ, where features have a variance of about 1."""

SWEEPS = 50

MOST_FEATURES = 128
"""Features up to which expectations are learned; P has the square of their number of entries."""

ROWS_EACH = 4
"""Complete training rows for each feature, at least."""

LEARNED_ROWS = 20_000
"""Training rows that are looked at, at most."""

CHUNK_ROWS = 65_536
DIGITS = 8

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Imputer:
    """What the features of a row tell about those that are missing.

    places:    where the k features that it is about stand among all of them, ascending.
    numbers:   for each number column the places, among these k, that are missing with it.
    mean:      m, shape (k,). precision: P, shape (k, k).
    """

    places: tuple[int, ...]
    numbers: tuple[tuple[int, ...], ...]
    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    def fill(self, features: Features, missing: NDArray[np.bool_]) -> None:
        """Replaces what is missing in the features (n, d); `missing` is (n, number columns)."""
        rows = np.flatnonzero(missing.any(axis=1))
        for start in range(0, len(rows), CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            unknown = [
                (place, here)
                for number, places in enumerate(self.numbers)
                for place in places
                if len(here := np.flatnonzero(missing[part, number]))
            ]
            deviations = features[part][:, self.places] - self.mean
            self._expect(deviations, unknown)
            for place, here in unknown:
                filled = deviations[here, place] + self.mean[place]
                features[part[here], self.places[place]] = filled

    def _expect(self, deviations: NDArray[np.float64], unknown: list[tuple[int, Rows]]) -> None:
        """Sets unknown deviations from the mean, by their place and rows, to what is expected."""
        for place, rows in unknown:
            deviations[rows, place] = 0.0
        for _ in range(SWEEPS):
            for place, rows in unknown:
                weights = self.precision[place]
                # Summed row by row, so that a row gets the same bits in whatever table it stands.
                pull = (deviations[rows] * weights).sum(axis=1)
                moved = deviations[rows, place] - pull / weights[place]
                low, high = -KNEE - self.mean[place], KNEE - self.mean[place]
                deviations[rows, place] = np.clip(moved, low, high)

    def to_json(self) -> dict[str, object]:
        """The imputer as plain JSON values; of P what is on and below the diagonal."""
        lower = self.precision[np.tril_indices(len(self.mean))]
        return {"mean": self.mean.tolist(), "precision": lower.tolist()}


def layout(encoders: Sequence[Encoder]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """`places` and `numbers` of an imputer: all features but the indicators of numbers."""
    places: list[int] = []
    numbers: list[tuple[int, ...]] = []
    start = 0
    for encoder in encoders:
        count = len(encoder.feature_names)
        if isinstance(encoder, NumberEncoder):
            own = 2 if encoder.tail else 1
            numbers.append(tuple(range(len(places), len(places) + own)))
            places += range(start, start + own)
        else:
            places += range(start, start + count)
        start += count
    return tuple(places), tuple(numbers)


def learn_imputer(
    encoders: Sequence[Encoder], features: Features, missing: NDArray[np.bool_]
) -> Imputer | None:
    """What the features (n, d) of the training rows tell about each other; None for too few rows.

    missing: of which rows which number is missing, shape (n, number columns).
    """
    places, numbers = layout(encoders)
    complete = ~missing.any(axis=1)
    count = len(places)
    if not numbers or count < 2 or count > MOST_FEATURES or complete.sum() < ROWS_EACH * count:
        return None
    sample = features[complete][:, places].astype(np.float64)
    mean = sample.mean(axis=0)
    # Neither by BLAS nor by LAPACK, whose sums depend on the processors that they find.
    covariance = np.einsum("ni,nj->ij", sample - mean, sample - mean) / len(sample)
    precision = _inverse(covariance + RIDGE * np.eye(count))
    assert precision is not None
    return Imputer(places, numbers, _short(mean), _short((precision + precision.T) / 2))


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The inverse of a symmetric positive definite matrix, None for any other.

    Gauss & Jordan's sweeps; the pivots are the squares on the diagonal of Cholesky's factor, so none
    needs to be looked for, and all are positive for a positive definite matrix and no other.
    """
    swept = matrix.copy()
    for place in range(len(swept)):
        pivot = swept[place, place]
        if not pivot > 0:
            return None
        row, column = swept[place] / pivot, swept[:, place].copy()
        swept -= column[:, None] * row
        swept[place], swept[:, place] = row, -column / pivot
        swept[place, place] = 1.0 / pivot
    return swept


def _short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values with as many digits as matter, so that a model file stays small."""
    texts = [f"{value:.{DIGITS}g}" for value in values.ravel()]
    return np.array([float(text) for text in texts]).reshape(values.shape)


def imputer_from_json(value: object, where: str, encoders: Sequence[Encoder]) -> Imputer | None:
    """The imputer that `to_json` wrote for these encoders; else raises `ModelFileError`."""
    if value is None:
        return None
    entries = checked.record(value, where, ("mean", "precision"))
    mean = np.array(checked.numbers(entries["mean"], f"{where}.mean"), np.float64)
    lower = checked.numbers(entries["precision"], f"{where}.precision")
    places, numbers = layout(encoders)
    count = len(places)
    if not 1 < count <= MOST_FEATURES or len(mean) != count:
        raise checked.refuse(f"{where}.mean", f"{count} numbers", len(mean))
    if len(lower) != count * (count + 1) // 2:
        raise checked.refuse(f"{where}.precision", "half of a square", len(lower))
    precision = np.zeros((count, count))
    precision[np.tril_indices(count)] = lower
    precision += np.tril(precision, -1).T
    if np.abs(mean).max() > KNEE * 2 or not _is_positive(precision):
        raise checked.refuse(where, "means and a positive definite matrix", "others")
    return Imputer(places, numbers, mean, precision)


def _is_positive(matrix: NDArray[np.float64]) -> bool:
    """Whether a symmetric matrix is positive definite, and no larger than λ allows."""
    return bool(np.abs(matrix).max() <= 2.0 / RIDGE) and _inverse(matrix) is not None
