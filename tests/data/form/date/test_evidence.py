"""How the form of dates is decided from all texts of a column."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.form.date.evidence import DateEvidence
from pellucid.data.form.date.form import DateForm, date_form_from_json
from pellucid.data.form.date.reader import ISO
from pellucid.data.form.decided import Decided
from tests.data.form.date.styles import seconds

Maybe = Decided[DateForm] | None


def decide(
    texts: list[str],
    name: str = "x",
    pattern: str | None = None,
    wanted: bool = False,
    chunk: int = 10**6,
) -> Maybe:
    evidence = DateEvidence(name)
    distinct = list(dict.fromkeys(texts))
    counts = [texts.count(text) for text in distinct]
    for start in range(0, len(distinct), chunk):
        evidence.add(distinct[start : start + chunk], counts[start : start + chunk])
    return evidence.decide(pattern, wanted)


def decided(
    texts: list[str], name: str = "x", pattern: str | None = None, wanted: bool = False
) -> Decided[DateForm]:
    result = decide(texts, name, pattern, wanted)
    assert result is not None
    assert date_form_from_json(result.form.to_json(), "form") == result.form
    return result


def pattern_of(texts: list[str], name: str = "x") -> str | None:
    result = decide(texts, name)
    return None if result is None else result.form.pattern


def days(*parts: tuple[int, int, int]) -> list[int]:
    return [seconds(datetime(*each)) for each in parts]


def test_few_days_of_hours_are_decided_by_even_steps() -> None:
    """1 to 6 February, or 2 January to 2 June: only the first has an hour between all of them."""
    times = [datetime(2023, 2, 1) + timedelta(hours=hour) for hour in range(140)]
    texts = [f"{t.day:02}/{t.month:02}/{t.year} {t.hour:02}:00" for t in times]
    result = decided(texts)
    assert result.form.pattern == "%d/%m/%Y %H:%M" and not result.certain
    assert "evenly spaced" in result.evidence


def test_first_days_of_months_are_no_days_in_a_row() -> None:
    texts = [f"01-{month:02}-2023" for month in range(1, 13)]
    assert decided(texts).form.pattern == "%d-%m-%Y"


def test_an_hourly_column_is_decided_from_all_of_its_texts() -> None:
    times = [datetime(2023, 1, 1) + timedelta(hours=hour) for hour in range(500)]
    texts = [f"{t.day:02}/{t.month:02}/{t.year} {t.hour:02}:00" for t in times]
    for chunk in (1000, 50, 1):
        result = decide(texts, chunk=chunk)
        assert result is not None
        assert result.form.pattern == "%d/%m/%Y %H:%M"
        assert (result.share, result.certain, result.distinct) == (1.0, True, 64)
        assert result.evidence == ("212 of 500 different texts fit only if the day comes first")
    form = decided(texts).form
    assert [form.read(text) for text in texts] == [seconds(t) for t in times]
    assert form.read("02/11/2023 05:00") == seconds(datetime(2023, 11, 2, 5))


def test_texts_that_fit_the_other_order_only_are_not_read() -> None:
    result = decided(["13/01/2023", "14/01/2023", "15/02/2023", "01/02/2023", "02/28/2023"])
    assert result.form.pattern == "%d/%m/%Y"
    assert (result.share, result.certain) == (0.8, False)
    assert result.form.read("02/28/2023") is None
    assert result.form.read("01/02/2023") == seconds(datetime(2023, 2, 1))
    assert result.evidence == (
        "3 of 5 different texts fit only if the day comes first, "
        "and 1 only if the month comes first"
    )


def test_one_mistyped_date_among_many_leaves_no_doubt() -> None:
    texts = [f"{day}/0{month}/2023" for day in range(10, 29) for month in range(1, 5)]
    result = decided([*texts, "02/13/2023"])
    assert (result.form.pattern, result.certain) == ("%d/%m/%Y", True)


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("day first", (2023, 2, 1)),
        ("month first", (2023, 1, 2)),
        ("Day-First", (2023, 2, 1)),
        (" month_first", (2023, 1, 2)),
    ],
)
def test_the_order_can_be_set(pattern: str, first: tuple[int, int, int]) -> None:
    result = decided(["01/02/2023", "03/04/2023"], pattern=pattern)
    assert result.certain
    assert result.form.read("01/02/2023") == seconds(datetime(*first))


def test_an_order_that_fits_no_text_is_no_form() -> None:
    assert decide(["13/01/2023", "14/01/2023"], pattern="month first") is None


@pytest.mark.parametrize("pattern", ["day first", "month first"])
def test_the_order_says_nothing_about_years_that_come_first(pattern: str) -> None:
    assert decided(["2023-01-02", "2023-03-04"], pattern=pattern).form == DateForm()


@pytest.mark.parametrize(
    ("mark", "first"), [("/", "%m/%d/%Y"), (".", "%d.%m.%Y"), ("-", "%d-%m-%Y")]
)
def test_without_evidence_the_mark_decides(mark: str, first: str) -> None:
    result = decided([f"02{mark}01{mark}2023", f"01{mark}05{mark}2023", f"03{mark}02{mark}2022"])
    assert (result.form.pattern, result.certain) == (first, False)
    assert result.evidence.startswith("no text has a day above 12")


@pytest.mark.parametrize(("day_first", "pattern"), [(True, "%d/%m/%Y"), (False, "%m/%d/%Y")])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_of_the_rows_is_evidence(day_first: bool, pattern: str, backwards: bool) -> None:
    pairs = [(month, day) for month in range(1, 5) for day in range(1, 13)]
    texts = [f"{d:02}/{m:02}/2023" if day_first else f"{m:02}/{d:02}/2023" for m, d in pairs]
    result = decided(texts[::-1] if backwards else texts)
    assert (result.form.pattern, result.certain) == (pattern, False)
    assert "in order of time" in result.evidence
    random.Random(0).shuffle(texts)
    assert "in order of time" not in decided(texts).evidence


@pytest.mark.parametrize(("day_first", "pattern"), [(True, "%d/%m/%Y"), (False, "%m/%d/%Y")])
def test_first_days_of_months_are_evidence(day_first: bool, pattern: str) -> None:
    pairs = [(year, month) for year in (2021, 2022, 2023) for month in range(1, 13)]
    texts = [f"01/{m:02}/{y}" if day_first else f"{m:02}/01/{y}" for y, m in pairs]
    result = decided(texts)
    assert (result.form.pattern, result.certain) == (pattern, False)
    assert result.evidence.startswith("each date is the first of a month")


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["Mon 02/01/2023", "Tue 03/01/2023", "Sat 01/04/2023"], "%a %d/%m/%Y"),
        (["Wed 02/01/2023", "Wed 03/01/2023", "Wed 01/04/2023"], "%a %m/%d/%Y"),
    ],
)
def test_weekdays_tell_day_from_month(texts: list[str], pattern: str) -> None:
    result = decided(texts)
    assert (result.form.pattern, result.certain, result.share) == (pattern, True, 1.0)


def test_two_digit_years_that_come_first() -> None:
    assert pattern_of(["95-01-02", "96-03-04"]) == "%y-%m-%d"
    close = [f"21-{month:02}-{day:02}" for month in range(12, 0, -3) for day in (5, 12, 1, 9)]
    random.Random(1).shuffle(close)
    result = decided(close)
    assert (result.form.pattern, result.certain) == ("%y-%m-%d", False)
    assert result.evidence == "the dates lie closest together if the year comes first"


def test_years_days_months_are_taken_only_where_nothing_else_fits() -> None:
    assert pattern_of(["2023-01-02", "2023-05-06"]) == ISO
    assert pattern_of(["2023-01-02", "2023-16-05", "2023-28-05"]) == "%Y-%d-%m"
    assert pattern_of(["2023-13-01", "2023-01-14", "2023-01-15"]) == ISO


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["16.01.2023", "17.01.2023 10:00"], "%d.%m.%Y[ %H:%M]"),
        (["16.01.2023 10:00", "17.01.2023 10:00:15"], "%d.%m.%Y %H:%M[:%S]"),
        (["16.01.2023", "17.01.2023 10:00", "18.01.2023 10:00:15"], "%d.%m.%Y[ %H:%M[:%S]]"),
        (["16.01.2023 10:00", "17.01.2023 10:00 +0200"], "%d.%m.%Y %H:%M[%z]"),
        (["16.01.2023 10:00Z", "17.01.2023 10:00 UTC"], "%d.%m.%Y %H:%M%z"),
        (["1/16/2023 1 PM", "1/17/2023 1:30 PM", "1/18/2023 2:30 PM"], "%m/%d/%Y %I:%M %p"),
        (["20230116T1000", "20230117T101112"], "%Y%m%dT%H%M[%S]"),
        (["10:00 16.01.2023", "10:00:15 17.01.2023"], "%H:%M[:%S] %d.%m.%Y"),
        (["10:00", "13:00:15", "14:00"], "%H:%M[:%S]"),
        (["2023-01-16 10", "2023-01-16 11"], "%Y-%m-%d %H"),
        (["2023-01-16", "2023-01-17T10:00:00.5+01:00"], ISO),
    ],
)
def test_what_some_texts_lack_is_optional(texts: list[str], pattern: str) -> None:
    assert pattern_of(texts) == pattern


def test_a_time_of_day_is_read_only_where_the_training_had_one() -> None:
    assert decided(["16.01.2023", "17.01.2023"]).form.read("16.01.2023 10:00") is None
    assert decided(["16.01.2023 10:00", "17.01.2023 9:00"]).form.read("16.01.2023") is None


def test_dates_of_other_marks_are_stray() -> None:
    result = decided(["16.01.2023", "17.01.2023", "18.01.2023", "18/01/2023"])
    assert result.share == 0.75
    assert result.form.read("18/01/2023") is None


@pytest.mark.parametrize(
    ("texts", "language", "months"),
    [
        (["3. März 2021", "5. Mai 2021", "6. Okt. 2021"], "German", [3, 5, 10]),
        (["3 janv. 2021", "5 févr. 2021", "7 août 2021"], "French", [1, 2, 8]),
        (["3 de enero de 2021", "4 de agosto de 2021"], "Spanish", [1, 8]),
        (["3 gen 2021", "4 mag 2021", "5 dic 2021"], "Italian", [1, 5, 12]),
        (["3 de março de 2021", "4 de maio de 2021"], "Portuguese", [3, 5]),
        (["3 mrt 2021", "4 mei 2021"], "Dutch", [3, 5]),
        (["3 stycznia 2021", "4 paź 2021"], "Polish", [1, 10]),
        (["3 mars 2021", "4 maj 2021", "5 juli 2021"], "Swedish", [3, 5, 7]),
        (["3. marts 2021", "4. maj 2021"], "Danish", [3, 5]),
        (["3. mai 2021", "4. des. 2021"], "Norwegian", [5, 12]),
        (["3. tammikuuta 2021", "4. kesäkuuta 2021"], "Finnish", [1, 6]),
        (["3. ledna 2021", "4. července 2021", "5. června 2021"], "Czech", [1, 7, 6]),
        (["3 января 2021", "4 мая 2021"], "Russian", [1, 5]),
        (["3 Mar 2021", "4 Apr 2021", "5 May 2021"], "English", [3, 4, 5]),
    ],
)
def test_names_of_months_in_many_languages(
    texts: list[str], language: str, months: list[int]
) -> None:
    result = decided(texts)
    assert result.form.languages[0] == language
    assert (result.share, result.form.pattern) == (1.0, "%d %b %Y")
    assert [result.form.read(text) for text in texts] == days(
        *(
            (2021, month, int(text.split(" ")[0].strip(".")))
            for month, text in zip(months, texts, strict=True)
        )
    )


def test_names_of_another_language_are_stray() -> None:
    texts = ["3 März 2021", "4 Mai 2021", "5 Oktober 2021", "6 December 2021"]
    result = decided(texts)
    assert (result.form.languages, result.share) == (("German",), 0.75)
    assert result.form.read("6 December 2021") is None


def test_a_name_of_several_languages_leaves_them_open() -> None:
    form = decided(["5 Mai 2021", "6 April 2021"]).form
    assert {"German", "Norwegian"} <= set(form.languages)
    assert form.read("7 März 2021") == seconds(datetime(2021, 3, 7))
    assert form.read("7 Desember 2021") == seconds(datetime(2021, 12, 7))


def test_weekdays_that_languages_dispute_are_no_obstacle() -> None:
    texts = ["Di 17.01.2023", "Di 24.01.2023"]
    result = decided(texts)
    assert result.share == 1.0
    assert [result.form.read(text) for text in texts] == days((2023, 1, 17), (2023, 1, 24))
    assert result.form.read("Xx 17.01.2023") is None


@pytest.mark.parametrize(
    ("texts", "name", "pattern"),
    [
        (["20230116", "20230117", "20230118"], "x", "%Y%m%d"),
        (["20230116", "20230117"], "x", None),
        (["20230116", "20230117"], "startDate", "%Y%m%d"),
        (["20230116", "20231317", "20230118"], "date", None),
        (["20230116", "20230117", "20230118", "99991231"], "x", "%Y%m%d"),
        (["20230116", "20230117", "20230118", "25551231"], "x", None),
        ([f"202301{day}" for day in range(10, 32)] + ["25551231"], "x", "%Y%m%d"),
        (["12345678", "23456789", "34567890"], "date", None),
        (["202301", "202302", "202303"], "x", None),
        (["202301", "202302", "202303"], "month", "%Y%m"),
        (["20230116103000", "20230116103001", "20230116103002"], "x", "%Y%m%d%H%M%S"),
        (["2023011610", "2023011611", "2023011612"], "x", "%Y%m%d%H"),
        (["16012023", "17012023", "01022023"], "x", "%d%m%Y"),
        (["01162023", "01172023", "02012023"], "x", "%m%d%Y"),
        (["20101201", "20101202", "20101203"], "x", "%Y%m%d"),
        ([str(1710111200 + 7 * i) for i in range(30)], "time", "unix seconds"),
        (["2020", "2021", "2022"], "date", None),
        (["1673859600", "1673859661"], "timestamp", "unix seconds"),
        (["1673859600123", "1673859661456"], "createdAt", "unix milliseconds"),
        (["1673859600123456", "1673859661456789"], "ts", "unix microseconds"),
        (["1673859600123456789", "1673859661456789123"], "time", "unix nanoseconds"),
        (["1673859600", "1673859661"], "x", None),
        (["5551234567", "5559876543"], "time", None),
        ([str(1673859600 + 3600 * i) for i in range(30)], "x", "unix seconds"),
        ([str(1673859600 + 3617 * i) for i in range(30)], "x", "unix seconds"),
        ([str(1673859600 + 3617 * (i * 7 % 30)) for i in range(30)], "x", None),
        ([str(1600000000 + i) for i in range(50)], "order", None),
        ([str(1003000126 + 18127 * i * i) for i in range(200)], "npi", None),
        ([str(1503000126 + 1127 * i * i) for i in range(60)], "customer", None),
        (["1673859600", "1673859661"], "data", None),
        (["01.2023", "02.2023", "11.2022"], "x", "%m.%Y"),
    ],
)
def test_numbers_are_dates_where_the_column_says_so(
    texts: list[str], name: str, pattern: str | None
) -> None:
    assert pattern_of(texts, name) == pattern


def test_digits_whose_order_is_open_are_not_certain() -> None:
    result = decided(["01022023", "03042023", "05062023"])
    assert (result.form.pattern, result.certain) == ("%d%m%Y", False)


def test_unix_times_without_a_name_are_not_certain() -> None:
    texts = [str(1673859600 + 3600 * i) for i in range(30)]
    assert not decided(texts).certain
    assert decided(texts, "timestamp").certain
    assert decided(["1673859600", "1673859601"], wanted=True).form.pattern == "unix seconds"


@pytest.mark.parametrize(
    ("texts", "name", "pattern", "certain"),
    [
        (["14:30", "2:15"], "x", "%H:%M", True),
        (["14:30:15", "02:15:00"], "x", "%H:%M:%S", True),
        (["2:30 PM", "11:15 AM"], "x", "%I:%M %p", True),
        (["2 PM", "11 AM"], "x", "%I %p", True),
        (["14:30:15", "25:15:00"], "x", "duration h:m:s", True),
        (["14:30:15", "02:15:00"], "duration", "duration h:m:s", True),
        (["0:58:34", "1:02:11", "0:59:01"], "x", "duration h:m:s", False),
        (["59:12", "1:02:33"], "x", "duration m:s", True),
        (["4:12.5", "3:58.25"], "x", "duration m:s", True),
        (["75:30", "12:10"], "x", "duration h:m:s", False),
        (["3 days 04:05:06", "04:05:06"], "x", "duration days h:m:s", True),
        (["1 day, 4:05:06", "2 days, 0:00:00"], "x", "duration days h:m:s", True),
        (["1h 30m", "45m"], "x", "duration units", True),
        (["P3DT4H", "PT5M30.5S"], "x", "duration ISO 8601", True),
    ],
)
def test_times_of_day_and_durations(
    texts: list[str], name: str, pattern: str, certain: bool
) -> None:
    result = decided(texts, name)
    assert (result.form.pattern, result.certain, result.share) == (pattern, certain, 1.0)


@pytest.mark.parametrize(
    "texts",
    [
        ["hello", "world"],
        ["1.9.1", "2.10.3", "1.10.2"],
        ["555-123-4567", "555-987-6543"],
        ["2009-10", "2010-11", "2011-12"],
        ["2009/10", "2010/11"],
        ["Jan 23", "Feb 22"],
        ["1234-05", "9876-11", "5555-01"],
        ["45m", "30m"],
        ["3 days", "5 days"],
        ["3:2", "1:0"],
        ["1/2", "3/4"],
        ["May", "June"],
        ["18-24", "25-34"],
        ["MAR12", "MAY05"],
        ["18-Jan", "19-Jan"],
        ["192.168.0.1"],
        ["P", "PT"],
        ["1", "0"],
        ["1.10", "2.5"],
        [],
        ["0000-00-00"],
        ["99:99"],
        ["Monday 12"],
    ],
)
def test_other_texts_are_no_dates(texts: list[str]) -> None:
    assert decide(texts) is None


@pytest.mark.parametrize("unset", ["0000-00-00", "0000-00-00 00:00:00"])
def test_dates_of_zeros_count_for_nothing(unset: str) -> None:
    result = decided(["2023-01-02", "2023-01-03"] + [unset] * 50)
    assert result.share == 1.0
    assert result.form.read(unset) is None
    number = decided(["20230102", "20230103", "20230104"] + ["0"] * 50)
    assert (number.form.pattern, number.share) == ("%Y%m%d", 1.0)


def test_months_with_two_digit_years_may_be_days() -> None:
    assert not decided(["Jan-18", "Mar-18"]).certain
    assert decided(["Jan-18", "Mar-95"]).certain
    assert decided(["Mar-2018", "Apr-2018"]).certain
    form = decided(["Mar-2018", "Apr-2018"]).form
    assert form.read("May-2019") == seconds(datetime(2019, 5, 1))


@pytest.mark.parametrize(
    ("pattern", "texts", "wanted"),
    [
        ("%d%m%y", ["160123", "010223"], days((2023, 1, 16), (2023, 2, 1))),
        ("excel", ["44942", "44943"], days((2023, 1, 16), (2023, 1, 17))),
        ("unix seconds", ["1673827200", "86400000"], days((2023, 1, 16), (1972, 9, 27))),
        ("%Y", ["2023", "2024"], days((2023, 1, 1), (2024, 1, 1))),
    ],
)
def test_a_pattern_can_be_set(pattern: str, texts: list[str], wanted: list[int]) -> None:
    result = decided([*texts, "other"], pattern=pattern)
    assert [result.form.read(text) for text in texts] == wanted
    assert (result.share, result.certain, result.distinct) == (2 / 3, True, 2)
    assert decide(["other"], pattern=pattern) is None


def test_counts_are_rows() -> None:
    evidence = DateEvidence()
    evidence.add(["16.01.2023", "?"], [30, 10])
    evidence.add(["17.01.2023"], [40])
    result = evidence.decide()
    assert result is not None
    assert (result.share, result.distinct) == (70 / 80, 2)


def test_a_long_column_of_other_texts_is_given_up() -> None:
    evidence = DateEvidence()
    texts = [f"comment {number}" for number in range(30_000)]
    evidence.add(texts, [1] * len(texts))
    evidence.add(["16.01.2023"], [1])
    assert evidence.decide() is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(alphabet="0123456789-/.: TZWQPadjnmMay", min_size=1, max_size=20), max_size=8)
)
def test_no_texts_are_an_error(texts: list[str]) -> None:
    result = decide(texts)
    if result is not None:
        assert 0 < result.share <= 1
        assert any(result.form.read(text) is not None for text in texts)
        assert date_form_from_json(result.form.to_json(), "form") == result.form
