"""How the benchmark of tables sums up, and that what it trains on and measures on is apart."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.contestants import CommandError, Score, Trial, classification, pellucid, sklearn
from benchmarks.datasets import DATASETS, Dataset, named
from benchmarks.tables import arguments, line, page, prepare, verdict
from tests.data.tables import penguins

PENGUINS = Dataset("penguins", "species", "classification", penguins)


def score(value: float) -> Score:
    return Score({"accuracy": value, "log_loss": value}, 1.0)


def test_seeds_are_averaged_before_splits() -> None:
    first = [(score(0.9), score(0.8)), (score(0.7), score(0.8))]
    second = [(score(0.9), score(0.8)), (score(1.0), score(0.7))]
    row = line("a", (10, 2), "accuracy", [first, second])
    assert row.pellucid == pytest.approx(0.875)
    assert row.sklearn == pytest.approx(0.775)
    assert row.difference == pytest.approx(0.1)
    assert row.error == pytest.approx(np.std([0.0, 0.2], ddof=1) / math.sqrt(2))
    assert row.verdict == "better, within noise"


def test_a_lower_log_loss_is_better() -> None:
    row = line("a", (10, 2), "log_loss", [[(score(0.2), score(0.3))]])
    assert (row.verdict, row.error) == ("better", None)


@pytest.mark.parametrize(
    ("gain", "error", "word"),
    [
        (0.0, None, "even"),
        (0.1, None, "better"),
        (-0.1, 0.01, "worse"),
        (-0.1, 0.06, "worse, within noise"),
    ],
)
def test_verdicts(gain: float, error: float | None, word: str) -> None:
    assert verdict(gain, error) == word


def test_a_page_is_a_markdown_table() -> None:
    lines = [
        line("a", (1000, 2), m, [[(score(0.2), score(0.3))]]) for m in ("accuracy", "log_loss")
    ]
    text = page(lines)
    assert len({len(row) for row in text}) == 1
    assert len({row.count("|") for row in text}) == 1
    assert "1,000" in text[2] and "1,000" not in text[3]


def test_parts_are_apart_stratified_and_seeded(tmp_path: Path) -> None:
    frame = penguins()
    trials = list(prepare(PENGUINS, frame, tmp_path / "a", 0, 2))
    (again,) = prepare(PENGUINS, frame, tmp_path / "b", 0, 1)
    (other,) = prepare(PENGUINS, frame, tmp_path / "c", 1, 1)
    assert [trial.seed for trial in trials] == [0, 1]
    assert again.test.read_bytes() == trials[0].test.read_bytes() != other.test.read_bytes()
    train, test = (pd.read_csv(path) for path in (trials[0].train, trials[0].test))
    assert (len(train), len(test)) == (275, 69)
    whole = pd.concat([train, test]).value_counts(dropna=False)
    pd.testing.assert_series_equal(
        whole.sort_index(), frame.value_counts(dropna=False).sort_index(), check_index_type=False
    )
    shares = test["species"].value_counts(normalize=True)
    assert abs(shares - frame["species"].value_counts(normalize=True)).max() < 0.01


def test_both_contestants_report_the_same_metrics(tmp_path: Path) -> None:
    (trial,) = prepare(PENGUINS, penguins(), tmp_path / "a", 0, 1)
    ours, theirs = pellucid(trial), sklearn(trial)
    assert set(theirs.metrics) <= set(ours.metrics)
    assert ours.metrics["accuracy"] > 0.9 < theirs.metrics["accuracy"]


def test_a_failing_command_is_told(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "none.csv", tmp_path / "none.csv", "y", "regression", (), 0)
    with pytest.raises(CommandError, match=r"fit failed: .*none\.csv"):
        pellucid(trial)


def test_metrics_of_a_perfect_and_of_a_blind_prediction() -> None:
    labels, classes = np.array(["a", "b", "b", "a"]), np.array(["a", "b"])
    sure = classification(labels, np.eye(2)[[0, 1, 1, 0]], classes)
    blind = classification(labels, np.full((4, 2), 0.5), classes)
    assert sure == pytest.approx({"accuracy": 1.0, "log_loss": 0.0, "auc": 1.0}, abs=1e-12)
    assert blind == pytest.approx({"accuracy": 0.5, "log_loss": math.log(2), "auc": 0.5})


def test_tables_are_named_once_and_chosen_by_name() -> None:
    names = [dataset.name for dataset in DATASETS]
    assert len(set(names)) == len(names)
    assert [dataset.name for dataset in named(["wine", "oj"], False)] == ["wine", "oj"]
    assert len(named([], False)) == 8
    assert named([], True) == list(DATASETS)
    with pytest.raises(ValueError, match="no table is called 'wines'"):
        named(["wines"], False)


@pytest.mark.parametrize("words", [["wines"], ["--splits", "0"], ["--seeds", "x"]])
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments(words)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.tables
@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_table_is_there_with_its_columns(dataset: Dataset) -> None:
    frame = dataset.load()
    assert {dataset.target, *dataset.drop} <= set(frame.columns)
    assert len(frame) >= 150
    assert frame[dataset.target].nunique() > 1
    is_number = pd.api.types.is_float_dtype(frame[dataset.target])
    assert dataset.task == "classification" or is_number or frame[dataset.target].nunique() > 10
