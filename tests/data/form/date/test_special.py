"""Numbers that stand for dates, and durations."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.form.date.form import DateForm
from pellucid.data.form.date.special import SPECIAL
from tests.data.form.date.styles import seconds

DAY = 86_400


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("duration h:m:s", "1:23:45", 5025),
        ("duration h:m:s", "100:00:00.5", 360_000.5),
        ("duration h:m:s", "75:30", 271_800),
        ("duration h:m:s", "P0DT4H30M", 16_200),
        ("duration days h:m:s", "-PT30S", -30),
        ("duration h:m:s", "-0:00:30", -30),
        ("duration h:m:s", "\u22121:00:00", -3600),
        ("duration h:m:s", "1:60:00", None),
        ("duration h:m:s", "1:00:60", None),
        ("duration h:m:s", "1", None),
        ("duration m:s", "59:12", 3552),
        ("duration m:s", "75:12,25", 4512.25),
        ("duration m:s", "1:02:33", 3753),
        ("duration m:s", "1:62:33", None),
        ("duration days h:m:s", "3 days 04:05:06", 3 * DAY + 14_706),
        ("duration days h:m:s", "1 day, 4:05:06", DAY + 14_706),
        ("duration days h:m:s", "-1 day, 23:59:59", -1),
        ("duration days h:m:s", "-1 days +23:59:59", -1),
        ("duration days h:m:s", "-3 days -04:05:06", -3 * DAY - 14_706),
        ("duration days h:m:s", "-04:05:06", -14_706),
        ("duration days h:m:s", "3d", 3 * DAY),
        ("duration days h:m:s", "", None),
        ("duration days h:m:s", "-", None),
        ("duration units", "1h 30m", 5400),
        ("duration units", "2 days, 3 hours", 2 * DAY + 10_800),
        ("duration units", "1 hr 2 min 3.5 sec", 3723.5),
        ("duration units", "45 s", 45),
        ("duration units", "", None),
        ("duration units", "h", None),
        ("duration ISO 8601", "P3DT4H", 3 * DAY + 14_400),
        ("duration ISO 8601", "PT1H30M15.5S", 5415.5),
        ("duration ISO 8601", "-P2W", -14 * DAY),
        ("duration ISO 8601", "P0Y0M1D", DAY),
        ("duration ISO 8601", "P1M", None),
        ("duration ISO 8601", "P1Y", None),
        ("duration ISO 8601", "P", None),
        ("duration ISO 8601", "PT", None),
        ("duration ISO 8601", "P3H", None),
    ],
)
def test_durations_are_seconds(pattern: str, text: str, wanted: float | None) -> None:
    form = DateForm(pattern)
    assert form.kind == "duration"
    assert form.read(text) == wanted


@settings(max_examples=100, deadline=None)
@given(st.timedeltas(timedelta(days=-9999), timedelta(days=9999)))
def test_durations_of_python_and_pandas_come_back(delta: timedelta) -> None:
    form = DateForm("duration days h:m:s")
    for text in (str(delta), str(pd.Timedelta(delta))):
        assert form.read(text) == pytest.approx(delta.total_seconds(), abs=1e-6)
    iso = pd.Timedelta(abs(delta)).isoformat()
    read = DateForm("duration ISO 8601").read(iso)
    assert read == pytest.approx(abs(delta).total_seconds(), abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(1971, 1, 1), datetime(5138, 11, 16)))
def test_unix_times_come_back(moment: datetime) -> None:
    whole = seconds(moment)
    fine = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert DateForm("unix milliseconds").read(str(fine // 1000)) == whole
    assert DateForm("unix microseconds").read(str(fine)) == whole
    assert DateForm("unix nanoseconds").read(f"{fine}000") == whole
    assert DateForm("unix seconds").read(str(whole)) == whole
    assert DateForm("unix seconds").read(f"{whole}.75") == whole


@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds", "nanoseconds"])
@pytest.mark.parametrize("text", ["0", "-1", "1", "1e9", "", "99999999999999999999999", "x"])
def test_placeholders_are_no_unix_times(unit: str, text: str) -> None:
    assert DateForm(f"unix {unit}").read(text) is None


@pytest.mark.parametrize("days", [61, 36_526, 44_942, 44_942.25, 44_942.999, 2_958_465])
def test_day_numbers_of_excel_agree_with_pandas(days: float) -> None:
    moment = pd.Timestamp("1899-12-30") + pd.Timedelta(days, "D") if days < 90_000 else None
    wanted = datetime(9999, 12, 31) if moment is None else moment.round("s").to_pydatetime()
    assert DateForm("excel").read(f"{days}") == seconds(wanted)


@pytest.mark.parametrize("text", ["60", "0", "-5", "2958466", "x", ""])
def test_days_that_excel_does_not_have(text: str) -> None:
    assert DateForm("excel").read(text) is None


def test_every_special_form_says_what_it_is() -> None:
    for name, special in SPECIAL.items():
        assert special.words.startswith("durations " if special.duration else "dates ")
        assert name.startswith("duration") == special.duration
