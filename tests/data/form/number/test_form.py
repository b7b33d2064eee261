"""The form of numbers: strict reading, words, JSON."""

import copy
import itertools
import json
import math
import pickle
import re
from dataclasses import replace

import pytest

from pellucid.data.form.number import units
from pellucid.data.form.number.form import NumberForm, number_form_from_json
from pellucid.data.form.number.units import unit_key, unit_pattern
from pellucid.errors import ModelFileError

COMMA = NumberForm(",", ".")
DOLLARS = NumberForm(".", ",", prefix="$", parentheses=True)


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (NumberForm(), "5", 5),
        (NumberForm(), "1e-5", 1e-5),
        (NumberForm(), "- 5", -5),
        (NumberForm(), "−5", -5),
        (NumberForm(), "12345678901234567890", 12345678901234567890.0),
        (NumberForm(), "1e300", 1e300),
        (NumberForm(), "1E400", math.inf),
        (NumberForm(), "-inf", -math.inf),
        (NumberForm(), "∞", math.inf),
        (COMMA, "inf", math.inf),
        (COMMA, "1.#INF", math.inf),
        (COMMA, "1.234", 1234),
        (COMMA, "1234,5", 1234.5),
        (COMMA, "1,5E+3", 1500),
        (DOLLARS, "5", 5),
        (DOLLARS, "($1,234.50)", -1234.5),
        (DOLLARS, "$ -", 0),
        (DOLLARS, "-$\u00a05", -5),
        (NumberForm(suffix="months"), "1 month", 1),
        (NumberForm(suffix="months"), "36", 36),
        (NumberForm(",", suffix="€"), "5,-", 5),
        (NumberForm(multiple="k"), "5k", 5),
        (NumberForm(scaled=True), "5.1M", 5.1e6),
        (NumberForm(scaled=True), "5.1", 5.1),
        (NumberForm(".", ",", indian=True), "1,23,456", 123456),
        (NumberForm(".", ",", indian=True), "123,456", 123456),
        (NumberForm(negative_word="DR", positive_word="CR"), "5 dr", -5),
        (NumberForm(negative_word="DR", positive_word="CR"), "5 Cr", 5),
    ],
)
def test_a_form_reads_its_numbers(form: NumberForm, text: str, value: float) -> None:
    assert form.read(text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (NumberForm(), "1,5"),
        (NumberForm(), "1,234"),
        (NumberForm(), "1_000"),
        (NumberForm(), "1 234"),
        (NumberForm(), "5-"),
        (NumberForm(), "(5)"),
        (NumberForm(), "$5"),
        (NumberForm(), "5 kg"),
        (NumberForm(), "5k"),
        (NumberForm(), "0x1F"),
        (NumberForm(), "--5"),
        (NumberForm(), ""),
        (NumberForm(), "."),
        (NumberForm(), "True"),
        (NumberForm(","), "1.5"),
        (NumberForm(","), "1.234"),
        (COMMA, "0.125"),
        (COMMA, "1.23"),
        (COMMA, "1.2345"),
        (COMMA, "12.34.567"),
        (COMMA, "1.234.5"),
        (COMMA, "1,234.5"),
        (DOLLARS, "€5"),
        (DOLLARS, "($5"),
        (DOLLARS, "$5)"),
        (DOLLARS, "-($5)"),
        (DOLLARS, "$5-"),
        (NumberForm(trailing_minus=True), "-5-"),
        (NumberForm(suffix="kg"), "5 g"),
        (NumberForm(suffix="kg"), "5.kg"),
        (NumberForm(suffix="kg", unit_required=True), "5"),
        (NumberForm(prefix="$", suffix="/kg", unit_required=True), "$5"),
        (NumberForm(multiple="k"), "5"),
        (NumberForm(scaled=True), "5kk"),
        (NumberForm(".", ","), "1,23,456"),
        (NumberForm(negative_word="DR"), "-5 DR"),
    ],
)
def test_a_form_reads_nothing_else(form: NumberForm, text: str) -> None:
    assert form.read(text) is None


@pytest.mark.parametrize(
    ("form", "text"), [(NumberForm(), "-0"), (DOLLARS, "-$0.0"), (COMMA, "−0,0")]
)
def test_zero_keeps_its_sign(form: NumberForm, text: str) -> None:
    value = form.read(text)
    assert value == 0 and math.copysign(1, value) == -1


def test_nan_is_nan() -> None:
    value = COMMA.read("NaN")
    assert value is not None and math.isnan(value)


def test_the_unit_joins_what_stands_before_and_after() -> None:
    assert NumberForm().unit == ""
    assert NumberForm(suffix="kg").unit == "kg"
    assert NumberForm(prefix="€", suffix="€").unit == "€"
    assert NumberForm(prefix="$", suffix="/kg").unit == "$/kg"
    assert NumberForm(multiple="Mio.", suffix="€").unit == "Mio. €"


def test_a_form_is_described_in_words() -> None:
    assert NumberForm().describe() == "numbers with a decimal point"
    assert (
        replace(COMMA, suffix="€", trailing_minus=True).describe()
        == "numbers with a decimal comma and a point between thousands, negative as 5-, in €"
    )


FORMS = [
    NumberForm(),
    COMMA,
    DOLLARS,
    NumberForm("\u066b", "\u066c", suffix="%", whole=True),
    NumberForm(".", ",", indian=True, prefix="Rs.", unit_required=True),
    NumberForm(scaled=True, negative_word="DR", positive_word="CR"),
    NumberForm(multiple="Mio.", suffix="€", trailing_minus=True),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_comes_back_from_json_and_pickle(form: NumberForm) -> None:
    form.read("5")
    again = number_form_from_json(json.loads(json.dumps(form.to_json())), "columns[0].form")
    assert again == form
    assert pickle.loads(pickle.dumps(form)) == copy.deepcopy(form) == form  # noqa: S301


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decimal", ";"),
        ("decimal", None),
        ("thousands", "x"),
        ("thousands", "."),
        ("indian", 1),
        ("prefix", "(a+)+$"),
        ("prefix", "12"),
        ("multiple", "x"),
        ("suffix", "5"),
        ("suffix", "a" * 100),
        ("suffix", ["kg"]),
        ("negative_word", "XX"),
        ("whole", "yes"),
        ("unknown", 1),
    ],
)
def test_damaged_json_is_refused_with_its_path(name: str, value: object) -> None:
    entries = {**NumberForm().to_json(), name: value}
    with pytest.raises(ModelFileError, match=r"columns\[3\]\.form"):
        number_form_from_json(entries, "columns[3].form")


@pytest.mark.parametrize("value", [None, [], "form", {}])
def test_what_is_no_form_is_refused(value: object) -> None:
    with pytest.raises(ModelFileError, match="form"):
        number_form_from_json(value, "form")


def test_the_pattern_of_a_unit_matches_the_spellings_with_its_key() -> None:
    words = {
        *units._CASE_MATTERS,
        *units._CASE_FOLDED,
        *units._CURRENCY_WORDS,
        *["EUR", "USD", "$", "US$", "m", "M", "MPa", "mPa", "apples", "bed", "/kg", "l/100km"],
    }
    words |= {case(word) for word in words for case in (str.lower, str.upper, str.title)}
    words |= {f"{word}s" for word in words if word.isalpha()}
    keys = {word: unit_key(word) for word in words}
    patterns = {word: re.compile(unit_pattern(word)) for word in words}
    for _, alike in itertools.groupby(sorted(words, key=initials), initials):
        for one, other in itertools.product(alike, repeat=2):
            same = patterns[one].fullmatch(other) is not None
            assert same == (keys[one] == keys[other]), (one, other)


def initials(word: str) -> str:
    return word.lower()[:2]


def test_whole_numbers_are_described_without_a_decimal_mark() -> None:
    assert NumberForm(whole=True).describe() == "whole numbers"
    grouped = NumberForm(thousands="'", whole=True, prefix="CHF")
    assert grouped.describe() == "whole numbers with an apostrophe between thousands, in CHF"


def test_a_final_double_s_is_no_plural() -> None:
    assert unit_key("gross") != unit_key("gros")
    assert unit_key("Gross") == unit_key("GROSS")
