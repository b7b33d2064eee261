"""Dates as texts: months by their English names, whatever language the machine is set to."""

from __future__ import annotations

import calendar
import importlib
from datetime import date

import pytest

from pellucid.data.date_text import date_format, parse_date

DAY = 86_400


@pytest.fixture(params=["english", "german"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own names of the months, which it takes from the locale."""
    if request.param == "german":
        names = ["", "januar", "februar", "märz", "april", "mai", "juni"]
        names += ["juli", "august", "september", "oktober", "november", "dezember"]
        monkeypatch.setattr(calendar, "month_name", names)
        monkeypatch.setattr(calendar, "month_abbr", [name[:3] for name in names])
    parser = importlib.import_module("_strptime")
    monkeypatch.setattr(parser, "_TimeRE_cache", parser.TimeRE())
    parser._regex_cache.clear()


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("03-Mar-2021", "%d-%b-%Y"),
        ("3 mar 2021", "%d %b %Y"),
        ("3 March 2021", "%d %B %Y"),
        ("MAR 3, 2021", "%b %d, %Y"),
        ("March 3, 2021", "%B %d, %Y"),
        ("2021/03/03", "%Y/%m/%d"),
        ("2021-03-03", ""),
    ],
)
def test_the_third_of_march(text: str, form: str) -> None:
    assert date_format([text]) == form
    assert parse_date(text, form) == (date(2021, 3, 3) - date(1970, 1, 1)).days * DAY


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("text", ["3 März 2021", "3 Mai 2021", "3 Marc 2021", "3  2021", "Mar"])
def test_no_date(text: str) -> None:
    assert date_format([text]) is None
