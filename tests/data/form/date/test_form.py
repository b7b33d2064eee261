"""Reading dates by their form."""

from __future__ import annotations

import copy
import pickle
import random
import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.form.date.evidence import DateEvidence
from pellucid.data.form.date.form import DateForm, date_form_from_json, named_form
from pellucid.data.form.date.reader import ISO
from pellucid.data.form.date.special import SPECIAL
from pellucid.errors import DataError, ModelFileError
from tests.data.form.date.styles import STYLES, seconds

PATTERNS = sorted({style.pattern for style in STYLES.values()} | set(SPECIAL))


def moments(seed: int, short: bool, count: int = 30) -> list[datetime]:
    """Random times of the years 1900 to 2100, or of those that two digits can say."""
    dice = random.Random(seed)
    first, last = (
        (datetime(1969, 1, 1), datetime(2069, 1, 1))
        if short
        else (
            datetime(1900, 1, 1),
            datetime(2101, 1, 1),
        )
    )
    span = int((last - first).total_seconds())
    return [first + timedelta(seconds=dice.randrange(span)) for _ in range(count)]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("name", STYLES)
def test_dates_come_back_as_they_were_written(name: str, seed: int) -> None:
    style = STYLES[name]
    times = moments(seed, style.short)
    texts = [style.write(t) for t in times]
    evidence = DateEvidence("x")
    evidence.add(texts, [1] * len(texts))
    decided = evidence.decide()
    assert decided is not None
    assert decided.form.pattern == style.pattern
    assert (decided.share, decided.certain) == (1.0, True)
    assert [decided.form.read(text) for text in texts] == [seconds(style.keeps(t)) for t in times]
    assert date_form_from_json(decided.form.to_json(), "form") == decided.form


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATTERNS), st.text(max_size=40))
def test_no_text_is_an_error(pattern: str, text: str) -> None:
    value = DateForm(pattern, ("English", "German")).read(text)
    assert value is None or abs(value) < 1e13


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(STYLES)),
    st.integers(0, 10**6),
    st.integers(0, 30),
    st.sampled_from([*"0139-/.: TZjanQW", "é", "\u0661", "", "٣", "\n"]),
)
def test_a_damaged_text_is_read_in_the_same_form_or_not_at_all(
    name: str, seed: int, at: int, sign: str
) -> None:
    style = STYLES[name]
    text = style.write(moments(seed, style.short, 1)[0])
    damaged = text[:at] + sign + text[at + 1 :]
    evidence = DateEvidence()
    evidence.add([text, damaged], [1, 1])
    evidence.decide()
    value = DateForm(style.pattern, ("English",)).read(damaged)
    assert value is None or (value == int(value) and -62_135_596_800 <= value < 253_402_300_800)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            *("%d/%m/%Y", "%m/%d/%y", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%Y%m%d", "%Y%j"),
            *(
                "%d %b %Y",
                "%B %d, %Y",
                "%I:%M %p on %d/%m/%Y",
                "%A %d %B %Y",
                "%H:%M:%S.%f %Y-%m-%d",
            ),
            *("[%d/%b/%Y:%H:%M:%S %z]", "%Y-%m-%dT%H:%M:%SZ", "%d%m%y", "%d%%%m%%%Y"),
        ]
    ),
    st.datetimes(datetime(1969, 1, 1), datetime(2068, 12, 31)),
)
def test_patterns_agree_with_strptime(pattern: str, moment: datetime) -> None:
    text = moment.strftime(pattern.replace("%z", "+0200"))
    wanted = datetime.strptime(text, pattern).replace(tzinfo=None, microsecond=0)
    assert named_form(pattern).read(text) == seconds(wanted)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*(f"%{c}" for c in "YymdbBaAHIMSfpzZjGVuq%[]"), *" -/.:T[]{}()*+?\\WQé"]),
        max_size=10,
    ),
    st.text(alphabet="0123456789 -/.:TjanWQ[]", max_size=12),
)
def test_any_pattern_is_a_form_or_refused(parts: list[str], text: str) -> None:
    try:
        form = named_form("".join(parts))
    except DataError:
        return
    assert form.read(text) is None or form.kind in ("date", "time")
    assert form.describe()
    assert date_form_from_json(form.to_json(), "form") == form


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("%d.%m.%Y", "1.2.2023", (2023, 2, 1)),
        ("%d.%m.%Y", "01.02.2023.", (2023, 2, 1)),
        ("%d.%m.%Y", "1/2/2023", None),
        ("%d.%m.%Y", "31.02.2023", None),
        ("%d.%m.%Y", "29.02.2023", None),
        ("%d.%m.%Y", "29.02.2024", (2024, 2, 29)),
        ("%d.%m.%Y", "01.13.2023", None),
        ("%d.%m.%Y", "00.01.2023", None),
        ("%d.%m.%Y", "01.02.23", None),
        ("%d.%m.%Y", "01.02.2023 10:00", None),
        ("%d.%m.%Y", "01.01.0000", None),
        ("%d.%m.%Y", "01.01.0001", (1, 1, 1)),
        ("%d.%m.%Y", "31.12.9999", (9999, 12, 31)),
        ("%d.%m.%Y", "１.２.2023", None),
        ("%d.%m.%Y %H:%M", "31.12.9999 24:00", None),
        ("%d.%m.%Y %H:%M", "31.12.2022 24:00", (2023, 1, 1)),
        ("%d.%m.%Y %H:%M", "31.12.2022 24:01", None),
        ("%d.%m.%Y %H:%M", "31.12.2022 25:00", None),
        ("%d.%m.%Y %H:%M", "31.12.2022 9:60", None),
        ("%d.%m.%Y %H:%M", "31.12.2022T09:05", (2022, 12, 31, 9, 5)),
        ("%d.%m.%Y %H:%M", "31.12.2022, 9:05 Uhr", (2022, 12, 31, 9, 5)),
        ("%d.%m.%Y[ %H:%M[:%S]]", "31.12.2022", (2022, 12, 31)),
        ("%d.%m.%Y[ %H:%M[:%S]]", "31.12.2022 10:11:12,75", (2022, 12, 31, 10, 11, 12)),
        ("%y-%m-%d", "69-01-01", (1969, 1, 1)),
        ("%y-%m-%d", "68-01-01", (2068, 1, 1)),
        (ISO, "1969-12-31T23:59:59.9", (1969, 12, 31, 23, 59, 59)),
        (ISO, "2023-01-02 03:04:05+02:00", (2023, 1, 2, 3, 4, 5)),
        (ISO, "2023-01-02T03:04Z", (2023, 1, 2, 3, 4)),
        (ISO, "2023-01-02 03:04:05 UTC", (2023, 1, 2, 3, 4, 5)),
        (ISO, "2023-01-02T03:04:05+01:00[Europe/Berlin]", (2023, 1, 2, 3, 4, 5)),
        (ISO, "2023-01-02T24:00:00", (2023, 1, 3)),
        (ISO, "2023-1-2", (2023, 1, 2)),
        (ISO, "2023-01-02 03:04:05.123456789", (2023, 1, 2, 3, 4, 5)),
        (ISO, "20230102", None),
        (ISO, "2023-W01-1", None),
        (ISO, "2023-01", None),
        ("%m/%d/%Y %I:%M %p", "1/2/2023 12:30 AM", (2023, 1, 2, 0, 30)),
        ("%m/%d/%Y %I:%M %p", "1/2/2023 12:30 PM", (2023, 1, 2, 12, 30)),
        ("%m/%d/%Y %I:%M %p", "1/2/2023 1:30p.m.", (2023, 1, 2, 13, 30)),
        ("%m/%d/%Y %I:%M %p", "1/2/2023 11:30 a. m.", (2023, 1, 2, 11, 30)),
        ("%m/%d/%Y %I:%M %p", "1/2/2023 13:30 PM", None),
        ("%Y-%j", "2023-366", None),
        ("%Y-%j", "2024-366", (2024, 12, 31)),
        ("%Y-%j", "2023-000", None),
        ("%G-W%V", "2020-W53", (2020, 12, 28)),
        ("%G-W%V", "2021-W53", None),
        ("%YQ%q", "2023Q5", None),
    ],
)
def test_what_a_form_reads(pattern: str, text: str, wanted: tuple[int, ...] | None) -> None:
    date = None if wanted is None else seconds(datetime(*wanted))  # type: ignore[arg-type]
    assert DateForm(pattern).read(text) == date


@pytest.mark.parametrize(
    ("text", "languages", "month"),
    [
        ("3 March 2021", ("English",), 3),
        ("3 MAR 2021", ("English",), 3),
        ("3 März 2021", ("English",), None),
        ("3 März 2021", ("German",), 3),
        ("3 Ma\u0308rz 2021", ("German",), 3),
        ("3. Marz 2021", ("German",), 3),
        ("3 Marc 2021", ("English",), None),
        ("3rd of March 2021", ("English",), 3),
        ("1er août 2021", ("French",), 8),
        ("3 de setembro de 2021", ("Portuguese",), 9),
        ("3. heinäkuuta 2021", ("Finnish",), 7),
        ("3. července 2021", ("Czech",), 7),
        ("3. června 2021", ("Czech",), 6),
        ("3  2021", ("English",), None),
    ],
)
def test_names_of_months(text: str, languages: tuple[str, ...], month: int | None) -> None:
    day = 1 if text.startswith("1") else 3
    wanted = None if month is None else seconds(datetime(2021, month, day))
    assert DateForm("%d %b %Y", languages).read(text) == wanted


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("%H:%M", "14:30", 52_200),
        ("%H:%M", "24:00", 0),
        ("%H:%M", "9:05", 32_700),
        ("%I:%M %p", "2:30 PM", 52_200),
        ("%H:%M:%S", "14:30:15.5", 52_215),
        ("%H:%M[:%S]", "14:30", 52_200),
        ("%H:%M", "25:00", None),
    ],
)
def test_times_of_day(pattern: str, text: str, wanted: int | None) -> None:
    form = DateForm(pattern)
    assert form.kind == "time"
    assert form.read(text) == wanted


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (ISO, "dates written year-month-day"),
        ("%d.%m.%Y %H:%M", "dates written day.month.year, hours:minutes"),
        ("%d.%m.%Y[ %H:%M[:%S]]", "dates written day.month.year, some with hours:minutes:seconds"),
        ("%m/%d/%y", "dates written month/day/year, years of two digits"),
        ("%I:%M %p", "times of day written hours:minutes AM/PM"),
        ("%Y%m%d", "dates written yyyymmdd"),
        ("%b %d, %Y", "dates written month day, year"),
        ("%G-W%V", "dates written year-week"),
        ("unix seconds", "dates in seconds since 1970-01-01"),
        ("duration h:m:s", "durations in hours:minutes:seconds"),
    ],
)
def test_forms_say_how_they_are_written(pattern: str, words: str) -> None:
    assert DateForm(pattern).describe() == words


def test_languages_other_than_english_are_named() -> None:
    form = DateForm("%d %b %Y", ("German",))
    assert form.describe() == "dates written day month year, with German names"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("%d/%m", "no year"),
        ("%d/%Q/%Y", "'%Q' is no directive"),
        ("%d/%d/%Y", "'%d' occurs twice"),
        ("dd/mm/yyyy", "no directive"),
        ("", "no directive"),
        ("%", "'%' is no directive"),
        ("%H:%M %p", "AM and PM go with %I"),
        ("%M:%S", "time of day"),
        ("%Y-%m-%d" + "x" * 100, "at most 100"),
        ("%Y %d", "do not make a date"),
    ],
)
def test_a_text_that_is_no_pattern_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(DataError, match=re.escape(reason)) as error:
        named_form(pattern)
    assert "'day first'" in str(error.value)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"pattern": "%Q"}, "form.pattern"),
        ({"pattern": "%Y]"}, "form.pattern"),
        ({"pattern": "%Y[ ][ ]"}, "form.pattern"),
        ({"pattern": 3}, "form.pattern"),
        ({"languages": ["Klingon"]}, "form.languages"),
        ({"languages": "English"}, "form.languages"),
        ({"pivot": 101}, "form.pivot"),
        ({"pivot": -1}, "form.pivot"),
        ({"form": "number"}, "form.form"),
        ({"more": 1}, "form has the unknown"),
    ],
)
def test_damaged_json_is_refused(change: dict[str, object], where: str) -> None:
    with pytest.raises(ModelFileError, match=re.escape(where)):
        date_form_from_json({**DateForm().to_json(), **change}, "form")


def test_the_pivot_is_part_of_the_form() -> None:
    form = DateForm("%d.%m.%y", (), 30)
    assert form.read("01.01.30") == seconds(datetime(1930, 1, 1))
    assert form.read("01.01.29") == seconds(datetime(2029, 1, 1))
    assert date_form_from_json(form.to_json(), "form") == form


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("%m/%d/%Y %H:%M", "day first", "%d/%m/%Y %H:%M"),
        ("%m/%d/%Y", "month first", "%m/%d/%Y"),
        ("%H:%M %d.%m.%y", "Month-First", "%H:%M %m.%d.%y"),
        (ISO, "day first", ISO),
        ("%d %b %Y", "month first", "%d %b %Y"),
        ("unix seconds", "day first", "unix seconds"),
        ("%m/%d/%Y", "%d/%m/%Y", "%d/%m/%Y"),
        (ISO, "Unix Seconds", "unix seconds"),
    ],
)
def test_the_form_that_a_user_asks_for(pattern: str, text: str, wanted: str) -> None:
    assert DateForm(pattern).asked(text).pattern == wanted


def test_forms_are_copied_and_pickled() -> None:
    form = DateForm("%d.%m.%Y")
    assert form.read("01.02.2023") is not None
    assert pickle.loads(pickle.dumps(form)) == copy.deepcopy(form) == form  # noqa: S301
