"""What each kind of column becomes."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from pellucid.data import Note, Preparation, Task, read_table
from pellucid.data.encode.lack_of_fit import _residuals, indicator_values
from tests.data.tables import bikes, islp, penguins

REGRESSION = Task("regression", "a test")
RANDOM = np.random.default_rng(1)


def learned(values: Any, target: Any = None) -> Preparation:
    """A preparation of the column "a"; the target does not depend on it unless passed."""
    array = np.array(values, object) if isinstance(values, list) else values
    y = np.random.default_rng(2).normal(size=len(array)) if target is None else target
    return Preparation.learn(read_table({"a": array, "y": y}), "y", REGRESSION)


def features(preparation: Preparation, values: list[Any]) -> NDArray[np.float32]:
    return preparation.features(read_table({"a": np.array(values, object)}))


def test_numbers_are_standardised_and_bounded() -> None:
    values = RANDOM.normal(50, 5, 1000)
    preparation = learned(values)
    assert preparation.feature_names == ("a",)
    mean, scale = values.mean(), values.std()
    got = features(preparation, [mean, mean + scale, 1e100, -1e100, None])[:, 0]
    z = (np.median(values) - mean) / scale
    wanted = [0, 1 / math.sqrt(1 + 1 / 16), 4, -4, z / math.sqrt(1 + z * z / 16)]
    assert np.allclose(got, wanted, atol=1e-6)


def test_one_wild_value_does_not_flatten_the_rest() -> None:
    values = RANDOM.normal(50, 5, 1000)
    plain = learned(values)
    wild = learned(np.append(values, 1e12))
    probe = [40.0, 50.0, 60.0]
    assert np.allclose(features(plain, probe)[:, 0], features(wild, probe)[:, 0], atol=0.3)


def test_missing_numbers_agree_with_scikit_learn() -> None:
    values = np.where(RANDOM.random(200) < 0.1, np.nan, RANDOM.normal(size=200))
    preparation = learned(values)
    assert preparation.feature_names == ("a", "a is missing")
    imputer = SimpleImputer(strategy="median", add_indicator=True).fit(values[:, None])
    filled, indicator = imputer.transform([[np.nan], [1.0]]).T
    got = features(preparation, [None, 1.0])
    assert np.array_equal(got[:, 1], indicator)
    assert np.array_equal(got[:, 0], features(preparation, filled.tolist())[:, 0])


def test_no_indicator_where_hardly_anything_is_missing() -> None:
    values = RANDOM.normal(size=1000)
    values[:4] = np.nan
    assert learned(values).feature_names == ("a",)
    values[4] = np.nan
    assert learned(values).feature_names == ("a", "a is missing")
    few = np.array([1.0, 2.5, 3.0, np.nan, 5.0])
    assert learned(few).feature_names == ("a", "a is missing")


def test_skewed_numbers_are_seen_on_a_logarithmic_scale_too() -> None:
    values = RANDOM.lognormal(0, 2, 2000)
    preparation = learned(values)
    assert preparation.feature_names == ("a", "a (logarithmic)")
    got = preparation.features(read_table({"a": values}))
    order = np.argsort(values)
    assert (np.diff(got[order, 1]) >= 0).all()
    assert abs(got[:, 1].mean()) < 0.1
    assert 0.7 < got[:, 1].std() < 1.2


@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 90 + [1.0] * 9 + [1e120],
        [1e119] * 5 + [-1e119] * 5,
        [1e-300] * 5 + [2e-300, 3e-300],
        [5.0, None] * 10,
        [1e15 + 1, 1e15 + 2] * 10,
        [0, 0, 0, 3],
    ],
)
def test_odd_numbers_give_finite_features(values: list[Any]) -> None:
    preparation = learned(values)
    got = features(preparation, [*values, 1e120, -1e120, None])
    assert np.isfinite(got).all()
    assert abs(got).max() <= 4
    assert Preparation.from_json(preparation.to_json()).to_json() == preparation.to_json()


@pytest.mark.parametrize(
    "load", [bikes, pytest.param(lambda: islp("Bikeshare"), marks=pytest.mark.tables, id="real")]
)
def test_jagged_whole_numbers_get_an_indicator_each(load: Callable[[], pd.DataFrame]) -> None:
    frame = load()
    table = read_table(frame)
    names = Preparation.learn(table, "bikers", REGRESSION).feature_names
    assert sum(name.startswith("hr = ") for name in names) == 24
    hours = read_table(frame.assign(hr=[3, 30, *frame.hr[2:]]))
    preparation = Preparation.learn(table, "bikers", REGRESSION)
    got = preparation.features(hours)
    block = [names.index(f"hr = {hour}") for hour in range(24)]
    assert got[0, block].tolist() == [0, 0, 0, 1] + [0] * 20
    shares = [(frame.hr == hour).mean() for hour in range(24)]
    assert np.allclose(got[1, block], shares, atol=1e-6)


def test_what_a_cubic_leaves_is_that_of_least_squares() -> None:
    dice = np.random.default_rng(0)
    x = np.arange(24.0)
    for columns in ([np.ones(24), x], [x**power for power in range(4)]):
        values = dice.normal(size=24)
        powers = np.stack(columns, axis=1)
        left = values - powers @ np.linalg.lstsq(powers, values, rcond=None)[0]
        np.testing.assert_allclose(_residuals(values, columns), left, atol=1e-10)


def test_bends_agree_with_the_f_test_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    agreed = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        values = random.integers(0, 12, 600).astype(float)
        target: NDArray[np.float64] = (
            values**2 / 40 + (seed % 4) * 0.15 * (values % 2) + random.normal(size=600)
        )
        codes = np.unique(values, return_inverse=True)[1]
        fit = np.polynomial.Polynomial.fit(values, target, 3)(values)
        means = (np.bincount(codes, target) / np.bincount(codes))[codes]
        within = ((target - means) ** 2).sum()
        ratio = (((target - fit) ** 2).sum() - within) / (12 - 4) / (within / (600 - 12))
        wanted = stats.f.sf(ratio, 12 - 4, 600 - 12) < 0.001
        agreed.append(bool(indicator_values(values, target[:, None])) == wanted)
    assert sum(agreed) >= 39


def test_a_smooth_dependence_does_not_bend() -> None:
    values = np.repeat(np.arange(20.0), 100)
    noise = RANDOM.normal(size=2000)
    smooth = values**2 + noise
    assert indicator_values(values, smooth[:, None]) == ()
    jagged = np.where(np.isin(values, [3.0, 11.0]), 1.0, 0.0) + noise
    assert indicator_values(values, jagged[:, None]) == tuple(range(20))
    assert indicator_values(values[::20], jagged[::20, None]) == ()
    assert indicator_values(values, np.ones((2000, 1))) == ()


def test_categories_agree_with_scikit_learn() -> None:
    values = RANDOM.choice(["red", "green", "blue"], 300, p=[0.5, 0.3, 0.2])
    preparation = learned(values)
    assert preparation.feature_names == ("a = red", "a = green", "a = blue")
    encoder = OneHotEncoder(categories=[["red", "green", "blue"]], sparse_output=False)
    wanted = encoder.fit_transform(values[:, None])
    assert np.array_equal(preparation.features(read_table({"a": values})), wanted)


def test_unseen_and_missing_categories_are_the_average_row() -> None:
    values = ["x"] * 60 + ["y"] * 40
    preparation = learned(values)
    notes: list[Note] = []
    table = read_table({"a": np.array(["x", "new", None], object)})
    got = preparation.features(table, notes)
    assert np.allclose(got, np.array([[1.0, 0.0], [0.6, 0.4], [0.6, 0.4]]))
    assert [note.count for note in notes] == [1]
    assert "'new'" in notes[0].text


def test_rare_categories_share_an_indicator_with_unseen_ones() -> None:
    values = ["x"] * 200 + ["y"] * 90 + ["z"] * 3 + [None] * 7
    preparation = learned(values)
    assert preparation.feature_names == ("a = x", "a = y", "a = any other", "a is missing")
    got = features(preparation, ["x", "z", "new", None])
    assert np.array_equal(got, [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_ten_thousand_categories_stay_small() -> None:
    values = [f"c{int(value)}" for value in RANDOM.exponential(2000, 40_000)]
    preparation = learned(values)
    assert len(preparation.feature_names) == 66
    assert preparation.feature_names[-1] == "a: how common"
    counts = pd.Series(values).value_counts()
    some = [counts.index[0], counts.index[-1], "new"]
    common = features(preparation, some)[:, -1]
    logs = np.log1p(counts[values].to_numpy())
    wanted = (np.log1p([counts.iloc[0], counts.iloc[-1], 0]) - logs.mean()) / logs.std()
    assert np.allclose(common, wanted, atol=1e-4)


def test_booleans() -> None:
    preparation = learned([True, False, True, True, None] * 20)
    assert preparation.feature_names == ("a", "a is missing")
    got = features(preparation, [True, False, None])
    assert np.allclose(got, np.array([[1.0, 0.0], [0.0, 0.0], [0.75, 1.0]]))
    assert np.allclose(features(learned([0, 1, 1, 1] * 20), [0, 1, None])[:, 0], [0, 1, 0.75])


def test_dates() -> None:
    days = pd.date_range("2020-01-01", periods=1500, freq="D")
    preparation = learned(days.to_numpy())
    names = preparation.feature_names
    assert len(names) == 1 + 4 + 6
    assert names[0] == "a"
    probe = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-07-02", "NaT"])
    got = preparation.features(read_table({"a": probe.to_numpy()}))
    weeks = [names.index(f"a: week, {wave} {h}") for h in (1, 2, 3) for wave in ("sine", "cosine")]
    monday = [0, 1, 0, 1, 0, 1]
    assert np.allclose(got[0, weeks], monday, atol=1e-6)
    assert np.allclose(got[1, weeks], monday, atol=1e-6)
    year = names.index("a: year, cosine 1")
    assert got[0, year] > 0.99
    assert got[2, year] < -0.99
    assert np.array_equal(got[3], np.zeros(len(names)))


def test_the_time_of_the_day_is_used_where_there_is_one() -> None:
    hours = pd.date_range("2024-01-01", periods=100, freq="h").to_numpy()
    names = learned(hours).feature_names
    assert any("day, sine 3" in name for name in names)
    assert not any("week" in n for n in names)


def test_weekdays_are_told_apart() -> None:
    days = pd.date_range("2024-01-01", periods=70, freq="D").to_numpy()
    got = learned(days).features(read_table({"a": days[:7]}))
    assert np.linalg.matrix_rank(got[:, 1:]) == 6


def test_penguins_are_described() -> None:
    table = read_table(penguins())
    preparation = Preparation.learn(table, "species", Task("multiclass", "a test"))
    rows = {row.column: row for row in preparation.describe()}
    assert list(rows) == [name for name in table.names if name != "species"]
    assert rows["sex"].features == ("sex = male", "sex = female", "sex is missing")
    assert rows["body_mass_g"].kind == "number"
    assert "missing values imputed" in rows["body_mass_g"].how
    assert all(row.reason and row.how for row in rows.values())


def test_an_ordered_category_has_its_place_as_a_feature() -> None:
    levels = ["low", "middle", "high"]
    rows = ["high", "low", "middle", "low", None] * 12
    frame = pd.DataFrame({"c": pd.Categorical(rows, levels, ordered=True), "y": np.arange(60) / 7})
    table = read_table(frame)
    prepared = Preparation.learn(table, "y", Task("regression", "a test"))
    assert prepared.feature_names[-1] == "c: place in the order"
    place = prepared.features(table)[:5, -1].astype(np.float64)
    wanted = np.array([2.0, 0.0, 1.0, 0.0])
    assert np.allclose(place[:4], (wanted - wanted.mean()) / wanted.std())
    assert place[4] == 0.0
    again = Preparation.from_json(json.loads(json.dumps(prepared.to_json())))
    alone = read_table({"c": ["middle"]}, form=again.form)
    assert np.array_equal(again.features(alone)[0], prepared.features(table)[2])
