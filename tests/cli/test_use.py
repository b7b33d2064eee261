"""`pellucid predict`, `evaluate` and `inspect` on the run of a small table."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, log_loss

from pellucid import __version__
from pellucid.cli import show
from pellucid.errors import PellucidWarning
from pellucid.train.model import Model
from pellucid.train.storage import container
from pellucid.train.storage.folder import MODEL
from tests.cli.command import failed, pellucid, small, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with t.csv and the run on it, and cars.csv with a regression."""
    folder = tmp_path_factory.mktemp("use")
    data = small(folder / "t.csv", rows=200)
    assert pellucid("fit", data, "--target", "y", "--out", folder / "run", "-q").code == 0
    dice = np.random.default_rng(1)
    rows = [f"{a:.3f},{3 * a + b:.3f}" for a, b in dice.normal(size=(120, 2)) * [1, 0.1]]
    write(folder / "cars.csv", "weight,price", rows)
    said = pellucid("fit", folder / "cars.csv", "--target", "price", "--out", folder / "cars", "-q")
    assert said.code == 0
    return folder


def test_classes_come_with_probabilities(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    said = pellucid("predict", folder / "run", folder / "t.csv", "-o", out)
    assert said.code == 0 and said.out == "" and "200" in said.err
    predictions = pd.read_csv(out)
    assert list(predictions.columns) == ["y", "y=no", "y=yes"]
    np.testing.assert_allclose(predictions[["y=no", "y=yes"]].sum(axis=1), 1, rtol=1e-5)
    most_probable = np.where(predictions["y=yes"] > predictions["y=no"], "yes", "no")
    assert (predictions["y"] == most_probable).all()


def test_parquet_holds_the_same(folder: Path, tmp_path: Path) -> None:
    for suffix in ("csv", "parquet"):
        said = pellucid("predict", folder / "run", folder / "t.csv", "-o", tmp_path / f"p.{suffix}")
        assert said.code == 0
    text, binary = pl.read_csv(tmp_path / "p.csv"), pl.read_parquet(tmp_path / "p.parquet")
    assert text.equals(binary)


def test_a_regression_predicts_values(folder: Path) -> None:
    said = pellucid("predict", folder / "cars", folder / "cars.csv")
    lines = said.out.splitlines()
    assert lines[0] == "price" and len(lines) == 121
    truth = pd.read_csv(folder / "cars.csv")["price"]
    assert np.corrcoef(truth, [float(line) for line in lines[1:]])[0, 1] > 0.95


def test_evaluate_agrees_with_scikit_learn(folder: Path) -> None:
    evaluated = json.loads(pellucid("evaluate", folder / "run", folder / "t.csv", "--json").out)
    lines = [
        line.split(",")
        for line in pellucid("predict", folder / "run", folder / "t.csv").out.splitlines()
    ]
    truth = pd.read_csv(folder / "t.csv")["y"]
    labels, probabilities = [row[0] for row in lines[1:]], [float(row[2]) for row in lines[1:]]
    assert evaluated["task"] == "binary" and evaluated["rows"] == 200
    assert evaluated["metrics"]["accuracy"] == pytest.approx(accuracy_score(truth, labels))
    assert evaluated["metrics"]["log_loss"] == pytest.approx(
        log_loss(truth == "yes", probabilities), rel=1e-5
    )
    assert list(evaluated["metrics"]) == ["accuracy", "balanced_accuracy", "log_loss", "auc"]
    evaluated = json.loads(pellucid("evaluate", folder / "cars", folder / "cars.csv", "--json").out)
    assert list(evaluated["metrics"]) == ["rmse", "mae", "r2"]


@pytest.mark.parametrize("what", ["predict", "evaluate"])
def test_reading_that_takes_long_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(show, "PROGRESS_SECONDS", 0.0)
    said = pellucid(what, folder / "run", folder / "t.csv")
    assert said.code == 0 and "t.csv: 200 rows, column 2 of 3, 'colour'" in said.err


def test_evaluate_needs_the_target(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "n.csv", "x,colour", ["1,red"])
    assert "'y'" in failed("evaluate", folder / "run", data)


def test_columns_may_be_reordered_and_more(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(folder / "t.csv")
    table.assign(more=1)[["more", "y", "colour", "x"]].to_csv(tmp_path / "r.csv", index=False)
    same = pellucid("predict", folder / "run", folder / "t.csv")
    other = pellucid("predict", folder / "run", tmp_path / "r.csv")
    assert other.code == 0 and other.out == same.out


def test_a_column_that_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "m.csv", "x,y", ["1,yes"])
    assert "'colour'" in failed("predict", folder / "run", data)


def test_categories_and_values_never_seen_are_accepted(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "u.csv", "x,colour", ["0.1,purple", "1e30,red", ",", "abc,red"])
    said = pellucid("predict", folder / "run", data)
    assert said.code == 0 and len(said.out.splitlines()) == 5
    assert "nan" not in said.out and "purple" in said.err


def test_a_column_of_another_type_is_told(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "o.csv", "x,colour,y", ["north,1,no", "south,2,yes"])
    for what in ("predict", "evaluate"):
        said = pellucid(what, folder / "run", data)
        assert said.code == 0
        assert "None of the 2 values of 'x' is a number; they count as missing" in said.err


@pytest.mark.parametrize("what", ["predict", "evaluate"])
def test_stray_values_are_told_of(folder: Path, tmp_path: Path, what: str) -> None:
    lines = (folder / "t.csv").read_text().splitlines()
    lines[3], lines[5] = "n/k,red,yes", "-inf,blue,no"
    lines = [f"{line},{row}" for row, line in enumerate(lines)]
    data = write(tmp_path / "s.csv", "x,colour,y,more", [*lines[1:-1], "1,red,no,oops"])
    said = pellucid(what, folder / "run", data)
    assert said.code == 0
    assert said.err.splitlines()[:3] == [
        "pellucid: note: 1 value of 'x' is not a number and counts as missing: 'n/k' (1).",
        "pellucid: note: 1 value of 'x' is infinite and counts as missing.",
        "pellucid: note: 1 column that training did not have is ignored: 'more'.",
    ]


def test_an_output_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    said = pellucid("predict", folder / "run", folder / "t.csv", "-o", tmp_path / "p.txt")
    assert said.code == 2 and ".csv or .parquet" in said.err
    said = pellucid("predict", folder / "run", folder / "t.csv", "-o", tmp_path / "no" / "p.csv")
    assert said.code == 1 and "folder does not exist" in said.err
    assert not list(tmp_path.iterdir())


def test_the_table_is_not_overwritten_by_its_predictions(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    data.write_bytes((folder / "t.csv").read_bytes())
    (tmp_path / "link.csv").symlink_to(data)
    for output in (data, tmp_path / "link.csv"):
        assert "table itself" in failed("predict", folder / "run", data, "-o", output)
    assert data.read_bytes() == (folder / "t.csv").read_bytes()


@pytest.mark.parametrize("what", ["predict", "evaluate"])
def test_a_run_that_is_not_there(tmp_path: Path, what: str) -> None:
    assert "nowhere" in failed(what, tmp_path / "nowhere", tmp_path / "t.csv")
    (tmp_path / "empty").mkdir()
    assert "without a model" in failed(what, tmp_path / "empty", tmp_path / "t.csv")
    (tmp_path / "empty" / "network-0.safetensors").touch()
    assert "--resume" in failed(what, tmp_path / "empty", tmp_path / "t.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("what", ["predict", "evaluate", "inspect"])
def test_an_output_that_is_full(folder: Path, what: str) -> None:
    words = [sys.executable, "-m", "pellucid", what, str(folder / "run")]
    words += [] if what == "inspect" else [str(folder / "t.csv")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "note:" not in line]
    assert lines == ["pellucid: Reading or writing failed: the disk is full."]


def test_a_terminal_that_knows_ascii_only(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", "evaluate", folder / "cars", folder / "cars.csv"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"R\\xb2" in done.stdout


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("run", ["run", "cars"])
def test_pages_fit_the_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    data = folder / ("t.csv" if run == "run" else "cars.csv")
    for said in (pellucid("inspect", folder / run), pellucid("evaluate", folder / run, data)):
        lines = [line for line in said.out.splitlines() if str(folder) not in line]
        assert said.code == 0 and max(map(len, lines)) <= width


def test_the_page_has_its_summary_first(folder: Path) -> None:
    said = pellucid("inspect", folder / "run").out
    head, scores = said.split("SCORES\n")
    assert head.startswith("Predicts 'y' (binary, classes no and yes) from 2 columns")
    assert "of rows are predicted correctly" in head
    parts = ["95% interval", "precision", "COLUMNS", "NETWORK, 5 like this", "CHOICES"]
    places = [scores.index(part) for part in parts]
    assert places == sorted(places)


def test_of_many_columns_the_first_are_shown(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    names = [f"x{place}" for place in range(30)]
    rows = [",".join(f"{x:.3f}" for x in row) for row in dice.normal(size=(40, 31))]
    data = write(tmp_path / "wide.csv", ",".join([*names, "y"]), rows)
    arguments = ("--target", "y", "--out", tmp_path / "run", "--epochs", 1, "-q")
    assert pellucid("fit", data, *arguments).code == 0
    some, every = (
        pellucid("inspect", tmp_path / "run").out,
        pellucid("inspect", tmp_path / "run", "--all").out,
    )
    assert "\n  x19 " in some and "\n  x20 " not in some and "and 10 more columns" in some
    assert "\n  x29 " in every and "more columns" not in every


def test_of_many_classes_the_commonest_are_shown(tmp_path: Path) -> None:
    rows = [f"{k % 7},c{k % 25 if k % 3 else 0:02d}" for k in range(400)]
    data = write(tmp_path / "many.csv", "x,y", rows)
    said = pellucid("fit", data, "--target", "y", "--out", tmp_path / "run", "--epochs", 1)
    assert "multiclass, 25 classes" in said.out and "and 5 rarer classes" in said.out
    assert "true \\ predicted" not in said.out
    table = pellucid("inspect", tmp_path / "run", "--all").out
    assert all(f"\n  c{k:02d} " in table for k in range(25))


def test_labels_that_do_not_fit_are_numbered(tmp_path: Path) -> None:
    names = [f"a rather long label {k}" for k in range(6)]
    rows = [f"{k % 6},{names[k % 6]}" for k in range(120)]
    data = write(tmp_path / "long.csv", "x,y", rows)
    said = pellucid("fit", data, "--target", "y", "--out", tmp_path / "run", "--epochs", 1)
    matrix = said.out.split("true \\ predicted")[1].splitlines()
    assert matrix[0].split() == ["1", "2", "3", "4", "5", "6"]
    assert matrix[1].startswith("  1 a rather long label")


def test_evaluate_says_that_rows_were_trained_on(folder: Path, tmp_path: Path) -> None:
    own = pellucid("evaluate", folder / "run", folder / "t.csv")
    assert "All 200 rows were trained on" in own.err
    other = pellucid("evaluate", folder / "run", small(tmp_path / "o.csv", rows=30))
    assert "trained on" in other.err  # The same generator gives the same first rows.
    lines = [f"{k / 7:.4f},red,yes" for k in range(1, 40)]
    new = write(tmp_path / "n.csv", "x,colour,y", lines)
    assert "trained on" not in pellucid("evaluate", folder / "run", new).err
    facts = json.loads(pellucid("evaluate", folder / "run", folder / "t.csv", "--json").out)
    assert "trained on" in facts["notes"][0] and facts["scores"]["rows"] == 200


def test_evaluate_compares_with_baselines(folder: Path) -> None:
    said = pellucid("evaluate", folder / "cars", folder / "cars.csv").out
    assert said.startswith("Predicts 'price': regression. 120 rows of ")
    assert "of the variance; a linear model explains" in said
    assert "constant" in said and "linear" in said and "95% interval" in said


def test_few_rows_are_not_judged(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "few.csv", "x,colour,y", ["0.1,red,yes", "0.3,blue,no"])
    said = pellucid("evaluate", folder / "run", data)
    assert said.code == 0 and "2 rows are too few to say how good the model is." in said.out


@pytest.mark.parametrize("keep", [["--keep", "colour,x"], ["--keep", "colour", "--keep", "x"]])
def test_columns_are_kept_beside_predictions(folder: Path, keep: list[str]) -> None:
    said = pellucid("predict", folder / "run", folder / "t.csv", *keep)
    lines = said.out.splitlines()
    assert lines[0] == "colour,x,y,y=no,y=yes"
    given = pd.read_csv(folder / "t.csv", dtype=str)
    assert [line.split(",")[0] for line in lines[1:]] == given["colour"].tolist()
    assert [float(line.split(",")[1]) for line in lines[1:]] == given["x"].astype(float).tolist()


def test_kept_columns_are_in_parquet_too_and_gaps_stay_gaps(folder: Path, tmp_path: Path) -> None:
    rows = ["0.5,red,007,1", "0.7,blue,,", "0.1,red,010,3.5"]
    data = write(tmp_path / "t.csv", "x,colour,id,extra", rows)
    for suffix in ("csv", "parquet"):
        out = tmp_path / f"p.{suffix}"
        said = pellucid("predict", folder / "run", data, "--keep", "id,extra", "-o", out)
        assert said.code == 0
    types = {"id": pl.String, "extra": pl.String}
    table = pl.read_csv(tmp_path / "p.csv", schema_overrides=types)
    for kept in (table, pl.read_parquet(tmp_path / "p.parquet")):
        assert kept["id"].to_list() == ["007", None, "010"]
        assert kept["extra"].to_list() == ["1", None, "3.5"]


def test_a_column_with_a_comma_in_its_name_can_be_kept(folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "t.csv", 'x,colour,"last, first"', ['0.5,red,"Curie, Marie"'])
    said = pellucid("predict", folder / "run", data, "--keep", "last, first")
    assert said.out.splitlines()[0] == '"last, first",y,y=no,y=yes'
    assert "did you mean 'colour'" in failed("predict", folder / "run", data, "--keep", "color")


def test_inspect_json_is_one_object(folder: Path) -> None:
    facts = json.loads(pellucid("inspect", folder / "run", "--json").out)
    assert facts["target"] == "y" and facts["networks"] == 5
    assert facts["network"][0]["layer"].startswith("Linear")
    assert {column["column"] for column in facts["columns"]} == {"x", "colour"}


def test_inspect_kernels_shows_the_machine_code(folder: Path) -> None:
    said = pellucid("inspect", folder / "run", "--kernels")
    assert said.code == 0 and "matmul" in said.out and "thread" in said.out


def test_a_model_file_does_as_well_as_its_folder(folder: Path) -> None:
    one = pellucid("predict", folder / "run", folder / "t.csv")
    other = pellucid("predict", folder / "run" / MODEL, folder / "t.csv")
    assert one.out == other.out


@pytest.mark.parametrize("damage", ["cut", "flip", "foreign", "empty"])
def test_a_damaged_model_is_refused(folder: Path, tmp_path: Path, damage: str) -> None:
    whole = bytearray((folder / "run" / MODEL).read_bytes())
    if damage == "cut":
        whole = whole[: len(whole) // 2]
    elif damage == "flip":
        whole[len(whole) // 2] ^= 1
    else:
        whole = bytearray(b"" if damage == "empty" else b"PK\x03\x04 a zip file" * 50)
    path = tmp_path / MODEL
    path.write_bytes(whole)
    assert str(path) in failed("predict", path, folder / "t.csv")


@pytest.mark.parametrize("entry", ["members", "classes", "details"])
def test_a_forged_model_is_refused(folder: Path, tmp_path: Path, entry: str) -> None:
    """Whatever stands in a file whose checksum is right, there is no traceback."""
    arrays, details = container.read(folder / "run" / MODEL, "model")
    path = tmp_path / "forged.safetensors"
    wrong: tuple[object, ...] = (7, "text", {}, [1, 2], [[]], [None], {"choices": 3})
    for value in wrong:
        container.write(path, arrays, {**details, entry: value}, "model")
        assert str(path) in failed("inspect", path)


def test_version_and_help() -> None:
    assert pellucid("--version").out.strip() == f"pellucid {__version__}"
    said = pellucid("--help")
    assert said.code == 0 and all(
        name in said.out for name in ("fit", "predict", "evaluate", "inspect")
    )
    assert pellucid().code == 2


def test_a_reader_that_has_seen_enough(folder: Path) -> None:
    """`pellucid predict … | head -1` ends quietly."""
    command = [
        sys.executable,
        "-m",
        "pellucid",
        "predict",
        str(folder / "run"),
        str(folder / "t.csv"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read().decode()
    process.stderr.close()
    process.wait(60)
    assert "Traceback" not in error


def test_outputs_that_are_nan_are_no_predictions(folder: Path, tmp_path: Path) -> None:
    model = Model.load(folder / "run" / MODEL)
    net = model.members[1].net
    net.load_state_dict({path: value * np.nan for path, value in net.state_dict().items()})
    model.save(tmp_path / "nan.safetensors")
    for command in ("predict", "evaluate"):
        said = pellucid(command, tmp_path / "nan.safetensors", folder / "t.csv")
        assert said.code == 1 and said.out == ""
        assert "NaN or infinite for 200 of 200 rows" in said.err


def test_numbers_that_json_cannot_hold_are_null(folder: Path, tmp_path: Path) -> None:
    model = Model.load(folder / "cars" / MODEL)
    model.details["validation_metrics"]["r2"] = math.nan
    model.save(tmp_path / "odd.safetensors")
    said = pellucid("inspect", tmp_path / "odd.safetensors", "--json")
    metrics = json.loads(said.out, parse_constant=str.upper)["metrics"]
    assert metrics["r2"] is None and metrics["not_finite"] == {"r2": "NaN"}


def test_a_warning_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(*_: object) -> None:
        warnings.warn("something was noticed", PellucidWarning, stacklevel=1)

    monkeypatch.setattr("pellucid.cli.evaluate.run_evaluate", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        said = pellucid("evaluate", tmp_path, tmp_path)
    assert said.err == "pellucid: warning: something was noticed\n"
