"""Inputs: several of them, integers that stay integers, and numbers that float32 cannot hold."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError, ModelFileError, NotFiniteError, PellucidWarning
from pellucid.graph import Tensor, concatenate, one_hot
from pellucid.train import events
from pellucid.train.inputs import kinds
from pellucid.train.inputs.kinds import Kind
from pellucid.train.storage.folder import HISTORY, MODEL
from tests.train.checkpoints import save_always

DICE = np.random.default_rng(4)
ROWS = 120
USERS = DICE.integers(0, 12, ROWS)
ITEMS = DICE.integers(0, 9, ROWS)
NUMBERS = DICE.normal(size=(ROWS, 3)).astype(np.float32)
RATING = ((USERS % 3) * (ITEMS % 2) + 0.1 * NUMBERS[:, 0]).astype(np.float32)
CLASSES = (RATING > 0.5).astype(int)
SETTINGS: dict[str, Any] = {
    "epochs": 5,
    "patience": 0,
    "progress": False,
    "optimizer": optim.Adam(0.05),
}


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


def fitted(net: nn.Module, x: Any, y: Any = RATING, **settings: Any) -> pel.Run:
    return pel.fit(net, (x, y), **{**SETTINGS, **settings})


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


# -- integers ----------------------------------------------------------------------------------------


class Lookup(nn.Module):
    """Integers that are compared with, as one_hot does."""

    def __init__(self) -> None:
        self.linear = nn.Linear(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(one_hot(x[:, 0], 12))


def test_integers_that_are_looked_up_stay_integers() -> None:
    table = nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Linear(2))
    for net, x in ((table, np.stack([USERS, ITEMS], 1)), (Lookup(), USERS[:, None])):
        for dtype in (np.int64, np.uint8, np.int32, np.uint64):
            model = fitted(net, x.astype(dtype), CLASSES, epochs=1, fresh=True).model
            assert model.members[0].kinds == Kind(x.shape[1:], "int32")
            assert (model.predict(x.astype(float)) == model.predict(x)).all()
    floats = fitted(table, np.stack([USERS, ITEMS], 1) * 1.0, CLASSES, epochs=1, fresh=True)
    assert floats.model.members[0].kinds == Kind((2,), "float32")


class Wide(nn.Module):
    """One where the integer is 2³³ + 1, which int32 and float32 do not hold."""

    def __init__(self) -> None:
        self.linear = nn.Linear(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.equal(2**33 + 1).cast(np.float32))


def test_integers_beyond_int32_stay_what_they_are(tmp_path: Path) -> None:
    x = np.where(np.arange(ROWS)[:, None] % 2, 2**33, 2**33 + 1)
    y = (np.arange(ROWS) % 2).astype(float)
    run = fitted(Wide(), x, y, optimizer=optim.SGD(0.5), epochs=20)
    assert run.model.members[0].kinds == Kind((1,), "int64")
    np.testing.assert_allclose(run.model.predict(x), y, atol=0.05)
    with pytest.raises(DataError, match="holds the integer 18446744073709551615, beyond int64"):
        fitted(Wide(), np.full((ROWS, 1), 2**64 - 1, np.uint64), y)


def test_an_index_beyond_int32_is_no_other_index() -> None:
    net = nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Linear(1))
    x = USERS[:, None].copy()
    x[50] += 2**32
    with pytest.warns(PellucidWarning, match="diverged|no finite loss"):
        run = fitted(net, x)
    with pytest.raises(NotFiniteError, match=r"for 1 of 120 rows, the first row 50.*out of range"):
        run.model.predict(x)
    rest = np.delete(x, 50, 0)
    assert np.isfinite(run.model.predict(rest)).all()


SECONDS = 1_700_000_000 + np.arange(ROWS)


@pytest.mark.parametrize(
    ("column", "part"),
    [
        (SECONDS, "1700000000 and 1700000001 become one value"),
        (SECONDS.astype(np.float64), "1700000000.0 and 1700000001.0 become one value"),
        (SECONDS.astype(np.uint32), "subtract 1700000000 from it"),
        (SECONDS * 10**9, "become one value"),
        (2**24 + np.arange(ROWS), "16777216 and 16777217"),
        (-(2**24) - np.arange(ROWS), "too fine for float32"),
        (1e9 + np.linspace(0, 1, ROWS), "too fine for float32"),
        (np.linspace(1e-60, 1e-50, ROWS), "too fine for float32"),
    ],
)
def test_numbers_too_fine_for_float32_are_refused(column: Any, part: str) -> None:
    x = np.stack([np.zeros(ROWS, column.dtype), column], 1)
    with pytest.raises(DataError, match=r"train\[0\], column 1 is too fine.*") as caught:
        fitted(nn.Linear(1), x)
    assert part in str(caught.value) and "astype(np.float32)" in str(caught.value)
    net = nn.Sequential(nn.Join(when=nn.Reshape((1,)), n=nn.Linear(1)), nn.Linear(1))
    with pytest.raises(DataError, match=r"train\[0\]\['when'\] is too fine"):
        fitted(net, {"when": column, "n": NUMBERS})
    with pytest.raises(DataError, match=r"train\[1\] is too fine"):
        fitted(nn.Linear(1), NUMBERS, column, loss=nn.MSE())


@pytest.mark.parametrize(
    "column",
    [
        DICE.normal(size=ROWS),
        DICE.normal(size=ROWS) * 1e30,
        1.0 + 1e-16 * np.arange(ROWS),
        DICE.permutation(2**24 + 1)[:ROWS],
        DICE.integers(0, 2**62, ROWS),
        SECONDS - SECONDS.min(),
        SECONDS.astype(np.float32),
        np.full(ROWS, 2**40 + 1),
        np.repeat([0.1, 0.2, 0.3], ROWS // 3),
    ],
)
def test_numbers_that_float32_holds_well_enough_are_taken(column: Any) -> None:
    x = np.stack([column, column], 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(nn.Sequential(nn.LayerNorm(), nn.Linear(1)), x)


def test_few_whole_numbers_that_become_one_are_warned_of() -> None:
    x = np.arange(ROWS, dtype=np.int64)[:, None] * 10**6
    x[-1] = x[-2] + 1
    with pytest.warns(
        PellucidWarning, match=r"column 0 is rounded.*118000000 and 118000001 become"
    ):
        fitted(nn.Sequential(nn.LayerNorm(), nn.Linear(1)), x)


def test_numbers_that_become_one_in_a_prediction_are_warned_of() -> None:
    model = fitted(nn.Sequential(nn.LayerNorm(), nn.Linear(1)), np.stack([ITEMS, USERS], 1)).model
    for x in (SECONDS[:, None], SECONDS[:, None].astype(float)):
        pair = np.concatenate([x, x * 0], 1)
        with pytest.warns(PellucidWarning, match=r"X, column 0 is rounded to float32: 17"):
            model.predict(pair)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(np.concatenate([SECONDS[:1, None], SECONDS[:1, None]], 1))
        with pytest.raises(DataError, match="There are no rows to predict"):
            model.predict(np.zeros((0, 2)))


def test_times_beside_indices_are_watched() -> None:
    net = nn.Sequential(
        nn.Parallel(
            nn.Sequential(nn.Columns(0, 1), nn.Embedding(12, 2), nn.Flatten()), nn.Columns(1)
        ),
        nn.Linear(1),
    )
    fitted(net, np.stack([USERS, ITEMS], 1))
    with pytest.raises(DataError, match=r"train\[0\], column 1 is too fine"):
        fitted(net, np.stack([USERS, SECONDS], 1), fresh=True)


# -- not finite --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf, 1e39, -1e39])
@pytest.mark.parametrize("y", [RATING, CLASSES], ids=["values", "classes"])
def test_inputs_that_are_not_finite_are_refused_alike(wild: float, y: Any) -> None:
    net = nn.Linear(1 if y is RATING else 2)
    model = fitted(net, NUMBERS, y, epochs=1).model
    x = NUMBERS.astype(np.float64)
    x[7, 1] = wild
    uses: list[Any] = [
        model.predict,
        lambda x: model.evaluate(x, y),
        lambda x: fitted(nn.Linear(2), x, CLASSES),
        lambda x: fitted(nn.Linear(2), NUMBERS, CLASSES, validation=(x, CLASSES)),
    ]
    for use in uses if y is RATING else [*uses, model.predict_proba]:
        with pytest.raises(DataError, match=r"in row 7, column 1") as caught:
            use(x)
        assert ("float32 holds numbers up to 3.4e+38" in str(caught.value)) == np.isfinite(wild)


def test_an_output_that_overflows_is_told() -> None:
    model = fitted(nn.Linear(2), NUMBERS, CLASSES, epochs=1).model
    x = NUMBERS.copy()
    x[[3, 5]] = 3e38
    for use in (model.predict, model.predict_proba, lambda x: model.evaluate(x, CLASSES)):
        with pytest.raises(NotFiniteError, match="for 2 of 120 rows, the first row 3, though"):
            use(x)
    assert not np.isfinite(model.members[0].outputs(x)[3]).all()
    with pytest.raises(NotFiniteError, match="probabilities of row 1 are no numbers"):
        model.labels_of(np.array([[0.5, 0.5], [np.nan, 0.5]]))


def test_a_network_whose_weights_are_nan_predicts_nothing() -> None:
    model = fitted(nn.Linear(2), NUMBERS, CLASSES, epochs=1).model
    model.net.load_state_dict({"W": np.full((3, 2), np.nan), "b": np.zeros(2)})
    with pytest.raises(NotFiniteError, match="for 120 of 120 rows"):
        model.predict(NUMBERS)


def test_a_table_fills_in_what_is_not_finite() -> None:
    table = {"a": NUMBERS[:, 0].astype(float), "b": NUMBERS[:, 1].astype(float), "y": RATING}
    model = pel.fit_table(table, "y", epochs=2, progress=False).run.model
    for wild in (np.nan, np.inf, -np.inf, 1e39, -1e300):
        row = {name: values[:4].copy() for name, values in table.items()}
        row["a"][2] = wild
        notes: list[Any] = []
        found = model.predict(row, notes)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(np.delete(found, 2), np.delete(model.predict(table)[:4], 2))
        assert bool(notes) == np.isinf(wild)
    gone = {name: np.full(3, np.nan) for name in ("a", "b")}
    assert np.isfinite(model.predict(gone)).all()


def test_outputs_of_a_table_model_that_are_nan_have_no_class() -> None:
    table = {"a": NUMBERS[:, 0], "y": np.where(CLASSES, "yes", "no")}
    model = pel.fit_table(table, "y", epochs=1, progress=False).model
    assert model.preparation is not None
    with pytest.raises(NotFiniteError, match="outputs for row 1 are no numbers"):
        model.preparation.decode(np.array([[0.0, 1.0], [np.nan, 0.0]]))
    path, value = next(iter(model.members[2].net.state_dict().items()))
    model.members[2].net.load_state_dict(
        {**model.members[2].net.state_dict(), path: np.full_like(value, np.nan)}
    )
    with pytest.raises(NotFiniteError, match="for 120 of 120 rows"):
        model.predict(table)


@pytest.mark.parametrize("second", [NUMBERS, NUMBERS[:, :2]])
def test_a_list_that_seems_to_be_several_inputs_is_refused(second: Any) -> None:
    with pytest.raises(
        DataError, match=r"train\[0\] is a list of 2 arrays of 120 rows: .* a tuple or a dict"
    ):
        pel.fit(nn.Linear(2), ([NUMBERS, second], CLASSES), **SETTINGS)
    rows = pel.fit(nn.Linear(2), (list(NUMBERS), list(CLASSES)), **SETTINGS)
    assert rows.model.predict(NUMBERS).shape == (ROWS,)
