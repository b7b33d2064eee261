"""Times of day as points on a circle."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pellucid.data.column import MISSING_DATE, DateColumn
from pellucid.data.encode.base import Training
from pellucid.data.encode.date import DateEncoder, date_from_json, learn_date
from pellucid.data.kind import ColumnKind
from pellucid.errors import ModelFileError

KIND = ColumnKind("at", "date", "a test")
DAY = 86_400


def learned(seconds: list[int]) -> DateEncoder:
    column = DateColumn("at", np.array(seconds, np.int64))
    return learn_date(column, KIND, Training(len(seconds), np.zeros((len(seconds), 1))))


def encoded(encoder: DateEncoder, seconds: list[int]) -> np.ndarray:
    out = np.full((len(seconds), len(encoder.feature_names)), np.nan, np.float32)
    encoder.encode(DateColumn("at", np.array(seconds, np.int64)), out, [])
    return out


def test_a_time_of_day_is_its_harmonics() -> None:
    encoder = learned([hour * 3600 for hour in range(24)])
    assert encoder.feature_names == tuple(
        f"at: day, {wave} {h}" for h in (1, 2, 3) for wave in ("sine", "cosine")
    )
    assert encoder.how() == "the time of the day"
    got = encoded(encoder, [0, 6 * 3600, 17 * 3600 + 1800])
    for row, hours in enumerate([0.0, 6.0, 17.5]):
        angles = [2 * math.pi * harmonic * hours / 24 for harmonic in (1, 2, 3)]
        wanted = [wave(angle) for angle in angles for wave in (math.sin, math.cos)]
        assert got[row] == pytest.approx(wanted, abs=1e-6)


def test_midnight_is_near_the_minute_before() -> None:
    encoder = learned([0, 43_200, DAY - 60])
    last, first, noon = encoded(encoder, [DAY - 60, 0, 43_200])
    assert np.linalg.norm(last - first) < 0.05
    assert np.linalg.norm(last - noon) > 2


def test_missing_times_have_an_indicator() -> None:
    encoder = learned([0, 3600, MISSING_DATE, 7200, MISSING_DATE])
    assert encoder.feature_names[-1] == "at is missing"
    assert encoded(encoder, [MISSING_DATE])[0].tolist() == [0] * 6 + [1]
    assert encoder.how() == "the time of the day, an indicator of missing values"


def test_a_date_and_time_keeps_its_date() -> None:
    encoder = learned([hour * 3600 for hour in range(25)])
    assert encoder.feature_names[0] == "at"
    assert not encoder.clock


@pytest.mark.parametrize("seconds", [[0, 3600, 7200], [0, 40 * DAY, 400 * DAY + 60]])
def test_encoders_come_back_from_json(seconds: list[int]) -> None:
    encoder = learned(seconds)
    assert date_from_json(encoder.to_json(), "columns[0]", KIND) == encoder


@pytest.mark.parametrize("change", [{"clock": 1}, {"clock": True, "cycles": ["year", "day"]}])
def test_damaged_json_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match=r"columns\[0\]"):
        date_from_json({**learned([0, 3600]).to_json(), **change}, "columns[0]", KIND)
