"""Numbers as inputs: integers that stay integers, those too fine for float32, those not finite."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError, NotFiniteError, PellucidWarning
from pellucid.graph import Tensor, one_hot
from pellucid.train.inputs.kinds import Kind
from tests.train.rated import CLASSES, DICE, ITEMS, NUMBERS, RATING, ROWS, SETTINGS, USERS, fitted

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
