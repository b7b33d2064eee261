"""Optimizers step by step beside PyTorch's, over 100 steps with a rate that changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from pellucid import optim
from pellucid.compile import Native
from pellucid.graph import Reference
from tests.by_torch import ByTorch, torch
from tests.optim.support import STEPS, problem, run_own, run_torch, side_by_side

Make = Callable[["list[torch.nn.Parameter]"], "torch.optim.Optimizer"]


def two_rates(parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Weights and biases in groups of their own."""
    groups: list[dict[str, Any]] = [
        {"params": parameters[::2]},
        {"params": parameters[1::2], "lr": 0.1},
    ]
    return torch.optim.SGD(groups, lr=0.05, momentum=0.9)


def without_first_layer(parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """The first layer frozen."""
    for parameter in parameters[:2]:
        parameter.requires_grad_(False)
    return torch.optim.Adam(parameters[2:], lr=0.01)


CASES: dict[str, tuple[optim.Optimizer, Make]] = {
    "plain": (optim.GradientDescent(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (optim.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        optim.SGD(0.1, momentum=0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "adam": (optim.Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    "adam settings": (
        optim.Adam(0.01, beta1=0.5, beta2=0.9, epsilon=1e-3),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9), eps=1e-3),
    ),
    "adam beta 0": (
        optim.Adam(0.01, beta1=0.0, beta2=0.99),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.0, 0.99)),
    ),
    "adamw": (
        optim.AdamW(0.01, weight_decay=0.1, decay_all=True),
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    ),
    "amsgrad": (optim.AMSGrad(0.01), lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True)),
    "adamax": (optim.Adamax(0.01), lambda p: torch.optim.Adamax(p, lr=0.01)),
    "nadam": (optim.NAdam(0.01), lambda p: torch.optim.NAdam(p, lr=0.01)),
    "radam": (optim.RAdam(0.01), lambda p: torch.optim.RAdam(p, lr=0.01)),
    "radam with a short memory": (
        optim.RAdam(0.01, beta2=0.9),
        lambda p: torch.optim.RAdam(p, lr=0.01, betas=(0.9, 0.9)),
    ),
    "adagrad": (optim.Adagrad(0.05), lambda p: torch.optim.Adagrad(p, lr=0.05)),
    "rmsprop": (optim.RMSprop(0.01), lambda p: torch.optim.RMSprop(p, lr=0.01)),
    "rmsprop with all": (
        optim.RMSprop(0.002, alpha=0.9, momentum=0.8, centred=True),
        lambda p: torch.optim.RMSprop(p, lr=0.002, alpha=0.9, momentum=0.8, centered=True),
    ),
    "adadelta": (optim.Adadelta(1.0), lambda p: torch.optim.Adadelta(p, lr=1.0)),
    "l2": (
        optim.Regularised(optim.SGD(0.1, momentum=0.9), l2=0.05),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
    ),
    "decoupled decay": (
        optim.Regularised(optim.Adam(0.01), decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    ),
    "groups": (
        optim.Groups(
            optim.SGD(0.05, momentum=0.9), (optim.Group("*.b", optim.SGD(0.1, momentum=0.9)),)
        ),
        two_rates,
    ),
    "frozen": (
        optim.Groups(optim.Adam(0.01), (optim.Group("hidden.*", None),)),
        without_first_layer,
    ),
}
PRECISION = {np.float64: 1e-11, np.float32: 2e-5}


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", CASES)
def test_agrees_step_by_step(name: str, dtype: type[np.floating], by_torch: ByTorch) -> None:
    own, peer = CASES[name]
    rates = own.learning_rate * (1 + np.sin(np.arange(STEPS))) * 0.5 + 1e-4
    values, x, y = problem(dtype)
    path, end = by_torch(partial(run_torch, peer), x, y, rates, values)
    tolerance = PRECISION[dtype]
    for executor in (Reference(), Native()):
        found, losses = run_own(own, rates, dtype, executor)
        assert losses[-1] < losses[0]
        path.check(side_by_side(found), tolerance, tolerance, "steps (rows) and parameters")
        end.check(side_by_side(found)[-1], tolerance, tolerance, "the last step's parameters")


def test_l_bfgs_agrees_until_rounding_has_grown(by_torch: ByTorch) -> None:
    """Without a line search each step amplifies the rounding of those before, in PyTorch too."""
    own = optim.LBFGS(0.5, history=4)

    def peer(parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(parameters, lr=0.5, max_iter=1, max_eval=1, history_size=4)

    found, losses = run_own(own, np.full(STEPS, 0.5), np.float64)
    assert losses[-1] < losses[0] / 10
    values, x, y = problem(np.float64)
    path, end = by_torch(partial(run_torch, peer), x, y, np.full(20, 0.5), values)
    path.check(side_by_side(found[:20]), 1e-9, 1e-9)
    end.check(side_by_side(found[:20])[-1], 1e-9, 1e-9)
