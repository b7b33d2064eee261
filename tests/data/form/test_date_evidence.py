"""How the form of dates is decided from all texts of a column."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pellucid.data.form.date import ISO, DateForm, date_form_from_json
from pellucid.data.form.date_evidence import DateEvidence
from pellucid.data.form.decided import Decided

EPOCH = datetime(1970, 1, 1)


def seconds(*parts: int) -> int:
    """Seconds since 1970-01-01 of a year, month, day, hour …, by the standard library."""
    return int((datetime(*parts) - EPOCH).total_seconds())  # type: ignore[arg-type]


def decide(
    texts: list[str], name: str = "x", pattern: str | None = None, wanted: bool = False
) -> Decided[DateForm] | None:
    evidence = DateEvidence(name)
    distinct = list(dict.fromkeys(texts))
    evidence.add(distinct, [texts.count(text) for text in distinct])
    return evidence.decide(pattern, wanted)


def decided(
    texts: list[str], name: str = "x", pattern: str | None = None, wanted: bool = False
) -> Decided[DateForm]:
    result = decide(texts, name, pattern, wanted)
    assert result is not None
    assert date_form_from_json(result.form.to_json(), "form") == result.form
    return result


def values(texts: list[str], name: str = "x", pattern: str | None = None) -> list[float | None]:
    form = decided(texts, name, pattern).form
    return [form.read(text) for text in texts]


def test_an_hourly_column_is_decided_from_all_of_its_texts() -> None:
    times = [datetime(2023, 1, 1) + timedelta(hours=hour) for hour in range(500)]
    texts = [f"{t.day:02}/{t.month:02}/{t.year} {t.hour:02}:00" for t in times]
    result = decided(texts)
    assert result.form.pattern == "%d/%m/%Y %H:%M"
    assert (result.share, result.certain) == (1.0, True)
    assert [result.form.read(text) for text in texts] == [
        (t - EPOCH).total_seconds() for t in times
    ]
    assert result.form.read("02/11/2023 05:00") == seconds(2023, 11, 2, 5)


def test_texts_that_fit_the_other_order_only_are_not_read() -> None:
    result = decided(["13/01/2023", "14/01/2023", "15/02/2023", "01/02/2023", "02/28/2023"])
    assert result.form.pattern == "%d/%m/%Y"
    assert result.share == 0.8
    assert not result.certain
    assert result.form.read("02/28/2023") is None
    assert result.form.read("01/02/2023") == seconds(2023, 2, 1)


@pytest.mark.parametrize(
    ("pattern", "first"), [("day first", (2023, 2, 1)), ("month first", (2023, 1, 2))]
)
def test_the_order_can_be_set(pattern: str, first: tuple[int, ...]) -> None:
    result = decided(["01/02/2023", "03/04/2023"], pattern=pattern)
    assert result.certain
    assert result.form.read("01/02/2023") == seconds(*first)


def test_the_default_form_is_iso() -> None:
    result = decided(["2023-01-02", "2023-03-04 10:00"])
    assert result.form == DateForm() == DateForm(ISO)
    assert result.certain
