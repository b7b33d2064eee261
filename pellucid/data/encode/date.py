"""Dates as their time and as harmonics of the year, the week and the day.

Times of day alone, which are dates of 1970-01-01, are harmonics of the day only: 23:59 is near 0:00.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_date
from pellucid.data.column import MISSING_DATE, Column
from pellucid.data.encode.base import Block, Json, Training, fewest_rows, kind_to_json
from pellucid.data.encode.number import smooth_clip
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note
from pellucid.data.statistics import mean_and_std

DAY = 86_400.0
MONDAY = 4 * DAY
"""Seconds from 1970-01-01, a Thursday, to the first Monday."""

CYCLES = {"year": (365.2425 * DAY, 0.0, 2), "week": (7 * DAY, MONDAY, 3), "day": (DAY, 0.0, 3)}
"""The length and start of each cycle in seconds, and its number of harmonics.

Harmonic h is the pair sin(2πhφ), cos(2πhφ) of the phase φ in 0 … 1. Three harmonics separate the seven
days of a week; two fit the seasons of a year, three the peaks of a day.
"""

KEYS = ("encoder", "column", "kind", "reason", "mean", "scale", "cycles", "clock", "missing")


@dataclass(frozen=True)
class DateEncoder:
    """Encodes a date as its standardised time and the harmonics of the learned cycles.

    `mean` and `scale` are in seconds. A missing date has the mean time, and for each harmonic its
    mean over a cycle, 0. `clock`: whether these are times of day, which have no feature but the
    harmonics. `missing`: whether an indicator of missing dates follows.
    """

    kind: ColumnKind
    mean: float
    scale: float
    cycles: tuple[str, ...]
    clock: bool
    missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's own name for the date, then those of the harmonics and of missing dates."""
        name = self.kind.column
        waves = [
            f"{name}: {cycle}, {wave} {harmonic}"
            for cycle in self.cycles
            for harmonic in range(1, CYCLES[cycle][2] + 1)
            for wave in ("sine", "cosine")
        ]
        date = [] if self.clock else [name]
        return (*date, *waves, *([f"{name} is missing"] if self.missing else []))

    def how(self) -> str:
        """The encoding in plain words."""
        cycles = "".join(f", the time of the {cycle}" for cycle in self.cycles)
        indicator = ", an indicator of missing values" if self.missing else ""
        if self.clock:
            return f"the time of the day{indicator}"
        return f"the date as a number{cycles}{indicator}"

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`."""
        seconds = as_date(column, notes).seconds
        missing = seconds == MISSING_DATE
        time = np.where(missing, self.mean, seconds)
        index = 0
        if not self.clock:
            out[:, 0] = smooth_clip((time - self.mean) / self.scale)
            index = 1
        for cycle in self.cycles:
            for wave in _waves(time, cycle):
                out[:, index] = np.where(missing, 0.0, wave)
                index += 1
        if self.missing:
            out[:, index] = missing

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        return {
            "encoder": "date",
            **kind_to_json(self.kind),
            "mean": self.mean,
            "scale": self.scale,
            "cycles": list(self.cycles),
            "clock": self.clock,
            "missing": self.missing,
        }


def _waves(time: NDArray[np.float64], cycle: str) -> list[NDArray[np.float64]]:
    """Sine and cosine of each harmonic of the cycle, in order."""
    length, start, harmonics = CYCLES[cycle]
    phase = np.mod(time - start, length) / length
    angles = [2.0 * math.pi * harmonic * phase for harmonic in range(1, harmonics + 1)]
    return [wave(angle) for angle in angles for wave in (np.sin, np.cos)]


def learn_date(column: Column, kind: ColumnKind, training: Training) -> DateEncoder:
    """The encoder for a column of dates, from the training rows.

    A cycle is used where the dates span it (half of it for the year) and differ within it. Seconds
    of 1970-01-01 only are times of day.
    """
    seconds = as_date(column, []).seconds
    present = seconds[seconds != MISSING_DATE].astype(np.float64)
    if not len(present):
        return DateEncoder(kind, 0.0, 1.0, (), clock=False, missing=False)
    span = float(present.max() - present.min())
    spans = {"year": span >= 182 * DAY, "week": span >= 6 * DAY}
    cycles = [cycle for cycle, long_enough in spans.items() if long_enough]
    cycles += ["day"] if len(np.unique(np.mod(present, DAY))) > 1 else []
    clock = bool(present.min() >= 0 and present.max() < DAY and "day" in cycles)
    missing = len(seconds) - len(present) >= fewest_rows(training.rows)
    mean, scale = mean_and_std(present)
    return DateEncoder(kind, mean, scale or 1.0, tuple(cycles), clock, missing)


def date_from_json(value: object, where: str, kind: ColumnKind) -> DateEncoder:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    cycles = checked.texts(entries["cycles"], f"{where}.cycles")
    if not set(cycles) <= set(CYCLES):
        raise checked.refuse(f"{where}.cycles", f"some of {list(CYCLES)}", list(cycles))
    clock = checked.flag(entries["clock"], f"{where}.clock")
    if clock and cycles != ("day",):
        raise checked.refuse(f"{where}.cycles", "the day alone for times of day", list(cycles))
    return DateEncoder(
        kind,
        checked.number(entries["mean"], f"{where}.mean"),
        checked.positive(entries["scale"], f"{where}.scale"),
        cycles,
        clock,
        checked.flag(entries["missing"], f"{where}.missing"),
    )
