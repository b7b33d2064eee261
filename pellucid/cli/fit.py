"""`pellucid fit`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pellucid.cli.column_names import column_names
from pellucid.cli.score_lines import class_lines, result_line, score_lines, sentence_lines
from pellucid.cli.show import (
    DelayedProgress,
    as_json_text,
    columns,
    interruption,
    task_words,
    wrapped,
)
from pellucid.data import ReadOptions, read_table
from pellucid.data.note import counted
from pellucid.data.note import quiet as no_progress
from pellucid.errors import DataError
from pellucid.train.model import Model
from pellucid.train.storage.folder import RunFolder
from pellucid.train.storage.lock import locked
from pellucid.train.tables import TableRun, fit_table

UNWRAPPED = 10_000
"""A width at which commands are not wrapped, so that they can be copied."""


def run_fit(
    data: Path,
    target: str,
    *,
    out: Path | None,
    plan: Mapping[str, Any],
    seconds: float | None,
    seed: int,
    task: str | None,
    drop: Sequence[str],
    resume: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    options: ReadOptions | None = None,
) -> None:
    """Train on a table and print a report.

    plan: settings of `fit_table` that the user set instead of the rules.
    """
    folder = out or Path(f"{_plain(data.stem)}-{_plain(target)}.run")
    if resume and RunFolder(folder).state == "finished":
        already_finished(folder, target, as_json, quiet)
        return
    shows = not quiet and not as_json
    trained = None
    with suppress(BrokenPipeError):
        table = read_table(data, options, progress=DelayedProgress() if shows else no_progress)
        dropped = column_names(drop, table)
        if target in dropped:
            raise DataError(f"'{target}' is the target, it cannot be left out.")
        trained = fit_table(
            table,
            target,
            task=task,
            drop=dropped,
            seed=seed,
            time_limit=seconds,
            out=folder,
            resume=resume,
            force=force,
            progress=shows,
            **plan,
        )
    if trained is None:
        # The reader of the progress has closed its pipe; the run is not finished.
        raise SystemExit(1)
    if as_json:
        print(as_json_text(summary(trained)))
    elif quiet:
        line = result_line(target, trained.scores.to_json())
        print(f"{line} Saved in {folder}.")
    else:
        print("\n".join(report(trained, target)))


def already_finished(folder: Path, target: str, as_json: bool, quiet: bool) -> None:
    """Tell that the run is finished, and remove files that a killed process left behind."""
    if not RunFolder(folder).is_tidy:
        with locked(folder):
            RunFolder(folder).tidy()
    model = Model.load(RunFolder(folder).model)
    if as_json:
        metrics = model.details.get("validation_metrics")
        facts = {"run": str(folder), "finished": True, "metrics": metrics}
        print(as_json_text({**facts, "scores": model.details.get("scores")}))
        return
    if quiet and "scores" in model.details:
        print(f"{result_line(target, model.details['scores'])} Saved in {folder}.")
        return
    print(f"The run in {folder} is finished, there is nothing to resume. Next:")
    print(f"  pellucid inspect {folder}")


def _plain(name: str) -> str:
    """The name with only characters that are safe in a path."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "table"


def summary(trained: TableRun) -> dict[str, object]:
    """The output of `--json`."""
    return {
        "task": trained.task.kind,
        "rows": trained.rows,
        "metrics": trained.metrics,
        "scores": trained.scores.to_json(),
        "networks": len(trained.run.model.members),
        "epochs": trained.run.model.details["epochs"],
        "best_epoch": trained.run.model.details["best_epoch"],
        "stopped_because": trained.run.model.details["stopped_because"],
        "interrupted": "interrupted" in trained.run.model.details,
        "notes": [note.text for note in trained.notes],
        "run": str(trained.run.folder),
    }


def report(trained: TableRun, target: str) -> list[str]:
    """The report on a run, for a reader."""
    run = trained.run
    details, model = run.model.details, run.model
    scores = trained.scores.to_json()
    words = task_words(trained.task.kind, model.classes)
    lines = ["", *wrapped(f"Predicts '{target}': {words} ({trained.task.reason}).", 0, 0)]
    if "interrupted" in details:
        lines += wrapped(interruption(details), 0, 0)
    lines += wrapped(_training(trained), 0, 0)
    lines += ["", *sentence_lines(scores), "", *wrapped(measured_on(details), 0, 0)]
    lines += [*score_lines(scores), *class_lines(scores)]
    if trained.notes:
        lines += ["", "Noticed in the data:"]
        lines += [line for note in trained.notes for line in wrapped(note.text, 2, 4)]
    following = [
        *(
            [("to complete it", "the same command with --resume")]
            if "interrupted" in details
            else []
        ),
        ("what it is and why", f"pellucid inspect {run.folder}"),
        ("what it predicts", f"pellucid predict {run.folder} NEW.csv -o OUT.csv"),
        ("how good it is on new rows", f"pellucid evaluate {run.folder} TEST.csv"),
    ]
    commands = columns(following, indent=2, width=UNWRAPPED)
    return [*lines, "", f"Saved in {run.folder}. Next:", *commands]


def measured_on(details: Mapping[str, Any]) -> str:
    """Which rows the scores are of."""
    rows, networks = details["validation_rows"], len(details["epochs"])
    if networks == 1 and rows < details["rows"]:
        return f"Measured on {counted(rows, 'row')} set aside to choose the best epoch:"
    if rows < details["rows"]:
        return (
            f"Measured on {rows:,} of the {details['rows']:,} rows, each predicted by the network "
            "that had not seen it:"
        )
    return f"Measured on all {rows:,} rows, each predicted by the network that had not seen it:"


def _training(trained: TableRun) -> str:
    """How many networks were trained, for how long, and why they stopped."""
    details, networks = trained.run.model.details, len(trained.run.model.members)
    planned = details["networks_planned"]
    short = len(details["epochs"]) < planned and "interrupted" not in details
    fewer = f" There was time for {networks} of {planned} networks." if short else ""
    if networks > 1:
        epochs = _range(details["epochs"])
        text = f"Trained {networks} networks, {epochs} epochs each; their predictions are averaged."
        return f"{text}{fewer}"
    text = f"Trained for {counted(details['epochs'][0], 'epoch')}"
    return (
        f"{text} on {details['training_rows']:,} rows; the best epoch was {trained.run.best_epoch}. "
        f"Training stopped because {trained.run.stopped_because}.{fewer}"
    )


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
