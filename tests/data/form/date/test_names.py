"""The names of months and weekdays."""

from __future__ import annotations

import calendar
from itertools import combinations

import pytest

from pellucid.data.form.date.names import LANGUAGES, knowing, months, months_in, weekdays


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_months_and_weekdays(language: str) -> None:
    assert set(months(language).values()) == set(range(1, 13))
    assert set(weekdays(language).values()) == set(range(1, 8))
    names = [*months(language), *weekdays(language)]
    assert all(name == name.lower() and name.replace("'", "").isalpha() for name in names)


def test_english_is_that_of_the_calendar() -> None:
    for number in range(1, 13):
        assert months("English")[calendar.month_name[number].lower()] == number
        assert months("English")[calendar.month_abbr[number].lower()] == number
    for number in range(7):
        assert weekdays("English")[calendar.day_name[number].lower()] == number + 1
        assert weekdays("English")[calendar.day_abbr[number].lower()] == number + 1


def test_no_name_is_another_month_in_another_language() -> None:
    for one, other in combinations(LANGUAGES, 2):
        shared = months(one).keys() & months(other).keys()
        assert [name for name in shared if months(one)[name] != months(other)[name]] == []
    assert len(months_in(LANGUAGES)) == len({name for each in LANGUAGES for name in months(each)})


def test_names_without_accents_are_known() -> None:
    assert months("German")["marz"] == months("German")["märz"] == 3
    assert months("French")["fevrier"] == months("French")["février"] == 2
    assert months("Polish")["pazdziernika"] == 10


def test_the_languages_that_know_names() -> None:
    assert knowing(frozenset(["märz", "mai"]), frozenset()) == ("German",)
    assert knowing(frozenset(["january"]), frozenset(["mon"])) == ("English",)
    assert "French" in knowing(frozenset(["mai"]), frozenset())
    assert knowing(frozenset(["january", "mai"]), frozenset()) == ()
