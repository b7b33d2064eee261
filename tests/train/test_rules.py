"""What the user sets of a plan goes before the rules, and is shown as set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import optim
from pellucid.train.rules import SET, PlanSettings, plan_for


def test_without_settings_the_rules_decide() -> None:
    plan = plan_for(1_000)
    assert (plan.networks, plan.width, plan.layers, plan.batch_size) == (5, 64, 2, 32)
    assert (plan.epochs, plan.patience, plan.dropout) == (500, 20, 0.1)
    assert all(choice.rule != SET and choice.source for choice in plan.reasons)
    assert plan_for(50_000).networks == 1


def test_what_is_set_is_used_and_shown_as_set() -> None:
    values: dict[str, Any] = {
        "networks": 2,
        "layers": 1,
        "width": 9,
        "dropout": 0.0,
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "batch_size": 7,
        "epochs": 11,
        "patience": 3,
    }
    plan = plan_for(1_000, PlanSettings(**values))
    assert plan.optimizer == optim.AdamW(learning_rate=0.01, weight_decay=0.0)
    shown = {name: getattr(plan, name) for name in values if hasattr(plan, name)}
    assert shown == {name: values[name] for name in shown} and len(shown) == 7
    assert [choice.rule for choice in plan.reasons] == [SET] * 6
    texts = [str(choice.value) for choice in plan.reasons]
    assert texts == [
        "2, predictions averaged",
        "1 hidden layer of 9 GELU units",
        "0.0",
        "AdamW, learning rate 0.01, weight decay 0",
        "7",
        "at most 11 epochs, patience 3",
    ]


def test_of_two_settings_in_one_choice_the_one_that_is_set_is_named() -> None:
    plan = plan_for(1_000, PlanSettings(epochs=4))
    assert plan.reasons[-1].rule.startswith(f"epochs {SET}; else ")
    assert plan.reasons[-1].value == "at most 4 epochs, patience 20"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("networks", 0),
        ("networks", 101),
        ("layers", -1),
        ("width", 0),
        ("dropout", 1.0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("weight_decay", -0.1),
        ("batch_size", 0),
        ("batch_size", 1.5),
        ("epochs", -1),
        ("patience", "5"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=name):
        pel.fit_table({"x": [1.0] * 20, "y": [2.0] * 20}, "y", progress=False, **{name: value})


@pytest.mark.parametrize("networks", [1, 2, 7])
def test_a_table_is_trained_as_it_is_set(networks: int) -> None:
    x = np.random.default_rng(0).normal(size=40)
    run = pel.fit_table(
        {"x": x, "y": x * 2}, "y", networks=networks, layers=0, epochs=2, progress=False
    )
    assert len(run.model.members) == networks
    assert run.scores.rows == (8 if networks == 1 else 40)
    assert run.model.net.summary(run.model.input_shape).rows[0].parameters == 2
