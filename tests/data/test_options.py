"""The options of reading: what they accept, and their JSON."""

from typing import Any

import pytest

from pellucid.data.options import ReadOptions, options_from_json
from pellucid.errors import DataError, ModelFileError

FULL = ReadOptions(
    separator="tab",
    decimal=",",
    header=False,
    encoding="cp1252",
    missing=("-", "n/a"),
    date_formats={"day": "%d/%m/%Y", "when": "month first"},
    kinds={"zip": "category", "note": "drop"},
)


@pytest.mark.parametrize("options", [ReadOptions(), FULL])
def test_options_survive_their_json(options: ReadOptions) -> None:
    assert options_from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("separator", "mark"), [("tab", "\t"), ("space", " "), ("\\t", "\t"), (";", ";"), (None, None)]
)
def test_separators_by_character_and_word(separator: str | None, mark: str | None) -> None:
    assert ReadOptions(separator=separator).delimiter == mark


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"separator": ";;"}, "cannot separate columns"),
        ({"separator": "a"}, "cannot separate columns"),
        ({"separator": '"'}, "cannot separate columns"),
        ({"separator": ""}, "cannot separate columns"),
        ({"separator": 1}, "is a text"),
        ({"decimal": ";"}, "decimal mark is"),
        ({"decimal": ",", "separator": ","}, "both as the separator"),
        ({"decimal": ",", "separator": "comma"}, "both as the separator"),
        ({"header": 1}, "header is True"),
        ({"encoding": "klingon"}, "is no text encoding"),
        ({"encoding": "unicode_escape"}, "is no text encoding"),
        ({"encoding": "idna"}, "is no text encoding"),
        ({"encoding": "rot13"}, "is no text encoding"),
        ({"encoding": "a\0b"}, "is no text encoding"),
        ({"missing": "NA"}, "a list of words"),
        ({"missing": (1,)}, "is not a text"),
        ({"kinds": {"a": "float"}}, "'float' is no kind of a column, for 'a'"),
        ({"kinds": ["a"]}, "mapping by columns"),
        ({"date_formats": {"a": 1}}, "from columns to texts"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        ReadOptions(**settings)


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        {},
        {**FULL.to_json(), "other": 1},
        {**FULL.to_json(), "header": "yes"},
        {**FULL.to_json(), "decimal": "x"},
        {**FULL.to_json(), "missing": [1]},
        {**FULL.to_json(), "kinds": {"a": 1}},
        {**FULL.to_json(), "kinds": []},
        {**FULL.to_json(), "encoding": "klingon"},
    ],
)
def test_damaged_json_is_refused(damaged: object) -> None:
    with pytest.raises(ModelFileError):
        options_from_json(damaged)


def test_stated_options_go_before_saved_ones() -> None:
    stated = ReadOptions(decimal=".", kinds={"zip": "text"}, date_formats={"new": "%Y"})
    both = stated.over(FULL)
    assert both.separator == "tab"
    assert both.header is False
    assert both.decimal == "."
    assert both.kinds == {"zip": "text", "note": "drop"}
    assert both.date_formats == {**FULL.date_formats, "new": "%Y"}
    assert ReadOptions().over(FULL) == FULL
