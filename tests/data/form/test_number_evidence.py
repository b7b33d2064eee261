"""The decision for the form of a column of numbers."""

from collections.abc import Sequence

import pytest

from pellucid.data.form.number_evidence import DecidedNumber, NumberEvidence, common_decimal


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
