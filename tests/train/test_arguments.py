"""Lists of callbacks, probes and metrics: what is no list, or holds other things, is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)


def fit(**options: Any) -> Any:
    return pel.fit(nn.MLP([4], 2), (X, Y), epochs=1, progress=False, **options)


def fit_step(step: Any = None, data: Any = X, **options: Any) -> Any:
    net = nn.Linear(1)

    def usual(step: pel.Step, x: Any) -> None:
        step.minimise(net(x).square().mean(), net, optim.SGD(0.1))

    return pel.fit_step(step or usual, net, data, epochs=1, progress=False, **options)


WRONG: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (fit, {"metrics": ["accuracy"]}, "metrics takes measures .* got 'accuracy'"),
    (fit, {"metrics": "accuracy"}, "metrics is a list"),
    (fit, {"probes": ["norm"]}, "probes takes .* got 'norm'"),
    (fit, {"probes": [pel.probes.Norm]}, "write it with brackets"),
    (fit, {"probes": pel.probes.Norm()}, r"write probes=\["),
    (fit, {"callbacks": [3]}, "callbacks takes .* got 3"),
    (fit, {"callbacks": print}, r"write callbacks=\["),
    (fit_step, {"step": 3}, "step is a function of a Step .* got 3"),
    (fit_step, {"data": 5}, "train is arrays, or an iterable of batches, got 5"),
    (fit_step, {"callbacks": [3]}, "callbacks takes"),
    (fit_step, {"probes": ["norm"]}, "probes takes"),
    (fit_step, {"measure": 3, "validation": X}, "measure is a function .* got 3"),
    (fit_step, {"schedule": 3}, "schedule is one of pellucid.optim, got 3"),
    (fit_step, {"time_limit": "1"}, "time_limit is a number, got '1'"),
]


@pytest.mark.parametrize(("function", "options", "message"), WRONG)
def test_wrong_arguments_are_named(
    function: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        function(**options)


def test_a_function_is_a_metric_by_its_name() -> None:
    def margin(outputs: pel.Tensor, targets: pel.Tensor) -> pel.Tensor:
        return outputs.abs().mean()

    run = fit(metrics=[margin], validation=(X, Y))
    value = run.history[run.best_epoch].measures["validation.margin"]
    assert value == pytest.approx(np.abs(run.model.members[0].outputs(X)).mean(), rel=1e-5)
