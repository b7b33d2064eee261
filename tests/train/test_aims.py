"""What `pel.fit` makes of targets and losses of every kind, and what it measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError
from pellucid.train.folder import MODEL

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 4)).astype(np.float32)
YES = X[:, 0] > 0
COUNTS = RNG.poisson(np.exp(X[:, 0]))
TOKENS = RNG.integers(0, 7, (60, 6))
SHARES = np.abs(X[:, :3]) / np.abs(X[:, :3]).sum(1, keepdims=True)


def fitted(net: nn.Module, x: Any, y: Any, **settings: Any) -> Any:
    return pel.fit(net, (x, y), epochs=3, patience=0, progress=False, **settings)


@pytest.mark.parametrize(
    ("net", "y", "loss", "metric", "shape"),
    [
        (nn.Linear(1), YES, None, "accuracy", (60,)),
        (nn.Linear(1), np.where(YES, "yes", "no"), nn.Hinge(), "accuracy", (60,)),
        (nn.Linear(1), COUNTS, nn.Poisson(), "loss", (60,)),
        (nn.Linear(1), COUNTS, nn.MAE(), "rmse", (60,)),
        (nn.Linear(1), YES, nn.MSE(), "rmse", (60,)),
        (nn.Linear(2), X[:, 0], nn.Quantile(levels=(0.1, 0.9)), "loss", (60, 2)),
        (nn.Linear(3), (X[:, :3] > 0).astype(int), nn.BinaryCrossEntropy(), "accuracy", (60, 3)),
        (nn.Linear(3), SHARES, nn.KLDivergence(), "loss", (60, 3)),
        (nn.Linear(3), SHARES, nn.CrossEntropy(), "loss", (60, 3)),
        (nn.Linear(4), X, nn.CosineDistance(), "loss", (60, 4)),
        (nn.Linear(4), X, lambda o, y: (o - y).abs().mean(), "rmse", (60, 4)),
    ],
)
def test_targets_are_what_the_loss_takes(
    net: nn.Module, y: Any, loss: Any, metric: str, shape: Any, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run = fitted(net, X, y, loss=loss, out=out, optimizer=optim.Adam(0.05))
    entry = run.history[-1]
    assert entry.metric == metric
    assert entry.train_loss < run.history[0].train_loss
    if metric == "loss":
        assert entry.train_metric == pytest.approx(entry.train_loss, rel=1e-5)
    assert run.model.predict(X).shape == shape
    again = pel.Model.load(out / MODEL)
    np.testing.assert_array_equal(again.predict(X), run.model.predict(X))


@pytest.mark.parametrize("loss", [None, nn.CrossEntropy(ignore=0), nn.Focal()])
def test_classes_of_places(loss: Any) -> None:
    net = nn.Sequential(nn.Embedding(7, 16), nn.Linear(7))
    run = fitted(net, TOKENS, TOKENS, loss=loss, validation=None, optimizer=optim.Adam(0.1))
    entry = run.history[run.best_epoch]
    logits = run.model.predict(TOKENS)
    assert entry.metric == "accuracy" and logits.shape == (60, 6, 7)
    right = logits.argmax(-1) == TOKENS
    seen = TOKENS != 0 if isinstance(loss, nn.CrossEntropy) else right | True
    assert entry.train_metric == right[seen].mean() > 0.5


def test_several_answers_are_measured_one_by_one() -> None:
    y = (X[:, :3] > 0).astype(np.float32)
    run = fitted(nn.Linear(3), X, y, loss=nn.BinaryCrossEntropy(), validation=None)
    logits = run.model.predict(X)
    assert run.history[run.best_epoch].train_metric == ((logits > 0) == (y > 0.5)).mean()


@pytest.mark.parametrize(
    ("net", "x", "y", "settings", "message"),
    [
        (nn.Linear(1), X, np.where(YES, "yes", "no"), {"loss": nn.MSE()}, "takes numbers, but the"),
        (
            nn.Sequential(nn.Embedding(7, 4), nn.Linear(5)),
            TOKENS,
            TOKENS,
            {"validation": None},
            r"train\[1\] holds the class [56], but the network puts out 5 values for each place",
        ),
        (
            nn.Linear(2),
            X,
            YES.astype(int),
            {"validation": (X, YES.astype(int) * 7)},
            r"validation\[1\] holds the class 7, which does not occur",
        ),
    ],
)
def test_labels_out_of_range(net: Any, x: Any, y: Any, settings: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted(net, x, y, **settings)


def test_l_bfgs_takes_all_rows() -> None:
    y = X @ np.array([1.0, -2.0, 0.5, 0.0], np.float32)
    settings: dict[str, Any] = {"epochs": 20, "patience": 0, "progress": False}
    newton = optim.Clip(optim.LBFGS(0.5), norm=100.0)
    run = pel.fit(nn.Linear(1), (X, y), None, optimizer=newton, **settings)
    assert run.history[-1].step == 20
    assert run.history[run.best_epoch].train_loss < 1e-4
    with pytest.raises(ValueError, match="Clip needs all 60 training rows in each step, got"):
        pel.fit(nn.Linear(1), (X, y), None, optimizer=newton, batch_size=32, **settings)


def test_a_schedule_is_one_of_the_librarys() -> None:
    with pytest.raises(TypeError, match=r"schedule is one of pellucid\.optim, got <function"):
        fitted(nn.Linear(1), X, YES, schedule=lambda epoch: 0.1**epoch)
