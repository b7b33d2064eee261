"""The options that say how a table is written, from the command line to the table."""

import pytest
import typer

from pellucid.cli.reading_options import reading_options
from pellucid.data import ReadOptions


def test_options_by_column() -> None:
    options = reading_options(
        "tab", ",", False, "cp1252", ["-", "?"], ["day=%d/%m/%Y", "a=b=day first"], ["zip=category"]
    )
    assert options == ReadOptions(
        separator="tab",
        decimal=",",
        header=False,
        encoding="cp1252",
        missing=("-", "?"),
        date_formats={"day": "%d/%m/%Y", "a=b": "day first"},
        kinds={"zip": "category"},
    )
    assert reading_options(None, None, None, None, [], [], []) == ReadOptions()


@pytest.mark.parametrize(
    ("separator", "kinds", "expected"),
    [
        (";;", [], "cannot separate columns"),
        (None, ["zip"], "is not COLUMN=SETTING"),
        (None, ["=text"], "is not COLUMN=SETTING"),
        (None, ["zip=float"], "no kind of a column"),
        (None, ["zip=text", "zip=drop"], "both text and drop"),
    ],
)
def test_wrong_options_are_usage_errors(
    separator: str | None, kinds: list[str], expected: str
) -> None:
    with pytest.raises(typer.BadParameter, match=expected):
        reading_options(separator, None, None, None, None, None, kinds)
