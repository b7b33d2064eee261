"""Records come as they happen, in memory and in the file of a run, of one network or several."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn
from pellucid.errors import ModelFileError, RunFolderError
from pellucid.train.actions import Log
from pellucid.train.events import Evaluated, Event, Progressed, Recorded, Started
from pellucid.train.probes import Norm
from pellucid.train.records import Record, RecordFile, Records, line_of, read_records
from pellucid.train.storage.folder import MODEL, RECORDS
from tests.train.checkpoints import save_always
from tests.train.runs import At, Killed, X, Y, fitted


def lines(folder: Path) -> list[dict[str, Any]]:
    """The file of records, line by line."""
    return [json.loads(line) for line in (folder / RECORDS).read_text().splitlines()]


def test_an_evaluation_is_recorded_by_name(tmp_path: Path) -> None:
    run = fitted(out=tmp_path / "run")
    for entry in run.history:
        records = [r for r in run.log if r.step == entry.step]
        values = {**entry.measures, "learning_rate": entry.learning_rate}
        assert {r.name: r.value for r in records} == values
        assert {(r.epoch, r.network, r.path) for r in records} == {(entry.epoch, 0, "")}
    assert list(read_records(tmp_path / "run" / RECORDS)) == list(run.log)
    assert [Record(**line) for line in lines(tmp_path / "run")] == list(run.log)


def test_records_are_sent_before_what_they_belong_to() -> None:
    """So that a callback can remember them and answer the event."""
    seen: list[Event] = []
    run = fitted(seen.append, probes=[Norm("gradients")], probe_every=4)
    sent = [record for e in seen if isinstance(e, Recorded) for record in e.records]
    assert sent == list(run.log)
    probed = run.log.named("gradient.norm", "W")
    assert [record.step for record in probed] == [0, 4, 8, 12, 16, 20]
    at = {id(e): n for n, e in enumerate(seen)}
    for event in seen:
        if isinstance(event, Evaluated):
            before = seen[at[id(event)] - 1]
            assert isinstance(before, Recorded)
            assert [r.name for r in before.records] == [*event.measures, "learning_rate"]


def test_a_frame_has_a_column_for_each_field() -> None:
    run = fitted(At(Evaluated, lambda e: e.epoch == 1, Log("list", [1.0, 2.0])))
    columns = run.log.columns()
    assert list(columns) == ["step", "epoch", "network", "path", "name", "value"]
    frame = run.records
    names = list(frame["name"])
    assert names == columns["name"]
    index = names.index("list")
    assert math.isnan(list(frame["value"])[index])
    assert list(list(frame["values"])[index]) == [1.0, 2.0]
    assert run.log[index].value == [1.0, 2.0]


@pytest.mark.parametrize("value", [0.1, -1e-300, math.inf, math.nan, [1.0, 2.5], [], [math.inf]])
def test_a_record_goes_into_a_line_and_back(value: Any, tmp_path: Path) -> None:
    record = Record(3, 1, 2, 'a "path"', "näme", value)
    line = line_of(record)
    json.loads(line)
    (tmp_path / RECORDS).write_text(line)
    (back,) = read_records(tmp_path / RECORDS)
    np.testing.assert_equal(back, record)


def test_half_a_line_is_left_out_and_damage_is_told(tmp_path: Path) -> None:
    whole = line_of(Record(1, 0, 0, "", "a", 1.0))
    path = tmp_path / RECORDS
    path.write_text(whole + whole[:20])
    assert len(read_records(path)) == 1
    path.write_text(whole + "{}\n" + whole)
    with pytest.raises(ModelFileError, match="line 2 is no record"):
        read_records(path)
    assert len(read_records(tmp_path / "nothing")) == 0


def test_a_file_is_cut_to_what_a_checkpoint_knew(tmp_path: Path) -> None:
    path, record = tmp_path / RECORDS, Record(1, 0, 0, "", "a", 1.0)
    file = RecordFile(path)
    file.write([record])
    size = file.size
    file.write([record, record])
    file.close()
    assert len(read_records(path)) == 3 and path.stat().st_size == 3 * size
    RecordFile(path, size).close()
    assert len(read_records(path)) == 1
    with pytest.raises(RunFolderError, match="Cannot write"):
        RecordFile(tmp_path / "no" / RECORDS)


def test_records_of_probes_survive_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_always(monkeypatch)
    settings: dict[str, Any] = {"probes": [Norm("gradients")], "probe_every": 2}

    def kill(event: Event) -> None:
        if isinstance(event, Progressed) and event.step >= 9:
            raise Killed

    whole = fitted(out=tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        fitted(kill, out=tmp_path / "run", **settings)
    with (tmp_path / "run" / RECORDS).open("a") as file:
        file.write(line_of(Record(99, 9, 0, "", "after the checkpoint", 1.0)) + '{"step": 1')
    run = fitted(out=tmp_path / "run", resume=True, **settings)
    assert list(run.log) == list(whole.log)
    for name in (MODEL, RECORDS):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def table() -> dict[str, Any]:
    """A table whose rows are few, so that five networks are trained."""
    return {"a": X[:, 0], "b": X[:, 1], "y": Y}


@pytest.fixture(scope="module")
def whole_table(tmp_path_factory: pytest.TempPathFactory) -> tuple[pel.Run, Path]:
    """A run that nobody killed, and its folder."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return pel.fit_table(table(), "y", epochs=1, out=folder, progress=False).run, folder


@pytest.mark.parametrize(("network", "kind"), [(0, Progressed), (1, Started), (1, Progressed)])
def test_networks_are_recorded_one_after_another(
    network: int,
    kind: type[Any],
    whole_table: tuple[pel.Run, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed as one begins, and after its first checkpoint."""
    save_always(monkeypatch)
    current = [0]

    def kill(event: Event) -> None:
        if isinstance(event, Started):
            current[0] = event.network
        here = isinstance(event, kind) and current[0] == network
        if here and getattr(event, "step", 0) >= (0 if kind is Started else 2):
            raise Killed

    settings: dict[str, Any] = {"epochs": 1, "progress": False}
    whole = whole_table[0]
    with pytest.raises(Killed):
        pel.fit_table(table(), "y", callbacks=[kill], out=tmp_path / "run", **settings)
    run = pel.fit_table(table(), "y", out=tmp_path / "run", resume=True, **settings).run
    assert [r.network for r in run.log] == sorted(r.network for r in run.log)
    assert {r.network for r in run.log} == set(range(5))
    assert list(run.log) == list(whole.log)
    for name in (MODEL, RECORDS):
        assert (tmp_path / "run" / name).read_bytes() == (whole_table[1] / name).read_bytes()


def test_records_without_a_frame_library_are_a_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.train.records.frame_of", lambda columns: columns)
    records = Records()
    records.add([Record(1, 0, 0, "", "a", 1.0)])
    assert records.frame()["value"] == [1.0] and "values" not in records.frame()
    assert repr(records) == "1 records: a"


def test_a_run_that_cannot_write_its_records_leaves_no_folder(tmp_path: Path) -> None:
    """What fails before the first evaluation leaves nothing to go on from."""

    def fail(event: Event) -> None:
        if isinstance(event, Evaluated):
            raise Killed

    with pytest.raises(Killed):
        fitted(fail, out=tmp_path / "run", net=nn.Linear(1))
    assert not (tmp_path / "run").exists()
