"""Optimizers step by step beside PyTorch's, over 100 steps with a rate that changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from pellucid import graph as g
from pellucid import optim
from tests.optim.support import STEPS, run_own, run_torch

Make = Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]

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
}
PRECISION = {np.float64: 1e-11, np.float32: 2e-5}


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", CASES)
def test_agrees_step_by_step(name: str, dtype: type[np.floating]) -> None:
    own, peer = CASES[name]
    rates = own.learning_rate * (1 + np.sin(np.arange(STEPS))) * 0.5 + 1e-4
    tolerance = PRECISION[dtype]
    found, losses = run_own(own, rates, dtype, lambda path, value: g.variable(value, path))
    assert losses[-1] < losses[0]
    for k, (mine, theirs) in enumerate(zip(found, run_torch(peer, rates, dtype), strict=True)):
        for path, expected in theirs.items():
            np.testing.assert_allclose(
                mine[path], expected, rtol=tolerance, atol=tolerance, err_msg=f"{path}, step {k}"
            )
