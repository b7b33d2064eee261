"""Muon against the published update in NumPy, and chosen for matrices with another for the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile import Native
from pellucid.errors import ModelFileError
from pellucid.graph import Array, Executor, Graph, Reference, Tensor
from pellucid.train import events
from pellucid.train.storage.folder import MODEL


def zeropower(matrix: Array, steps: int = 5) -> Array:
    """Keller Jordan's `zeropower_via_newtonschulz5` of a matrix (outputs, inputs), in float64."""
    x = matrix / (np.linalg.norm(matrix) + 1e-7)
    if x.shape[0] > x.shape[1]:
        return np.asarray(zeropower(matrix.T, steps).T)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return np.asarray(x)


def published(w: Array, gradients: Array, rate: float, decay: float, nesterov: bool) -> Array:
    """W (inputs, outputs) after Muon's steps, as in `muon.py` of KellerJordan/Muon."""
    weight = w.T.copy()
    momentum = np.zeros_like(weight)
    for gradient in gradients:
        momentum += (gradient.T - momentum) * 0.05
        update = gradient.T + (momentum - gradient.T) * 0.95 if nesterov else momentum
        change = zeropower(update) * max(1, weight.shape[0] / weight.shape[1]) ** 0.5
        weight *= 1 - rate * decay
        weight -= rate * change
    return np.asarray(weight.T)


def stepped(optimizer: optim.Optimizer, w: Array, gradients: Array, executor: Executor) -> Array:
    """The parameter after a step along each gradient."""
    held = {"W": nn.Parameter(w, name="W")}
    slots = optimizer.init(held)
    gradient = g.placeholder("gradient", w.shape, w.dtype)
    rate, step = g.tensor(optimizer.learning_rate, w.dtype), g.tensor(0)
    updates = optimizer.update(held, {"W": gradient}, slots, rate, step)
    executor.build(Graph({}, updates)).run(len(gradients), {"gradient": gradients})
    return held["W"].value


@pytest.mark.parametrize("executor", [Reference(), Native()], ids=["reference", "native"])
@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4), (3, 3, 2, 5)])
def test_agrees_with_the_published_update(
    shape: tuple[int, ...], nesterov: bool, executor: Executor
) -> None:
    rng = np.random.default_rng(0)
    w, gradients = rng.normal(size=shape), rng.normal(size=(6, *shape))
    optimizer = optim.Muon(0.05, weight_decay=0.1, nesterov=nesterov)
    found = stepped(optimizer, w, gradients, executor)
    matrix = (-1, shape[-1])
    expected = published(
        w.reshape(matrix), gradients.reshape(6, *w.reshape(matrix).shape), 0.05, 0.1, nesterov
    )
    np.testing.assert_allclose(found.reshape(matrix), expected, rtol=1e-9, atol=1e-11)


def test_a_step_has_singular_values_near_1_at_any_size_of_the_gradient() -> None:
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(20, 12))
    for size in (1e-3, 1.0, 1e30):
        start = np.zeros((20, 12), np.float32)
        gradients = (directions * size).astype(np.float32)[None]
        step = stepped(optim.Muon(1.0), start, gradients, Reference())
        values = np.linalg.svd(step, compute_uv=False)
        assert 0.6 < values.min() and values.max() < 1.3


def test_the_scale_of_adamw_has_its_root_mean_square() -> None:
    """Liu et al. 2025, section 2.2: a step of AdamW has 0.2 to 0.4 on average."""
    rng = np.random.default_rng(2)
    for shape in ((64, 16), (16, 64)):
        optimizer = optim.Muon(1.0, scale="match_rms_adamw")
        gradients = rng.normal(size=(1, *shape))
        step = stepped(optimizer, np.zeros(shape), gradients, Reference())
        assert 0.14 < np.sqrt((step**2).mean()) < 0.26


def test_what_is_no_matrix_is_refused_by_name() -> None:
    net = nn.Linear(3).build(2)
    with pytest.raises(ValueError, match="'b' has shape"):
        optim.Muon().init(dict(net.named_parameters()))


@dataclass(frozen=True)
class Wide(optim.Selector):
    """Parameters with as many outputs or more."""

    outputs: int

    def __call__(self, path: str, parameter: Tensor) -> bool:
        return parameter.shape[-1] >= self.outputs


def chosen(*groups: optim.Group) -> dict[str, str]:
    """The optimizer of each parameter of a network, by name."""
    net = nn.Sequential(
        body=nn.Sequential(nn.Conv2d(4, 3), nn.BatchNorm(), nn.Flatten(), nn.Linear(6)),
        output=nn.Linear(2),
    ).build((8, 8, 1))
    parts = optim.Groups(optim.AdamW(), groups).parts(dict(net.named_parameters()))
    return {path: type(optimizer).__name__ for optimizer, held in parts for path in held}


def test_groups_choose_by_dimensions_role_and_selector() -> None:
    muon = chosen(optim.Group("*", optim.Muon(), dimensions=2))
    assert [path for path, name in muon.items() if name == "Muon"] == ["body.3.W", "output.W"]
    muon = chosen(optim.Group("body.*", optim.Muon(), dimensions=[2, 4]))  # type: ignore[arg-type]
    assert [path for path, name in muon.items() if name == "Muon"] == ["body.0.W", "body.3.W"]
    by_role = chosen(
        optim.Group("*", optim.SGD(), role="norm"), optim.Group("*", optim.Lion(), role="bias")
    )
    assert {p for p, name in by_role.items() if name == "GradientDescent"} == {
        "body.1.gamma",
        "body.1.beta",
    }
    assert {p for p, name in by_role.items() if name == "Lion"} == {
        "body.0.b",
        "body.3.b",
        "output.b",
    }
    wide = chosen(optim.Group(Wide(6), optim.Muon(), role="weight", dimensions=2))
    assert [path for path, name in wide.items() if name == "Muon"] == ["body.3.W"]


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: optim.Group(lambda path, p: True, None), TypeError, "subclass of optim.Selector"),  # type: ignore[arg-type]
        (lambda: optim.Group("*", None, dimensions=-1), ValueError, "dimensions is at least 0"),
        (lambda: optim.Group("*", None, dimensions="2"), TypeError, "dimensions is an integer"),  # type: ignore[arg-type]
        (lambda: optim.Group("*", None, role="scale"), ValueError, "'weight', 'bias' or 'norm'"),  # type: ignore[arg-type]
        (
            lambda: chosen(optim.Group("body.*", None, dimensions=3)),
            ValueError,
            "no parameter matches 'body.*', dimensions=3; there are",
        ),
        (
            lambda: chosen(optim.Group(Wide(99), None)),
            ValueError,
            "matches Wide.outputs=99.; there",
        ),
        (lambda: optim.Muon(scale="torch"), ValueError, "Muon scale"),  # type: ignore[arg-type]
        (lambda: optim.Muon(iterations=0), ValueError, "Muon iterations is at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(
    make: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


GROUPS = optim.Groups(
    optim.AdamW(0.01),
    (
        optim.Group("output.*", None),
        optim.Group(Wide(3), optim.Muon(0.02), dimensions=2, role="weight"),
        optim.Group("*", optim.SGD(), dimensions=(1, 4)),
    ),
)


def test_groups_survive_json_and_tell_what_is_wrong() -> None:
    spec = json.loads(json.dumps(optim.to_spec(GROUPS)))
    assert optim.from_spec(spec) == GROUPS
    wrong = spec | {"groups": [spec["groups"][1] | {"dimensions": "two"}]}
    with pytest.raises(ModelFileError, match="dimensions"):
        optim.from_spec(wrong)
    wrong = spec | {"groups": [spec["groups"][1] | {"pattern": {"type": "Adam"}}]}
    with pytest.raises(ModelFileError, match="Selector"):
        optim.from_spec(wrong)


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


def test_muon_for_matrices_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(96, 5)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    hidden = optim.Group("hidden.*", optim.Muon(0.02), dimensions=2, role="weight")
    options: dict[str, Any] = {
        "optimizer": optim.Groups(optim.AdamW(0.01), [hidden]),  # type: ignore[arg-type]
        "epochs": 6,
        "batch_size": 16,
        "progress": False,
    }

    def kill(event: events.Event) -> None:
        if isinstance(event, events.Evaluated) and event.epoch == 3:
            raise Killed

    whole = pel.fit(nn.MLP([8, 8], 2), (x, y), out=tmp_path / "whole", **options)
    first, last = (whole.history[i].validation_loss for i in (0, -1))
    assert first is not None and last is not None and last < 0.95 * first
    with pytest.raises(Killed):
        pel.fit(nn.MLP([8, 8], 2), (x, y), out=tmp_path / "parts", callbacks=[kill], **options)
    pel.fit(nn.MLP([8, 8], 2), (x, y), out=tmp_path / "parts", resume=True, **options)
    files = [tmp_path / part / MODEL for part in ("whole", "parts")]
    assert files[0].read_bytes() == files[1].read_bytes()
