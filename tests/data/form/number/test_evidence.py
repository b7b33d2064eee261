"""The decision for the form of a column of numbers."""

from collections.abc import Sequence

import pytest

from pellucid.data.form.number.evidence import DecidedNumber, NumberEvidence, common_decimal


def decided(texts: Sequence[str], decimal: str | None = None) -> DecidedNumber:
    evidence = NumberEvidence()
    evidence.add(texts, [1] * len(texts))
    result = evidence.decide(decimal)
    assert result is not None
    return result


def values(texts: Sequence[str], decimal: str | None = None) -> list[float | None]:
    form = decided(texts, decimal).form
    return [form.read(text) for text in texts]


COLUMNS: dict[str, list[float]] = {
    "5|-5|-0.5|.5|5.|+5": [5, -5, -0.5, 0.5, 5, 5],
    "-$5|$5|$-7|- $8": [-5, 5, -7, -8],
    "($5)|$7|($1,234.50)|$(8)": [-5, 7, -1234.5, -8],
    "(5)|7|(1,000.5)": [-5, 7, -1000.5],
    "−5|\u20106|–7|8": [-5, -6, -7, 8],
    "5-|6|7 -|1,234.5-": [-5, 6, -7, -1234.5],
    "- 5|6|− 7": [-5, 6, -7],
    "5 €-|6 €|7- €": [-5, 6, -7],
    "0,125|1,375|2,500": [0.125, 1.375, 2.5],
    "0,125": [0.125],
    "-0,125|12,500": [-0.125, 12.5],
    "1.234,50|12|7,25": [1234.5, 12, 7.25],
    "1.234.567|1.234|12": [1234567, 1234, 12],
    "1,234,567|1,234|12": [1234567, 1234, 12],
    "1 234,5|12,25|1 234 567": [1234.5, 12.25, 1234567],
    "1\u00a0234,5|12,25": [1234.5, 12.25],
    "1\u202f234,5|12,25|1\u2009234": [1234.5, 12.25, 1234],
    "1'234.50|12.25|1’234": [1234.5, 12.25, 1234],
    "1_000|25|1_000_000": [1000, 25, 1000000],
    "12,34,567|1,000|1,00,000.5": [1234567, 1000, 100000.5],
    "1e5|1.5E+05|2e-3|1.5×10^5": [1e5, 1.5e5, 2e-3, 1.5e5],
    "12 %|13%|-4,5 %": [12, 13, -4.5],
    "5 kg|6KG|7kg": [5, 6, 7],
    "CHF 5'000.50|CHF 12": [5000.5, 12],
    "US $5|US $7.5": [5, 7.5],
    "5 $US|7 $US": [5, 7],
    "20 ° C|−4 ° C": [20, -4],
    "1.234,50 €|€ 7": [1234.5, 7],
    "R$ 1.234,56|R$ 7,00": [1234.56, 7],
    "Rs. 1,00,000|Rs.500": [100000, 500],
    "1 234,50 zł|7 zł": [1234.5, 7],
    "1 234 Kč|7 Kč": [1234, 7],
    "USD 5|USD 6.5": [5, 6.5],
    "20 °C|−4 °C|3.5°C": [20, -4, 3.5],
    "1 month|36 months": [1, 36],
    "5 m2|7 m2|8.5 m2": [5, 7, 8.5],
    "$5/kg|$6.50/kg": [5, 6.5],
    "٣٫٥|٤٫٢٥": [3.5, 4.25],
    "5|6|7 CR": [5, 6, -7],
    "5 CR|6 DR|7.5 CR": [5, -6, 7.5],
    "5 CR|6 CR": [5, 6],
    "$5|$ -|-$6|$-": [5, 0, -6, 0],
    "5,- €|7,25 €|-- €": [5, 7.25, 0],
}


@pytest.mark.parametrize("column", COLUMNS)
def test_columns_are_read_as_they_are_written(column: str) -> None:
    result = decided(column.split("|"))
    assert [result.form.read(text) for text in column.split("|")] == COLUMNS[column]
    assert result.share == 1 and result.certain


def test_three_digits_after_the_only_mark_are_decided_by_the_file() -> None:
    texts = ["987", "1.234", "12.500"]
    assert values(texts, ",") == [987, 1234, 12500]
    assert values(texts, ".") == [987, 1.234, 12.5]
    assert not decided(texts, ",").certain
    assert values(["1,375", "2,500"], ",") == [1.375, 2.5]
    assert values(["1,375"]) == [1375]
    assert not decided(["1,375"]).certain
    assert "'1,375'" in decided(["1,375"]).evidence


def test_the_decimal_mark_of_other_columns_changes_no_column_that_shows_its_own() -> None:
    assert values(["1.5", "2.25"], ",") == [1.5, 2.25]


def test_only_certain_columns_show_the_decimal_mark_of_the_file() -> None:
    assert decided(["1.234", "2.345"]).decimal_shown is None
    assert decided(["1.234", "2.345"], ",").decimal_shown is None
    assert decided(["1 234", "5"]).decimal_shown is None
    assert decided(["1.234.567", "2.345"]).decimal_shown == ","
    assert decided(["1.25", "2.345"]).decimal_shown == "."


def test_two_units_are_not_merged() -> None:
    for texts in (["5 kg", "300 g"], ["$5", "€5"], ["5 kg", "300 g", "7"]):
        result = decided(texts)
        assert result.share < 0.8
        assert result.note.startswith("Units differ")


@pytest.mark.parametrize("texts", [["abc"], ["1A", "2A", "1B"], ["1:30"], ["3+"], ["10-20"]])
def test_what_is_no_number_is_none(texts: list[str]) -> None:
    evidence = NumberEvidence()
    evidence.add(texts, [1] * len(texts))
    assert evidence.decide() is None


def test_the_common_decimal_mark_is_the_one_that_most_columns_show() -> None:
    comma, point, none = decided(["0,5"]), decided(["0.5"]), decided(["5"])
    assert common_decimal([comma, none, comma, point]) == ","
    assert common_decimal([comma, point]) is None
    assert common_decimal([none]) is None


SCALED: dict[str, list[float]] = {
    "€110.5M|€500K|€0": [110.5e6, 500e3, 0],
    "1.2k|950": [1200, 950],
    "19M|201k": [19e6, 201e3],
    "$5m|$300k": [5e6, 300e3],
    "5 Mio. €|3 Mrd. €|200 €": [5e6, 3e9, 200],
    "2,5 Tsd|3 Mio": [2500, 3e6],
    "₹5 Lakh|₹2 crore": [5e5, 2e7],
    "5.1M|2.3k": [5.1e6, 2.3e3],
}


@pytest.mark.parametrize("column", SCALED)
def test_several_multiples_are_scaled_with_a_note(column: str) -> None:
    result = decided(column.split("|"))
    assert [result.form.read(text) for text in column.split("|")] == SCALED[column]
    assert "multiplies by" in result.note


def test_a_multiple_of_all_numbers_is_the_unit() -> None:
    result = decided(["5k", "6k"])
    assert (result.form.unit, result.form.read("5k"), result.form.read("5")) == ("k", 5, None)


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        ("12|14B", [12, None]),
        ("12|13|14B|15C", [12, 13, None, None]),
        ("1|2|3m", [1, 2, None]),
        ("$5|$6m", [5, 6e6]),
    ],
)
def test_letters_of_names_multiply_nothing(column: str, numbers: list[float | None]) -> None:
    assert values(column.split("|")) == numbers


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("5 kg|6KG|7", "kg"),
        ("12 %|13%", "%"),
        ("€5|6 €", "€"),
        ("36 months|1 month", "months"),
        ("$5/kg|$6/kg", "$/kg"),
        ("5 €/Monat|6 €/Monat", "€/Monat"),
        ("5 lb|6 lbs", "lb"),
        ("5 l/100km|6 l/100km", "l/100km"),
        ('15.6"|13.3"', '"'),
        ("5|6", ""),
    ],
)
def test_the_unit_of_all_rows_is_kept(column: str, unit: str) -> None:
    result = decided(column.split("|"))
    assert (result.form.unit, result.share) == (unit, 1)


def test_numbers_without_the_unit_of_others_are_noted() -> None:
    assert "left out in 1" in decided(["5 kg", "6 kg", "7"]).note
    assert decided(["5 kg", "6 kg"]).note == ""


def test_where_units_differ_a_number_without_one_is_not_read() -> None:
    assert values(["5 kg", "6 kg", "300 g", "7"]) == [5, 6, None, None]


def test_percentages_among_more_fractions_are_not_read() -> None:
    assert values(["0.5", "0.25", "30%"]) == [0.5, 0.25, None]


@pytest.mark.parametrize(
    ("column", "is_code"),
    [
        ("007|012|123", True),
        ("01234|99501", True),
        ("0151234567|01709876", True),
        ("00|01|10|stray", True),
        ("4000123412341234567|4000123412341234568", True),
        ("12345678901234567|1234567890123456789|5", True),
        ("1000000000000000000|2000000000000000000", False),
        ("4000123412341234|4000123412341235", False),
        ("12345678901234567|5|6|7", False),
        ("12345678901234567.5|12345678901234568.5", False),
        ("0|1|10", False),
        ("0", False),
        ("001|1000|12", False),
        ("0.07|0.12", False),
        ("-007|012", False),
    ],
)
def test_codes_are_flagged(column: str, is_code: bool) -> None:
    assert bool(decided(column.split("|")).code) == is_code


def test_the_form_of_most_rows_wins_and_others_are_not_reread() -> None:
    assert values(["1.234,5", "2.345,5", "1,234.5"]) == [1234.5, 2345.5, None]
    evidence = NumberEvidence()
    evidence.add(["1.234,5", "1,234.5"], [1, 9])
    result = evidence.decide(",")
    assert result is not None
    assert (result.form.decimal, result.share, result.certain) == (".", 0.9, True)


def test_a_single_group_too_many_leaves_a_doubt() -> None:
    texts = [f"{i}.{i + 100}" for i in range(1, 100)]
    assert decided(texts).certain is False
    result = decided([*texts, "1.234.567"])
    assert not result.certain and "that reads more rows" in result.evidence
    several = decided([*texts, "1.234.567", "2.345.678", "3.456.789"])
    assert several.certain and several.decimal_shown == ","


def test_trailing_zeros_beside_short_whole_numbers_show_groups() -> None:
    assert values(["987", "1.234", "12.500"]) == [987, 1234, 12500]
    assert values(["1234", "1.234", "12.500"]) == [1234, 1.234, 12.5]
    assert values(["1.234", "12.500"]) == [1.234, 12.5]


def test_a_decimal_mark_that_a_person_set_is_not_overruled() -> None:
    evidence = NumberEvidence()
    evidence.add(["1.375", "2.500", "1.5"], [1, 1, 1])
    result = evidence.decide(",", required=True)
    assert result is not None
    assert [result.form.read(text) for text in ["1.375", "1.5"]] == [1375, None]


def test_whole_numbers_take_the_decimal_mark_of_the_file() -> None:
    assert decided(["5", "6"], ",").form.read("7,5") == 7.5
    assert decided(["5", "6"]).form.read("7.5") == 7.5
    assert decided(["5", "6"], ",").certain


def test_whole_says_whether_all_numbers_are() -> None:
    assert decided(["5", "-6", "1,234,567"]).form.whole
    assert decided(["5 kg", "1 234 kg"]).form.whole
    for texts in (["5", "6.0"], ["5", "1e3"], ["1,234", "0,5"], ["1.234"]):
        assert not decided(texts).form.whole


def test_chunks_count_as_one_column() -> None:
    evidence = NumberEvidence()
    for _ in range(3):
        evidence.add(["1,5", "abc", "inf"], [2, 1, 1])
    result = evidence.decide()
    assert result is not None
    assert (result.share, result.distinct, result.form.decimal) == (0.75, 1, ",")


def test_infinities_alone_are_no_numbers() -> None:
    evidence = NumberEvidence()
    evidence.add(["inf", "-Infinity", "NaN"], [1, 1, 1])
    assert evidence.decide() is None


def test_the_memory_of_many_texts_is_bounded() -> None:
    evidence = NumberEvidence()
    for start in range(0, 20_000, 5000):
        texts = [f"{number * 0.001:.3f}" for number in range(start, start + 5000)]
        evidence.add(texts, [1] * len(texts))
    result = evidence.decide()
    assert result is not None
    assert result.share == 1
    assert 64 <= result.distinct <= 64 * len(evidence._tally.writings)


def test_credit_words_beside_multiples_are_not_guessed() -> None:
    assert values(["₹5 Cr", "₹3 Lakh", "₹4 Lakh"]) == [None, 3e5, 4e5]


def test_numbers_in_several_forms_are_said_to_be_mixed() -> None:
    result = decided(["1.234,5", "2.345,5", "1,234.5", "abc"])
    assert (result.share, result.share_in_any_form) == (0.5, 0.75)
    assert result.note.startswith("Marks differ: '1.234,5'") and "'1,234.5'" in result.note
    units = decided(["5 kg", "300 g", "abc", "inf"])
    assert (units.share, units.share_in_any_form) == (0.5, 0.75)
