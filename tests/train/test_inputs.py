"""Inputs: several of them, integers that stay integers, and numbers that float32 cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError, ModelFileError, PellucidWarning
from pellucid.graph import Tensor, concatenate
from pellucid.train import events
from pellucid.train.inputs import kinds
from pellucid.train.inputs.kinds import Kind
from pellucid.train.storage.folder import HISTORY, MODEL
from tests.train.checkpoints import save_always
from tests.train.rated import CLASSES, ITEMS, NUMBERS, RATING, ROWS, SETTINGS, USERS, fitted


class TwoTowers(nn.Module):
    """u · i + b, of vectors that are learned for users and for items."""

    def __init__(self) -> None:
        self.user = nn.Embedding(12, 4)
        self.item = nn.Embedding(9, 4)
        self.bias = nn.Linear(1)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        return self.bias((self.user(user) * self.item(item)).sum(-1, keepdims=True))


class OneArgument(nn.Module):
    """The way of Keras: one argument that holds all inputs."""

    def __init__(self) -> None:
        self.towers = TwoTowers()

    def forward(self, inputs: Any) -> Tensor:
        user, item = inputs if isinstance(inputs, tuple) else (inputs["user"], inputs["item"])
        return self.towers(user, item)


class OneArray(nn.Module):
    """The same with one array of two columns."""

    def __init__(self) -> None:
        self.towers = TwoTowers()

    def forward(self, x: Tensor) -> Tensor:
        return self.towers(x[:, 0], x[:, 1])


def joined() -> nn.Sequential:
    """An embedding beside numbers, in layers of the library alone."""
    return nn.Sequential(
        nn.Join(user=nn.Embedding(12, 4), numbers=nn.Sequential(nn.Linear(4), nn.BatchNorm())),
        nn.ReLU(),
        nn.Linear(2),
    )


MIXED = {"user": USERS, "numbers": NUMBERS}


# -- several inputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["tuple", "dict", "one tuple", "one dict"])
@pytest.mark.parametrize("y", [RATING, CLASSES], ids=["values", "classes"])
def test_several_inputs_are_learned_from_as_columns_of_one(way: str, y: Any) -> None:
    one = OneArray()
    expected = fitted(one, np.stack([USERS, ITEMS], 1), y)
    net: nn.Module = OneArgument() if way.startswith("one") else TwoTowers()
    x: Any = (USERS, ITEMS) if way.endswith("tuple") else {"item": ITEMS, "user": USERS}
    # The first values of parameters follow from their paths.
    inner = net if way.startswith("one") else nn.Sequential(towers=net)
    run = fitted(inner, x, y)
    for a, b in zip(run.history, expected.history, strict=True):
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=1e-5)
    assert run.history[-1].measures["batches.loss"] < run.history[1].measures["batches.loss"]
    columns = np.stack([USERS, ITEMS], 1)
    np.testing.assert_allclose(run.model.predict(x), expected.model.predict(columns), rtol=1e-4)
    measured, other = run.model.evaluate(x, y), expected.model.evaluate(columns, y)
    assert measured == pytest.approx(other, rel=1e-4)


def test_the_output_of_two_towers_is_their_product() -> None:
    net = TwoTowers()
    run = fitted(net, {"user": USERS, "item": ITEMS})
    values = net.state_dict()
    product = (values["user.W"][USERS] * values["item.W"][ITEMS]).sum(1)
    expected = product * values["bias.W"][0, 0] + values["bias.b"][0]
    found = run.model.predict({"user": USERS, "item": ITEMS})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_weights_and_validation_go_with_several_inputs() -> None:
    """Rows that weigh nothing are as if they were not there."""
    weights = (np.arange(ROWS) % 3 > 0).astype(np.float32)
    held = ((USERS[:30], ITEMS[:30]), RATING[:30])
    settings = {"optimizer": optim.SGD(0.05), "batch_size": ROWS}
    net, other = TwoTowers(), TwoTowers()
    noise = np.where(weights, RATING, 99.0)
    run = pel.fit(net, ((USERS, ITEMS), noise, weights), held, **{**SETTINGS, **settings})
    kept = weights > 0
    plain = pel.fit(
        other, ((USERS[kept], ITEMS[kept]), RATING[kept]), held, **{**SETTINGS, **settings}
    )
    for a, b in zip(run.history, plain.history, strict=True):
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=1e-4)


def test_rows_without_a_target_are_left_out_of_every_input() -> None:
    gaps = np.where(np.arange(ROWS) == 5, np.nan, RATING)
    with pytest.warns(PellucidWarning, match="1 row"):
        run = fitted(TwoTowers(), (USERS, ITEMS), gaps)
    rest = tuple(np.delete(x, 5) for x in (USERS, ITEMS))
    assert run.history == fitted(TwoTowers(), rest, np.delete(RATING, 5)).history


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


def test_a_run_of_several_inputs_is_kept_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(event: events.Event) -> None:
        if isinstance(event, events.Progressed) and event.epoch == 3:
            raise Killed

    save_always(monkeypatch)
    average = {"optimizer": optim.MovingAverage(optim.Adam(0.05), 0.9)}
    run = fitted(joined(), MIXED, CLASSES, out=tmp_path / "whole", **average)
    with pytest.raises(Killed):
        fitted(joined(), MIXED, CLASSES, out=tmp_path / "run", callbacks=[kill], **average)
    turned = dict(reversed(MIXED.items()))
    fitted(joined(), turned, CLASSES, out=tmp_path / "run", resume=True, **average)
    for name in (MODEL, HISTORY):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    again = pel.Model.load(tmp_path / "run" / MODEL)
    np.testing.assert_array_equal(again.predict_proba(turned), run.model.predict_proba(MIXED))
    assert again.members[0].kinds == {"user": Kind((), "int32"), "numbers": Kind((3,))}
    with pytest.raises(TypeError, match="takes several inputs"):
        _ = again.input_shape
    other = {**MIXED, "numbers": NUMBERS + 1}
    with pytest.raises(Killed):
        fitted(joined(), MIXED, CLASSES, out=tmp_path / "new", callbacks=[kill])
    with pytest.raises(ModelFileError, match="other settings \\(data"):
        fitted(joined(), other, CLASSES, out=tmp_path / "new", resume=True)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"user": USERS}, "takes the inputs 'numbers' and 'user', but X holds the input 'user'"),
        ((USERS, NUMBERS), "in a dict of their names, but X is a tuple"),
        (NUMBERS, "X should be a dict of arrays"),
        ({"user": USERS[:7], "numbers": NUMBERS}, r"X\['user'\] has 7 rows, but X\['numbers'\]"),
        ({"user": USERS, "numbers": NUMBERS[:, :2]}, r"\(n, 3\), but X\['numbers'\] has shape"),
        ({"user": USERS[:, None], "numbers": NUMBERS}, r"\(n,\), but X\['user'\] has shape"),
        ({"user": USERS, "numbers": NUMBERS * np.nan}, r"X\['numbers'\] holds 360 values that"),
        ({"user": USERS + 0.5, "numbers": NUMBERS}, r"X\['user'\] holds \d+.5 in row 0, but the"),
        ({"user": USERS + 2**32, "numbers": NUMBERS}, r"X\['user'\] holds 42949\d+ in row 0"),
        ({"user": USERS.astype(str), "numbers": NUMBERS}, r"X\['user'\] holds <U21, not numbers"),
    ],
)
def test_inputs_that_do_not_fit_the_model(x: Any, message: str) -> None:
    model = fitted(joined(), MIXED, CLASSES, epochs=1).model
    for use in (model.predict, model.predict_proba, lambda x: model.evaluate(x, CLASSES)):
        with pytest.raises(DataError, match=message):
            use(x)
    with pytest.raises(DataError, match=message.replace("X", r"validation\[0\]")):
        fitted(joined(), MIXED, CLASSES, validation=(x, CLASSES), epochs=1)


@pytest.mark.parametrize(
    ("net", "x", "kind", "message"),
    [
        (TwoTowers, (USERS, ITEMS, NUMBERS), TypeError, r"TwoTowers got 3 inputs, but its me"),
        (TwoTowers, {"user": USERS, "things": ITEMS}, TypeError, r"'things' and 'user', but its "),
        (TwoTowers, USERS[:, None], TypeError, r"got one input, but.*forward\(user: "),
        (lambda: nn.Linear(1), (NUMBERS, NUMBERS), TypeError, "Linear takes one tensor, but go"),
        (
            lambda: nn.Sequential(nn.Linear(1)),
            (NUMBERS, NUMBERS),
            TypeError,
            "Linear '0' takes one tensor, but got 2 inputs",
        ),
        (joined, {"user": USERS, "n": NUMBERS}, ValueError, "'numbers' and 'user', but got "),
        (
            joined,
            {"user": USERS[:7], "numbers": NUMBERS},
            DataError,
            r"train\[0\]\['user'\] has 7 ",
        ),
        (
            TwoTowers,
            (USERS, ITEMS[:7]),
            DataError,
            r"train\[0\]\[1\] has 7 rows, but train\[0\]\[0",
        ),
        (TwoTowers, {"a b": USERS, "item": ITEMS}, DataError, "by identifiers, got 'a b'"),
        (TwoTowers, {}, DataError, "by identifiers, got none"),
        (TwoTowers, [NUMBERS, NUMBERS[:, :2]], DataError, "inputs are a tuple or a dict of arrays"),
        (
            joined,
            {**MIXED, "user": np.full(ROWS, np.nan)},
            DataError,
            r"train\[0\]\['user'\] holds",
        ),
        (
            joined,
            {**MIXED, "user": np.zeros(0)},
            DataError,
            r"train\[0\]\['user'\] has shape \(0,\)",
        ),
    ],
)
def test_inputs_that_do_not_fit_the_network(
    net: Any, x: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        fitted(net(), x, CLASSES if net is joined else RATING)


def test_a_tuple_of_numbers_is_one_array() -> None:
    rows = tuple(tuple(row) for row in NUMBERS.tolist())
    run = fitted(nn.Linear(1), rows)
    assert run.history == fitted(nn.Linear(1), NUMBERS).history
    assert run.history == fitted(nn.Linear(1), list(NUMBERS)).history
    np.testing.assert_array_equal(run.model.predict(rows), run.model.predict(NUMBERS))


def test_trees_within_trees() -> None:
    class Nested(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(1)

        def forward(self, pair: Any, more: Any) -> Tensor:
            return self.linear(concatenate([pair[0], pair[1], more["a"]], -1))

    x = {"pair": (NUMBERS, NUMBERS[:, :1]), "more": {"a": NUMBERS[:, 1:]}}
    run = fitted(Nested(), x)
    assert run.model.predict(x).shape == (ROWS,)
    wrong = {**x, "more": {"a": NUMBERS[:, 1:] * np.inf}}
    with pytest.raises(DataError, match=r"X\['more'\]\['a'\] holds 240 values"):
        run.model.predict(wrong)
    found = kinds.from_json(kinds.to_json(run.model.members[0].kinds), "it")
    assert found == run.model.members[0].kinds


@pytest.mark.parametrize(
    "value",
    [
        *("float32[0]", "int8[3]", "float32[3", 3, True, None),
        *({}, [3, "float32[3]"], [-1], [0], [[[]]], [[[[[[[[[["float32[]"]]]]]]]]]]),
    ],
)
def test_kinds_that_are_none(value: Any) -> None:
    with pytest.raises(ModelFileError, match=r"^it.*: expected "):
        kinds.from_json(value, "it")


def test_building_and_summarising_with_several_inputs() -> None:
    net = joined().build({"user": np.zeros(1, np.int32), "numbers": (3,)})
    table = net.summary({"user": np.zeros(1, np.int32), "numbers": (3,)})
    assert [row.path for row in table.rows] == ["0.user", "0.numbers.0", "0.numbers.1", "1", "2"]
    pair = nn.Join(nn.Linear(2), nn.Linear(3)).build(((4,), (5,)))
    assert pair(np.zeros((2, 4), np.float32), np.zeros((2, 5), np.float32)).shape == (2, 5)
    with pytest.raises(ValueError, match=r"branches for 2 inputs|branches for the inputs '0' and"):
        pair(np.zeros((2, 4), np.float32))
