"""Texts of one shape read at once agree with texts read one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.form.date.columns import FEWEST, reader_of_alike
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.date.layout import DIGITS, shape_layouts
from pellucid.data.form.date.names import LANGUAGES
from tests.data.form.date.styles import STYLES
from tests.data.form.date.test_form import moments

SHAPES = sorted(
    {
        style.write(t).translate(DIGITS)
        for style in STYLES.values()
        for t in moments(7, style.short, 1)
    }
    | {
        "00.00.0000 00:00:00,000 +00:00",
        "00/00/0000 00:00 AM",
        "0/0/00 0:00 pm",
        "00-00-0000 00:00",
    }
    | {"00. März 0000 00:00 Uhr", "00.00.0000T00:00Z", "00000000 0000", "0000-00-00 00:00:00.0Z"}
)


def with_digits(shape: str, dice: random.Random, digits: str) -> str:
    return "".join(dice.choice(digits) if sign == "0" else sign for sign in shape)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["0123456789", "012", "0012349", "0"]))
@pytest.mark.parametrize("shape", SHAPES)
def test_columns_agree_with_single_texts(shape: str, seed: int, digits: str) -> None:
    dice = random.Random(seed)
    texts = [with_digits(shape, dice, digits) for _ in range(3 * FEWEST)]
    layouts = shape_layouts(shape).layouts
    assert layouts
    for layout in layouts:
        read = DateForm(layout.pattern, LANGUAGES).read
        wanted = [np.nan if read(text) is None else read(text) for text in texts]
        got = reader_of_alike(layout.pattern, LANGUAGES, read)(texts)
        np.testing.assert_array_equal(got, np.array(wanted, np.float64))


@pytest.mark.parametrize("shape", ["00.00.0000 00:00", "00 Feb 0000"])
def test_the_ends_of_months_and_days(shape: str) -> None:
    layout = shape_layouts(shape).layouts[0]
    read = DateForm(layout.pattern, LANGUAGES).read
    texts = ["29.02.2023 10:00", "29.02.2024 24:00", "29.02.2024 24:01", "31.12.9999 24:00"] * 8
    if "Feb" in shape:
        texts = ["29 Feb 2023", "29 Feb 2024", "28 Feb 2023", "29 Feb 1900", "29 Feb 2000"] * 8
    got = reader_of_alike(layout.pattern, LANGUAGES, read)(texts)
    np.testing.assert_array_equal(got, [np.nan if read(t) is None else read(t) for t in texts])
    assert np.isnan(got[0])
    assert not np.isnan(got[1])
