"""Dates: how late they are, and where they stand in the day, the week and the year."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_date
from pellucid.data.column import MISSING_DATE, Column
from pellucid.data.encode.base import Block, Json, Training, enough_rows, kind_to_json
from pellucid.data.encode.number import bounded
from pellucid.data.kind import ColumnKind
from pellucid.data.moments import mean_and_deviation
from pellucid.data.note import Note

DAY = 86_400.0
MONDAY = 4 * DAY
"""Seconds from 1970-01-01, a Thursday, to the first Monday."""

CYCLES = {"year": (365.2425 * DAY, 0.0, 2), "week": (7 * DAY, MONDAY, 3), "day": (DAY, 0.0, 3)}
"""For each cycle its length and start in seconds, and its number of harmonics.

A harmonic h is the pair sin(2πhφ), cos(2πhφ) of the phase φ in 0 … 1: three of them tell the seven
days of a week apart, two draw the seasons of a year, three the peaks of a day.
"""

KEYS = ("encoder", "column", "kind", "reason", "mean", "scale", "cycles", "missing")


@dataclass(frozen=True)
class DateEncoder:
    """Encodes a date as its standardised time and the harmonics of the learned cycles.

    `mean` and `scale` are in seconds. A missing date has the mean time and 0 in each harmonic, the
    mean over a whole cycle, with an indicator if learned.
    """

    kind: ColumnKind
    mean: float
    scale: float
    cycles: tuple[str, ...]
    missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's own name, its harmonics, and its missingness."""
        name = self.kind.column
        waves = [
            f"{name}: {cycle}, {wave} {harmonic}"
            for cycle in self.cycles
            for harmonic in range(1, CYCLES[cycle][2] + 1)
            for wave in ("sine", "cosine")
        ]
        return (name, *waves, *([f"{name} is missing"] if self.missing else []))

    def how(self) -> str:
        """In plain words, what the column becomes."""
        cycles = "".join(f", the time of the {cycle}" for cycle in self.cycles)
        indicator = ", an indicator of missing values" if self.missing else ""
        return f"the date as a number{cycles}{indicator}"

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`."""
        seconds = as_date(column, notes).seconds
        missing = seconds == MISSING_DATE
        time = np.where(missing, self.mean, seconds)
        out[:, 0] = bounded((time - self.mean) / self.scale)
        place = 1
        for cycle in self.cycles:
            for wave in _waves(time, cycle):
                out[:, place] = np.where(missing, 0.0, wave)
                place += 1
        if self.missing:
            out[:, place] = missing

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        return {
            "encoder": "date",
            **kind_to_json(self.kind),
            "mean": self.mean,
            "scale": self.scale,
            "cycles": list(self.cycles),
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

    A cycle is used where the dates span it (half of it for the year) and differ within it.
    """
    seconds = as_date(column, []).seconds
    present = seconds[seconds != MISSING_DATE].astype(np.float64)
    span = float(present.max() - present.min())
    spans = {"year": span >= 182 * DAY, "week": span >= 6 * DAY}
    cycles = [cycle for cycle, long_enough in spans.items() if long_enough]
    cycles += ["day"] if len(np.unique(np.mod(present, DAY))) > 1 else []
    missing = len(seconds) - len(present) >= enough_rows(training.rows)
    mean, scale = mean_and_deviation(present)
    return DateEncoder(kind, mean, scale or 1.0, tuple(cycles), missing)


def date_from_json(value: object, where: str, kind: ColumnKind) -> DateEncoder:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    cycles = checked.texts(entries["cycles"], f"{where}.cycles")
    if not set(cycles) <= set(CYCLES):
        raise checked.refuse(f"{where}.cycles", f"some of {list(CYCLES)}", list(cycles))
    return DateEncoder(
        kind,
        checked.number(entries["mean"], f"{where}.mean"),
        checked.positive(entries["scale"], f"{where}.scale"),
        cycles,
        checked.flag(entries["missing"], f"{where}.missing"),
    )
