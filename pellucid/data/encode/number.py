"""Numbers: standardised, bounded, and where it helps on a logarithmic scale or value by value.

With x a value, m and d mean and deviation of the training values (those further than 20 robust
deviations from the median moved to that distance, so that one wild value does not flatten the
rest):

    z = (x - m) / d            the usual standardisation
    f = z / sqrt(1 + (z/4)²)   equal to z near 0, never beyond ±4 (smooth clipping, Holzmüller,
                               Grinsztajn & Steinwart 2024, "Better by default")

so an outlier met at prediction is large but cannot throw the network.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_number, number_name
from pellucid.data.column import Column
from pellucid.data.encode.base import Block, Json, Training, enough_rows, kind_to_json
from pellucid.data.encode.bend import bends
from pellucid.data.kind import ColumnKind
from pellucid.data.moments import mean_and_deviation
from pellucid.data.note import Note, readable

KNEE = 4.0
"""Bound of a standardised number, in deviations."""

FAR = 20.0
"""Robust deviations from the median beyond which a training value no longer counts by its size."""

SKEWED = 2.0
"""Skewness from which a number gets a second feature on a logarithmic scale."""

TINY = 1e-120
"""The least deviation that is divided by; tables hold no number beyond 1e120."""

KEYS = (
    *("encoder", "column", "kind", "reason"),
    *("median", "mean", "scale", "missing", "tail", "values", "shares"),
)


@dataclass(frozen=True)
class Tail:
    """The logarithmic feature of a skewed number, asinh((x - median) / spread) standardised."""

    spread: float
    mean: float
    scale: float


@dataclass(frozen=True)
class NumberEncoder:
    """Encodes a number; missing values become the training median, with an indicator if learned.

    `values` (with their `shares` of the training rows) are those that have an indicator each, none
    for most columns. A value that is none of them, or is missing, gets the shares there.
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
        """The column's own name, then its logarithm, its missingness and its values."""
        name = self.kind.column
        tail = [f"{name} (logarithmic)"] if self.tail else []
        missing = [f"{name} is missing"] if self.missing else []
        return (name, *tail, *missing, *(f"{name} = {number_name(v)}" for v in self.values))

    def how(self, expected: bool = False) -> str:
        """In plain words, what the column becomes; expected: whether an `Imputer` follows."""
        shift = f"{'-' if self.mean >= 0 else '+'} {readable(abs(self.mean))}"
        filled = "by the other columns" if expected else readable(self.median)
        parts = [f"(x {shift}) / {readable(self.scale)}, {filled} where missing"]
        parts += ["again on a logarithmic scale, as it is skewed"] if self.tail else []
        parts += ["an indicator of missing values"] if self.missing else []
        if self.values:
            parts.append(
                f"an indicator of each of {len(self.values)} values, as the target bends with them"
            )
        return ", ".join(parts)

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`."""
        raw = as_number(column, notes).values.astype(np.float64)
        missing = np.isnan(raw)
        values = np.where(missing, self.median, raw)
        out[:, 0] = bounded((values - self.mean) / self.scale)
        place = 1
        if self.tail:
            stretched = np.arcsinh((values - self.median) / self.tail.spread)
            out[:, place] = bounded((stretched - self.tail.mean) / self.tail.scale)
            place += 1
        if self.missing:
            out[:, place] = missing
            place += 1
        if self.values:
            levels = np.array(self.values)
            nearest = np.minimum(np.searchsorted(levels, raw), len(levels) - 1)
            known = levels[nearest] == raw
            table = np.vstack([np.eye(len(levels)), self.shares]).astype(np.float32)
            out[:, place:] = table[np.where(known, nearest, len(levels))]

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


def bounded(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth clipping z / sqrt(1 + (z/4)²), elementwise; infinities become ±4."""
    near = np.clip(z, -1e6, 1e6)
    return np.asarray(near / np.sqrt(1.0 + (near / KNEE) ** 2))


def learn_number(column: Column, kind: ColumnKind, training: Training) -> NumberEncoder:
    """The encoder for a column of numbers, from the training rows."""
    values = as_number(column, []).values.astype(np.float64)
    missing = np.isnan(values)
    present = values[~missing]
    median = float(np.median(present))
    spread = _spread(present, median)
    near = np.clip(present, median - FAR * spread, median + FAR * spread)
    mean, scale = _scale(near)
    skewness = float((((near - mean) / scale) ** 3).mean())
    levels = bends(present, training.signal[~missing])
    counts = [int((present == level).sum()) for level in levels]
    return NumberEncoder(
        kind,
        median,
        mean,
        scale,
        int(missing.sum()) >= enough_rows(training.rows),
        _tail(present, median, spread) if abs(skewness) > SKEWED else None,
        levels,
        tuple(count / len(present) for count in counts),
    )


def _spread(values: NDArray[np.float64], median: float) -> float:
    """A deviation that outliers do not move: the quartile range / 1.349, as in a normal distribution.

    Where half of the values are the same, the median distance of the others from it; 1 if none is.
    """
    lower, upper = np.quantile(values, [0.25, 0.75])
    if upper > lower:
        return max(float((upper - lower) / 1.349), TINY)
    distances = np.abs(values - median)
    others = distances[distances > 0]
    return max(float(np.median(others)), TINY) if len(others) else 1.0


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """The mean, and the deviation or 1 where there is none."""
    mean, deviation = mean_and_deviation(values)
    return mean, deviation if deviation > TINY else 1.0


def _tail(values: NDArray[np.float64], median: float, spread: float) -> Tail:
    stretched = np.arcsinh((values - median) / spread)
    return Tail(spread, *_scale(stretched))


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
