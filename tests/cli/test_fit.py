"""`pellucid fit`: what it says, what it writes, and every way that a table can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.train.storage.folder import MODEL, REPLACED, RunFolder
from tests.cli.command import failed, pellucid, small, write


def fit(data: Path, target: str = "y", *more: object) -> tuple[object, ...]:
    return ("fit", data, "--target", target, "--out", data.parent / "run", "--epochs", 2, *more)


def test_the_report_names_what_comes_next(tmp_path: Path) -> None:
    said = pellucid(*fit(small(tmp_path / "t.csv")))
    assert said.code == 0
    for part in (
        "Predicts 'y': binary, classes no and yes (the target holds texts).",
        "accuracy",
        "95% interval",
        "always saying",
        "precision",
        "true \\ predicted",
        "2 epochs each",
        "pellucid inspect",
        "predict",
    ):
        assert part in said.out
    assert "network 1 of 5" in said.err


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    said = pellucid(*fit(small(tmp_path / "t.csv"), "y", "--json"))
    summary = json.loads(said.out)
    assert said.out.count("\n") == 1 and said.err == ""
    assert summary["task"] == "binary" and summary["rows"] == 60
    assert set(summary["metrics"]) == {"accuracy", "balanced_accuracy", "log_loss", "auc"}
    scores = summary["scores"]
    assert scores["rows"] == 60 and {each["label"] for each in scores["classes"]} == {"no", "yes"}
    accuracy = next(each for each in scores["scores"] if each["metric"] == "accuracy")
    assert accuracy["interval"][0] < accuracy["value"] < accuracy["interval"][1]
    assert set(accuracy["baselines"]) == set(scores["baselines"]) == {"constant", "linear"}


def test_quiet_says_the_result_in_one_line(tmp_path: Path) -> None:
    said = pellucid(*fit(small(tmp_path / "t.csv"), "y", "--quiet"))
    assert (said.code, said.err, said.out.count("\n")) == (0, "", 1)
    assert said.out.startswith("y: ") and "of rows are predicted correctly" in said.out
    assert said.out.endswith(f"Saved in {tmp_path / 'run'}.\n")


def test_every_choice_can_be_set_and_is_shown_as_set(tmp_path: Path) -> None:
    options: dict[str, object] = {
        "--networks": 2,
        "--layers": 1,
        "--width": 5,
        "--dropout": 0.2,
        "--learning-rate": 0.01,
        "--weight-decay": 0,
        "--batch-size": 16,
        "--patience": 4,
        "--seed": 3,
    }
    words = [word for pair in options.items() for word in pair]
    said = pellucid(*fit(small(tmp_path / "t.csv"), "y", *words))
    assert said.code == 0 and "Trained 2 networks, 2 epochs each" in said.out
    facts = json.loads(pellucid("inspect", tmp_path / "run", "--json").out)
    assert [choice["rule"] for choice in facts["choices"]] == ["set by you"] * 6
    assert facts["networks"] == 2 and facts["random_seed"] == 3
    assert facts["network"][0]["output_shape"] == [5]
    page = pellucid("inspect", tmp_path / "run").out
    assert page.count("rule: set by you") == 6 and "random seed: 3" in page
    assert all(option in page for option in options)


def test_a_suspected_leak_is_named_with_the_option_that_drops_it(tmp_path: Path) -> None:
    lines = small(tmp_path / "t.csv", rows=100).read_text().splitlines()
    rows = [f"{line},{35 if line.endswith('yes') else 0}" for line in lines[1:]]
    data = write(tmp_path / "leak.csv", lines[0] + ",late fee", rows)
    said = pellucid(*fit(data))
    noticed = " ".join(said.out.split("Noticed in the data:")[1].split())
    assert noticed.startswith("'late fee' may be a leak: alone it predicts 100% of rows correctly")
    assert "--drop 'late fee'" in noticed
    assert "'late fee' may be a leak" in pellucid("inspect", tmp_path / "run").out


def test_the_default_folder_is_named_after_table_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small(tmp_path / "my table.csv", header="x,colour,the y")
    monkeypatch.chdir(tmp_path)
    assert pellucid("fit", data, "--target", "the y", "--epochs", 1, "-q").code == 0
    assert (tmp_path / "my_table-the_y.run" / MODEL).exists()


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv")
    files = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / name
        said = pellucid("fit", data, "--target", "y", "--out", out, "--epochs", 2, "--seed", seed)
        assert said.code == 0
        files.append((out / MODEL).read_bytes())
    assert files[0] == files[1] != files[2]


def test_dropped_columns_are_not_learned_from(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv")
    assert pellucid(*fit(data, "y", "--drop", "colour", "-q")).code == 0
    facts = json.loads(pellucid("inspect", tmp_path / "run", "--json").out)
    assert [c["column"] for c in facts["columns"]] == ["x"]
    assert "colour" in failed(*fit(data, "y", "--drop", "color", "--force"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("fit",), "DATA"),
        (("fit", "t.csv"), "--target"),
        (("fit", "t.csv", "--target", "y", "--epochs", "0"), "--epochs"),
        (("fit", "t.csv", "--target", "y", "--time", "soon"), "--time"),
        (("fit", "t.csv", "--target", "y", "--time", "-3s"), "--time"),
        (("fit", "t.csv", "--target", "y", "--task", "guess"), "--task"),
        (("fit", "t.csv", "--target", "y", "--resume", "--force"), "--resume"),
        (("fit", "t.csv", "--target", "y", "--drop", "x", "--drop", "y"), "--drop"),
        (("fit", "t.csv", "--target", "y", "--seed", "x"), "--seed"),
        (("fit", "t.csv", "--target", "y", "--speed", "9"), "--speed"),
        (("fit", "t.csv", "--target", "y", "--networks", "0"), "--networks"),
        (("fit", "t.csv", "--target", "y", "--dropout", "1"), "--dropout"),
        (("fit", "t.csv", "--target", "y", "--learning-rate", "0"), "--learning-rate"),
        (("fit", "t.csv", "--target", "y", "--learning-rate", "nan"), "--learning-rate"),
        (("fit", "t.csv", "--target", "y", "--weight-decay", "-1"), "--weight-decay"),
        (("train", "t.csv"), "train"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...], part: str) -> None:
    said = pellucid(*arguments)
    assert said.code == 2 and part in said.err and said.out == ""


# -- tables that are wrong -------------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path) -> None:
    assert "nowhere.csv" in failed(*fit(tmp_path / "nowhere.csv"))


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.json", "t.xyz"])
def test_a_file_that_is_no_table(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    data.write_bytes(bytes(np.random.default_rng(0).integers(0, 256, 4096, np.uint8)))
    assert name in failed(*fit(data))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["", "x,y\n", "\n\n"])
def test_an_empty_table(tmp_path: Path, text: str) -> None:
    data = tmp_path / "t.csv"
    data.write_text(text)
    failed(*fit(data))


def test_an_unknown_target_suggests_the_nearest(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv", header="x,colour,outcome")
    assert "'outcome'" in failed(*fit(data, "outcom"))


def test_a_target_with_one_value(tmp_path: Path) -> None:
    data = write(tmp_path / "t.csv", "x,y", [f"{i},same" for i in range(30)])
    assert "'y'" in failed(*fit(data))


def test_a_target_that_is_all_missing(tmp_path: Path) -> None:
    data = write(tmp_path / "t.csv", "x,y", [f"{i}," for i in range(30)])
    assert "'y'" in failed(*fit(data))


def test_rows_without_a_target_are_dropped_and_counted(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv")
    data.write_text(data.read_text() + "0.5,red,\n" * 7)
    said = pellucid(*fit(data))
    assert said.code == 0 and "7 rows" in said.out


def test_a_class_with_one_row_is_told(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv")
    data.write_text(data.read_text() + "0.5,red,maybe\n")
    said = pellucid(*fit(data))
    assert said.code == 0 and "maybe" in said.out


def test_stray_text_and_infinities_in_a_number_column_are_told(tmp_path: Path) -> None:
    rows = [f"{i * 0.1:.1f},{'a' if i % 2 else 'b'}" for i in range(80)]
    rows[3], rows[9], rows[11] = "n/k,a", "inf,a", "-inf,a"
    said = pellucid(*fit(write(tmp_path / "t.csv", "x,y", rows)))
    assert said.code == 0 and "'x'" in said.out.split("Noticed")[1]


def test_a_column_that_is_all_missing_is_told(tmp_path: Path) -> None:
    rows = [f"{i % 7},,{'a' if i % 2 else 'b'}" for i in range(60)]
    said = pellucid(*fit(write(tmp_path / "t.csv", "x,empty,y", rows)))
    assert said.code == 0 and "'empty' is left out: every value is missing." in said.out
    facts = json.loads(pellucid("inspect", tmp_path / "run", "--json").out)
    assert next(c for c in facts["columns"] if c["column"] == "empty")["features"] == []


def test_a_duplicated_column_name(tmp_path: Path) -> None:
    rows = [f"{i},{i % 5},{'a' if i % 2 else 'b'}" for i in range(60)]
    said = pellucid(*fit(write(tmp_path / "t.csv", "x,x,y", rows)))
    assert said.code == 0 and "'x_2'" in said.out


def test_ten_thousand_categories(tmp_path: Path) -> None:
    rows = [f"name{i % 10_000},{i % 3},{'a' if i % 3 else 'b'}" for i in range(20_000)]
    said = pellucid(*fit(write(tmp_path / "t.csv", "who,k,y", rows), "y", "--epochs", "1"))
    assert said.code == 0 and "'who' has many different values" in said.out


@pytest.mark.parametrize(
    "labels", [("a,b", 'say "x"'), ("0", "1"), ("1.5", "2.5"), ("true", "false"), ("é", "ß")]
)
def test_odd_labels_survive(tmp_path: Path, labels: tuple[str, str]) -> None:
    quoted = ['"' + label.replace('"', '""') + '"' for label in labels]
    rows = [f"{i % 9},{quoted[i % 2]}" for i in range(60)]
    data = write(tmp_path / "t.csv", "größe,y", rows)
    assert pellucid(*fit(data, "y", "--task", "classification", "-q")).code == 0
    said = pellucid("predict", tmp_path / "run", data)
    assert said.code == 0 and said.out.splitlines()[0].startswith("y,")


# -- folders ---------------------------------------------------------------------------------------


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv")
    assert pellucid(*fit(data, "y", "-q")).code == 0
    before = (tmp_path / "run" / MODEL).read_bytes()
    message = failed(*fit(data, "y", "--seed", "5"))
    assert "--force" in message and "--resume" in message
    assert (tmp_path / "run" / MODEL).read_bytes() == before
    assert pellucid(*fit(data, "y", "--seed", "5", "--force", "-q")).code == 0
    assert (tmp_path / "run" / MODEL).read_bytes() != before


def test_a_finished_run_is_left_alone_by_resume(tmp_path: Path) -> None:
    data = small(tmp_path / "t.csv")
    first = pellucid(*fit(data, "y", "-q"))
    assert first.code == 0
    model = tmp_path / "run" / MODEL
    before = model.read_bytes(), model.stat().st_mtime_ns
    said = pellucid(*fit(data, "y", "--resume"))
    assert said.code == 0 and "finished" in said.out
    assert pellucid(*fit(data, "y", "--resume", "-q")).out == first.out
    assert json.loads(pellucid(*fit(data, "y", "--resume", "--json")).out)["scores"]["rows"] == 60
    assert (model.read_bytes(), model.stat().st_mtime_ns) == before


@pytest.mark.parametrize("left", ["run.lock", "network-4.safetensors", "replaced.safetensors"])
def test_what_a_process_left_that_was_killed_at_its_end_is_removed(
    tmp_path: Path, left: str
) -> None:
    data = small(tmp_path / "t.csv")
    assert pellucid(*fit(data, "y", "-q", "--epochs", 1)).code == 0
    before = {file.name for file in (tmp_path / "run").iterdir()}
    (tmp_path / "run" / left).write_bytes(b"")
    assert pellucid(*fit(data, "y", "--resume")).code == 0
    assert {file.name for file in (tmp_path / "run").iterdir()} == before


def test_resume_with_other_settings_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small(tmp_path / "t.csv")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "tidy", lambda self: None)
        assert pellucid(*fit(data, "y", "-q")).code == 0
    # As a run that was killed in its last network leaves the folder.
    (tmp_path / "run" / MODEL).unlink()
    (tmp_path / "run" / "network-4.safetensors").unlink()
    assert "other settings (epochs)" in failed(*fit(data, "y", "--epochs", 3, "--resume"))
    said = pellucid(*fit(data, "y", "--resume", "-q"))
    assert said.code == 0 and not list((tmp_path / "run").glob("network-*"))


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    assert "run" in failed(*fit(small(tmp_path / "t.csv"), "y", "--force"))
    assert (tmp_path / "run").read_text() == "mine"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "disk is full" in failed(*fit(small(tmp_path / "t.csv"), "y", "-q"))
    assert not (tmp_path / "run").exists()


def test_the_model_that_is_replaced_stays_until_the_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small(tmp_path / "t.csv")
    run = tmp_path / "run"
    assert pellucid(*fit(data, "y", "-q")).code == 0
    before = (run / MODEL).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            assert "disk is full" in failed(*fit(data, "y", "-q", "--force", "--seed", 1))
        assert (run / REPLACED).read_bytes() == before
        assert pellucid("evaluate", run / REPLACED, data).code == 0
        assert not (run / MODEL).exists()
    assert pellucid(*fit(data, "y", "-q", "--resume", "--seed", 1)).code == 0
    assert not (run / REPLACED).exists() and (run / MODEL).read_bytes() != before


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    assert "permission" in failed(*fit(small(tmp_path / "t.csv"), "y", "-q"))
