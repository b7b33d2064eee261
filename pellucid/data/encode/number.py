"""Numbers: standardised and clipped; where it helps, on a logarithmic scale or as indicators.

m and d are the mean and standard deviation of the training values, winsorised at 20 robust standard
deviations from the median. A value x becomes

    z = (x - m) / d            standardisation
    f = z / sqrt(1 + (z/4)²)   smooth clipping to ±4 (Holzmüller, Grinsztajn & Steinwart 2024,
                               "Better by default"); f ≈ z near 0

An outlier in new data then is a large input, but a bounded one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_number, number_name
from pellucid.data.column import Column
from pellucid.data.encode.base import Block, Json, Training, fewest_rows, kind_to_json
from pellucid.data.encode.lack_of_fit import indicator_values
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note, readable
from pellucid.data.statistics import bounded, mean_and_std

BOUND = 4.0
"""The bound of a clipped number, in standard deviations."""

OUTLIER_LIMIT = 20.0
"""Robust standard deviations from the median at which training values are winsorised."""

SKEWED = 2.0
"""The absolute skewness above which a number gets a second feature on a logarithmic scale."""

LEAST_SCALE = 1e-120
"""The least scale that is divided by; numbers beyond ±1e120 are encoded as ±1e120."""

KEYS = (
    *("encoder", "column", "kind", "reason"),
    *("median", "mean", "scale", "missing", "tail", "values", "shares"),
)


@dataclass(frozen=True)
class Tail:
    """The logarithmic feature of a skewed number: asinh((x - median) / spread), standardised."""

    spread: float
    mean: float
    scale: float


@dataclass(frozen=True)
class NumberEncoder:
    """Encodes a number, with the training median where it is missing.

    `missing`: whether an indicator of missing values follows. `tail`, if not None, adds a logarithmic
    feature. `values` have an indicator each, and `shares` are their shares of the known training
    values; most columns have none. The indicators of another value, or a missing one, are the shares.
    """

    kind: ColumnKind
    median: float
    mean: float
    scale: float
    missing: bool
    tail: Tail | None
    values: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's own name, then those of the logarithm, missingness and single values."""
        name = self.kind.column
        tail = [f"{name} (logarithmic)"] if self.tail else []
        missing = [f"{name} is missing"] if self.missing else []
        return (name, *tail, *missing, *(f"{name} = {number_name(v)}" for v in self.values))

    def how(self, expected: bool = False) -> str:
        """The encoding in plain words; expected: whether an `Imputer` fills missing values."""
        shift = f"{'-' if self.mean >= 0 else '+'} {readable(abs(self.mean))}"
        filled = "from the other columns" if expected else f"with {readable(self.median)}"
        parts = [f"(x {shift}) / {readable(self.scale)}", f"missing values imputed {filled}"]
        parts += ["also on a logarithmic scale, as it is skewed"] if self.tail else []
        parts += ["an indicator of missing values"] if self.missing else []
        if self.values:
            parts.append(
                f"one-hot of {len(self.values)} values, as the target is no smooth function of it"
            )
        return ", ".join(parts)

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`."""
        raw = bounded(as_number(column, notes).values)
        missing = np.isnan(raw)
        values = np.where(missing, self.median, raw)
        out[:, 0] = smooth_clip((values - self.mean) / self.scale)
        index = 1
        if self.tail:
            logarithm = np.arcsinh((values - self.median) / self.tail.spread)
            out[:, index] = smooth_clip((logarithm - self.tail.mean) / self.tail.scale)
            index += 1
        if self.missing:
            out[:, index] = missing
            index += 1
        if self.values:
            levels = np.array(self.values)
            nearest = np.minimum(np.searchsorted(levels, raw), len(levels) - 1)
            known = levels[nearest] == raw
            table = np.vstack([np.eye(len(levels)), self.shares]).astype(np.float32)
            out[:, index:] = table[np.where(known, nearest, len(levels))]

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        tail = self.tail
        return {
            "encoder": "number",
            **kind_to_json(self.kind),
            "median": self.median,
            "mean": self.mean,
            "scale": self.scale,
            "missing": self.missing,
            "tail": [tail.spread, tail.mean, tail.scale] if tail else None,
            "values": list(self.values),
            "shares": list(self.shares),
        }


def smooth_clip(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """z / sqrt(1 + (z/4)²), elementwise; infinities become ±4."""
    finite = np.clip(z, -1e6, 1e6)
    return np.asarray(finite / np.sqrt(1.0 + (finite / BOUND) ** 2))


def learn_number(column: Column, kind: ColumnKind, training: Training) -> NumberEncoder:
    """The encoder for a column of numbers, from the training rows."""
    values = bounded(as_number(column, []).values)
    missing = np.isnan(values)
    present = values[~missing]
    if not len(present):
        return NumberEncoder(kind, 0.0, 0.0, 1.0, False, None, (), ())
    median = float(np.median(present))
    spread = _spread(present, median)
    winsorised = np.clip(present, median - OUTLIER_LIMIT * spread, median + OUTLIER_LIMIT * spread)
    mean, scale = _scale(winsorised)
    skewness = float((((winsorised - mean) / scale) ** 3).mean())
    levels = indicator_values(present, training.response[~missing])
    counts = [int((present == level).sum()) for level in levels]
    return NumberEncoder(
        kind,
        median,
        mean,
        scale,
        int(missing.sum()) >= fewest_rows(training.rows),
        _tail(present, median, spread) if abs(skewness) > SKEWED else None,
        levels,
        tuple(count / len(present) for count in counts),
    )


def _spread(values: NDArray[np.float64], median: float) -> float:
    """A robust standard deviation: the interquartile range / 1.349, exact for a normal distribution.

    Where that is 0, the median absolute deviation of the values that differ from the median, or 1 if
    none does.
    """
    lower, upper = np.quantile(values, [0.25, 0.75])
    if upper > lower:
        return max(float((upper - lower) / 1.349), LEAST_SCALE)
    distances = np.abs(values - median)
    positive = distances[distances > 0]
    return max(float(np.median(positive)), LEAST_SCALE) if len(positive) else 1.0


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """The mean, and the standard deviation or 1 where it is 0."""
    mean, deviation = mean_and_std(values)
    return mean, deviation if deviation > LEAST_SCALE else 1.0


def _tail(values: NDArray[np.float64], median: float, spread: float) -> Tail:
    return Tail(spread, *_scale(np.arcsinh((values - median) / spread)))


def number_from_json(value: object, where: str, kind: ColumnKind) -> NumberEncoder:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    values = checked.numbers(entries["values"], f"{where}.values")
    shares = checked.numbers(entries["shares"], f"{where}.shares")
    if list(values) != sorted(set(values)):
        raise checked.refuse(f"{where}.values", "different numbers in ascending order", values)
    if len(shares) != len(values) or not all(0 <= share <= 1 for share in shares):
        raise checked.refuse(f"{where}.shares", "a share from 0 to 1 for each value", shares)
    return NumberEncoder(
        kind,
        checked.number(entries["median"], f"{where}.median"),
        checked.number(entries["mean"], f"{where}.mean"),
        checked.positive(entries["scale"], f"{where}.scale"),
        checked.flag(entries["missing"], f"{where}.missing"),
        _tail_from_json(entries["tail"], f"{where}.tail"),
        values,
        shares,
    )


def _tail_from_json(value: object, where: str) -> Tail | None:
    if value is None:
        return None
    numbers = checked.numbers(value, where)
    if len(numbers) != 3 or numbers[0] <= 0 or numbers[2] <= 0:
        raise checked.refuse(where, "a spread, a mean and a scale", value)
    return Tail(*numbers)
