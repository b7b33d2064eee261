"""Means and deviations, and what is scaled by them, of equal numbers."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.data.column import NumberColumn
from pellucid.data.statistics import mean_and_std
from pellucid.data.target import NumberTarget, learn_target
from pellucid.data.task import Task
from pellucid.train.metrics import regression

VALUES = [0.1, -0.3, 2020.0, 1e6 + 0.1, 1e-30, 1e100]
LENGTHS = [1, 3, 7, 49, 1_000, 100_000]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("value", VALUES)
def test_equal_numbers(value: float, length: int) -> None:
    assert mean_and_std(np.full(length, value)) == (value, 0.0)


def test_other_numbers_as_by_numpy() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 101)
    assert mean_and_std(values) == (values.mean(), values.std())
    assert np.isnan(mean_and_std(np.array([1.0, np.nan]))).all()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("value", VALUES)
def test_a_target_of_equal_numbers_is_not_scaled(value: float, length: int) -> None:
    """By the bit that its mean is off, every value would be one deviation away."""
    column = NumberColumn("y", np.full(length, value))
    target = learn_target(column, Task("regression", "asked for"))
    assert isinstance(target, NumberTarget)
    assert (target.mean, target.scale) == (value, 1.0)


@pytest.mark.parametrize("length", LENGTHS)
def test_equal_values_have_no_r2(length: int) -> None:
    values = np.full(length, 0.1)
    assert regression(values, values + 0.5)["r2"] is None
