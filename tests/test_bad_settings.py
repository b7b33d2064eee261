"""Every public constructor refuses what it cannot use, in words that name the setting, and at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import nn, optim
from pellucid.errors import PellucidError

BAD: list[Any] = [
    *(None, "", "abc", b"x", -1, 0, 1.5, float("nan"), float("inf"), -1e39, 1e39, 1j, True, ...),
    *(2**31, 2**63, 10**30, 10**400, 10**5000, [], (), {}, [-1], (0, 0), [1, "a"], {"a": 1}),
    *(np.array([1.0, 2.0]), np.array(["a"]), np.nan, np.int64(-3), np.float16(2), (1, 2, 3, 4, 5)),
    *(object(), int, nn.Linear, [None], len, range(10**12)),
]
NEEDED: dict[str, Any] = {
    "optimizer": optim.Adam(),
    "at": (1.0, 2.0),
    "shape": (2, 2),
    "pattern": "*",
    "block": nn.Linear(3),
    "inner": nn.Linear(3),
    "layer": nn.Linear(3),
    "widths": [3],
    "then": optim.CosineRate(),
}
VALUES = {"Parameter", "Buffer", "ForwardPass", "SummaryRow", "Summary"}
"""Classes that hold values, not settings."""


def constructors() -> list[tuple[str, Callable[..., Any]]]:
    """Layers, losses, initialisers, optimizers, schedules, and functions that make networks."""
    found = [(name, getattr(module, name)) for module in (nn, optim) for name in module.__all__]
    kinds = (nn.Module, nn.Loss, nn.Initializer, optim.Optimizer, optim.Schedule, optim.Group)
    return [
        (name, part)
        for name, part in found
        if name not in VALUES
        and (
            (isinstance(part, type) and issubclass(part, kinds))
            or (name[:1].isupper() and inspect.isfunction(part))
        )
    ]


@pytest.mark.parametrize(("name", "make"), constructors(), ids=[name for name, _ in constructors()])
def test_a_bad_setting_is_named(name: str, make: Callable[..., Any]) -> None:
    parameters = inspect.signature(make).parameters.values()
    required = {
        p.name: NEEDED.get(p.name, 3)
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    for parameter in parameters:
        for bad in BAD:
            try:
                if parameter.kind == parameter.VAR_POSITIONAL:
                    make(bad)
                elif parameter.kind == parameter.VAR_KEYWORD:
                    make(extra=bad)
                else:
                    make(**{**required, parameter.name: bad})
            except (ValueError, TypeError, PellucidError) as error:
                told = str(error)
                named = parameter.name in told or parameter.kind in (
                    parameter.VAR_POSITIONAL,
                    parameter.VAR_KEYWORD,
                )
                assert named, f"{name}({parameter.name}={type(bad).__name__}): {told}"
                assert len(told) < 300


def test_the_constructors_are_all_there() -> None:
    names = {name for name, _ in constructors()}
    assert {
        "Linear",
        "Conv2d",
        "MLP",
        "ResNet",
        "CrossEntropy",
        "Adam",
        "Groups",
        "WarmUp",
    } <= names
    assert len(names) > 100
