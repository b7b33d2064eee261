"""Optimizers step by step beside PyTorch's, over 100 steps with a rate that changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from pellucid import optim
from pellucid.compile import Native
from pellucid.graph import Executor, Reference
from tests.optim.support import STEPS, run_own, run_torch

Make = Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]


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
    "plain": (optim.GradientDescent(0.1), partial(torch.optim.SGD, lr=0.1)),
    "momentum": (optim.SGD(0.1, momentum=0.9), partial(torch.optim.SGD, lr=0.1, momentum=0.9)),
    "nesterov": (
        optim.SGD(0.1, momentum=0.8, nesterov=True),
        partial(torch.optim.SGD, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "adam": (optim.Adam(0.01), partial(torch.optim.Adam, lr=0.01)),
    "adam settings": (
        optim.Adam(0.01, beta1=0.5, beta2=0.9, epsilon=1e-3),
        partial(torch.optim.Adam, lr=0.01, betas=(0.5, 0.9), eps=1e-3),
    ),
    "adam beta 0": (
        optim.Adam(0.01, beta1=0.0, beta2=0.99),
        partial(torch.optim.Adam, lr=0.01, betas=(0.0, 0.99)),
    ),
    "adamw": (
        optim.AdamW(0.01, weight_decay=0.1, decay_all=True),
        partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
    ),
    "amsgrad": (optim.AMSGrad(0.01), partial(torch.optim.Adam, lr=0.01, amsgrad=True)),
    "adamax": (optim.Adamax(0.01), partial(torch.optim.Adamax, lr=0.01)),
    "nadam": (optim.NAdam(0.01), partial(torch.optim.NAdam, lr=0.01)),
    "radam": (optim.RAdam(0.01), partial(torch.optim.RAdam, lr=0.01)),
    "radam with a short memory": (
        optim.RAdam(0.01, beta2=0.9),
        partial(torch.optim.RAdam, lr=0.01, betas=(0.9, 0.9)),
    ),
    "adagrad": (optim.Adagrad(0.05), partial(torch.optim.Adagrad, lr=0.05)),
    "rmsprop": (optim.RMSprop(0.01), partial(torch.optim.RMSprop, lr=0.01)),
    "rmsprop with all": (
        optim.RMSprop(0.002, alpha=0.9, momentum=0.8, centred=True),
        partial(torch.optim.RMSprop, lr=0.002, alpha=0.9, momentum=0.8, centered=True),
    ),
    "adadelta": (optim.Adadelta(1.0), partial(torch.optim.Adadelta, lr=1.0)),
    "l2": (
        optim.Regularised(optim.SGD(0.1, momentum=0.9), l2=0.05),
        partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.05),
    ),
    "decoupled decay": (
        optim.Regularised(optim.Adam(0.01), decay=0.1),
        partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
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


@pytest.mark.parametrize("executor", [Reference(), Native()], ids=["reference", "native"])
@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", CASES)
def test_agrees_step_by_step(name: str, dtype: type[np.floating], executor: Executor) -> None:
    own, peer = CASES[name]
    rates = own.learning_rate * (1 + np.sin(np.arange(STEPS))) * 0.5 + 1e-4
    tolerance = PRECISION[dtype]
    found, losses = run_own(own, rates, dtype, executor)
    assert losses[-1] < losses[0]
    for k, (mine, theirs) in enumerate(zip(found, run_torch(peer, rates, dtype), strict=True)):
        for path, expected in theirs.items():
            np.testing.assert_allclose(
                mine[path], expected, rtol=tolerance, atol=tolerance, err_msg=f"{path}, step {k}"
            )


def test_l_bfgs_agrees_until_rounding_has_grown() -> None:
    """Without a line search each step amplifies the rounding of those before, in PyTorch too."""
    own = optim.LBFGS(0.5, history=4)
    peer = partial(torch.optim.LBFGS, lr=0.5, max_iter=1, max_eval=1, history_size=4)
    rates = np.full(STEPS, 0.5)
    found, losses = run_own(own, rates, np.float64)
    assert losses[-1] < losses[0] / 10
    theirs = run_torch(peer, rates, np.float64)
    for k in range(20):
        for path, expected in theirs[k].items():
            np.testing.assert_allclose(found[k][path], expected, rtol=1e-9, atol=1e-9)
