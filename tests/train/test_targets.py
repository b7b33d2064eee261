"""What `pel.fit` makes of targets and losses of every kind, and what it measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError
from pellucid.train.storage.folder import MODEL

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 4)).astype(np.float32)
YES = X[:, 0] > 0
COUNTS = RNG.poisson(np.exp(X[:, 0]))
TOKENS = RNG.integers(0, 7, (60, 6))
SHARES = np.abs(X[:, :3]) / np.abs(X[:, :3]).sum(1, keepdims=True)


def fitted(net: nn.Module, x: Any, y: Any, **settings: Any) -> Any:
    every = {"epochs": 3, "patience": 0, "progress": False, "measure_train": True, **settings}
    return pel.fit(net, (x, y), **every)


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
            r"train\[1\] holds the class [56], but the network puts out 5 values for each position",
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
    assert run.history[run.best_epoch].score < 1e-4
    with pytest.raises(ValueError, match="Clip needs all 60 training rows in each step, got"):
        pel.fit(nn.Linear(1), (X, y), None, optimizer=newton, batch_size=32, **settings)


def test_a_schedule_is_one_of_the_librarys() -> None:
    with pytest.raises(
        TypeError, match=r"schedule is one of pellucid\.optim, such as .*, got <function"
    ):
        fitted(nn.Linear(1), X, YES, schedule=lambda epoch: 0.1**epoch)


# -- weights -------------------------------------------------------------------------------------


def trained(y: Any, weights: Any, rows: Any = slice(None), **settings: Any) -> Any:
    """Full batches of plain descent, which weights and repeated rows change alike."""
    data = (X[rows], y[rows]) if weights is None else (X[rows], y[rows], weights[rows])
    net = nn.Linear(2 if y.dtype.kind in "ib" else 1)
    every = {"optimizer": optim.SGD(0.1), "batch_size": 9999, "validation": None, **settings}
    return fitted(net, *data, **every) if len(data) == 2 else weighted(net, data, every)


def weighted(net: nn.Module, data: Any, settings: dict[str, Any]) -> Any:
    every = {"epochs": 3, "patience": 0, "progress": False, "measure_train": True, **settings}
    return pel.fit(net, data, **every)


@pytest.mark.parametrize("y", [YES.astype(int), X[:, 1]], ids=["classes", "values"])
def test_whole_weights_are_repeated_rows(y: Any) -> None:
    times = RNG.integers(0, 4, 60)
    found = trained(y, times.astype(float))
    expected = trained(y, None, np.repeat(np.arange(60), times))
    for one, other in zip(found.history, expected.history, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-5)
    weights = (run.model.net.state_dict() for run in (found, expected))
    for one, other in zip(*(state.values() for state in weights), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_masked_places_are_not_learned_from() -> None:
    mask = np.arange(6) < 4
    x, noise = TOKENS.astype(np.float32), np.where(mask, TOKENS, (TOKENS + 1) % 7)
    everywhere = np.broadcast_to(mask, TOKENS.shape)
    runs = [
        weighted(nn.Sequential(nn.Embedding(7, 16), nn.Linear(7)), (x, y, everywhere), {"seed": 1})
        for y in (TOKENS, noise)
    ]
    assert [e.train_loss for e in runs[0].history] == [e.train_loss for e in runs[1].history]


def test_weights_go_with_rows_that_are_held_out(tmp_path: Path) -> None:
    """A tenth of the rows are wrong and weigh nothing, in training and in validation."""
    x = np.tile(X, (10, 1))
    y = np.tile(X[:, 0], 10)
    wrong = np.arange(600) % 10 == 0
    data = (x, np.where(wrong, 1000, y), np.where(wrong, 0.0, 2.0))
    settings = {"optimizer": optim.SGD(0.1), "out": tmp_path / "run"}
    run = weighted(nn.Linear(1), data, settings)
    assert run.history[-1].validation_loss < 1e-3 and run.history[-1].train_loss < 1e-3


def test_a_loss_of_ones_own_is_given_the_weights() -> None:
    run = trained(X[:, 1], np.ones(60), loss=lambda o, y, w: ((o[:, 0] - y).square() * w).mean())
    plain = trained(X[:, 1], None)
    assert run.history[-1].train_loss == pytest.approx(plain.history[-1].train_loss, rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.where(np.arange(60) == 7, -1.0, 1.0), r"train\[2\] holds the weight -1 in row 7"),
        (np.where(np.arange(60) == 7, np.nan, 1.0), r"holds the weight nan in row 7"),
        (np.zeros(60), "holds no weight above 0"),
        (np.ones(59), r"weights of shape \(59,\); it should be numbers of shape \(60,\)\."),
        (np.eye(60)[3], "too few to hold some out"),
    ],
)
def test_weights_that_are_none(weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        weighted(nn.Linear(1), (X, X[:, 0], weights), {})


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"net": [nn.Linear(2)]}, TypeError, "net is a network, such as"),
        ({"net": nn.Linear}, TypeError, "net is a network, .*: write it with brackets"),
        (
            {"optimizer": "adam"},
            TypeError,
            "optimizer is one of pellucid.optim, such as optim.Adam.*, got 'adam'",
        ),
        ({"optimizer": optim.Adam}, TypeError, "optimizer is one of .*: write it with brackets"),
        ({"schedule": optim.CosineRate}, TypeError, "schedule is one .*: write it with brackets"),
        (
            {"loss": "mse"},
            TypeError,
            "loss is a loss of pellucid.nn, such as nn.MSE.*, or a function, got 'mse'",
        ),
        ({"loss": nn.MSE}, TypeError, "loss is a loss .*: write it with brackets"),
        ({"batch_size": 0}, ValueError, "batch_size is at least 1, got 0"),
        ({"batch_size": 3.5}, TypeError, "batch_size is an integer of at least 1, got 3.5"),
        ({"epochs": -1}, ValueError, "epochs is at least 0, got -1"),
        ({"patience": -1}, ValueError, "patience is at least 0, got -1"),
        (
            {"net": nn.MLP([4], 2, norm="batch"), "batch_size": 1},
            ValueError,
            r"BatchNorm 'hidden\.1' expects 2 rows or more in training",
        ),
        ({"train": (X,)}, TypeError, r"train is a pair \(X, y\), or \(X, y, weights\), got tuple"),
    ],
)
def test_what_fit_cannot_take(
    settings: dict[str, Any], kind: type[Exception], message: str
) -> None:
    given: dict[str, Any] = {"net": nn.Linear(2), "train": (X, YES), "epochs": 1, **settings}
    with pytest.raises(kind, match=message):
        pel.fit(**given, progress=False)


@pytest.mark.parametrize(
    ("loss", "low", "high", "said"),
    [
        (nn.BinaryCrossEntropy(), -1.0, 1.0, "from 0 to 1; names of classes are integers or texts"),
        (nn.BinaryCrossEntropy(), 1.0, 2.0, "from 0 to 1; names"),
        (nn.BinaryFocal(), 0.0, 1.5, "from 0 to 1; names"),
        (nn.Hinge(), -1.0, 1.0, "from 0 to 1; names"),
        (nn.Poisson(), -0.5, 4.0, r"of at least 0\.$"),
    ],
)
def test_targets_that_a_loss_has_no_value_for(
    loss: Any, low: float, high: float, said: str
) -> None:
    """Trained on, they would be NaN, and the learning rate would be blamed."""
    y = np.where(YES, high, low).astype(np.float32)
    wrong = low if low < 0 else high
    match = f"A target is {wrong:g}, but {type(loss).__name__} takes numbers {said}"
    with pytest.raises(DataError, match=match):
        fitted(nn.Linear(1), X, y, loss=loss)
    with pytest.raises(DataError, match=match):
        fitted(nn.Linear(1), X, np.clip(y, 0, 1), loss=loss, validation=(X, y))


def test_shares_that_are_none() -> None:
    for loss in (nn.KLDivergence(), nn.CrossEntropy()):
        with pytest.raises(DataError, match=f", but {type(loss).__name__} takes numbers from 0"):
            fitted(nn.Linear(3), X, SHARES * 3, loss=loss)
