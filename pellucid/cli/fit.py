"""`pellucid fit`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pellucid.cli.show import (
    DelayedProgress,
    as_json_text,
    columns,
    interruption,
    metric_lines,
    wrapped,
)
from pellucid.data import ReadOptions, read_table
from pellucid.data.note import quiet as no_progress
from pellucid.train.model import Model
from pellucid.train.storage.folder import RunFolder
from pellucid.train.storage.lock import locked
from pellucid.train.tables import TableRun, fit_table


def run_fit(
    data: Path,
    target: str,
    *,
    out: Path | None,
    epochs: int | None,
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
    """Train on a table and print a report."""
    folder = out or Path(f"{_plain(data.stem)}-{_plain(target)}.run")
    if resume and RunFolder(folder).state == "finished":
        already_finished(folder, as_json)
        return
    shows = not quiet and not as_json
    trained = None
    with suppress(BrokenPipeError):
        trained = fit_table(
            read_table(data, options, progress=DelayedProgress() if shows else no_progress),
            target,
            task=task,
            drop=drop,
            epochs=epochs,
            seed=seed,
            time_limit=seconds,
            out=folder,
            resume=resume,
            force=force,
            progress=shows,
        )
    if trained is None:
        # The reader of the progress has closed its pipe; the run is not finished.
        raise SystemExit(1)
    if as_json:
        print(as_json_text(summary(trained)))
    elif not quiet:
        print("\n".join(report(trained, data, target)))


def already_finished(folder: Path, as_json: bool) -> None:
    """Tell that the run is finished, and remove files that a killed process left behind."""
    if not RunFolder(folder).is_tidy:
        with locked(folder):
            RunFolder(folder).tidy()
    model = Model.load(RunFolder(folder).model)
    if as_json:
        metrics = model.details.get("validation_metrics")
        print(as_json_text({"run": str(folder), "finished": True, "metrics": metrics}))
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
        "networks": len(trained.run.model.members),
        "epochs": trained.run.model.details["epochs"],
        "best_epoch": trained.run.model.details["best_epoch"],
        "stopped_because": trained.run.model.details["stopped_because"],
        "interrupted": "interrupted" in trained.run.model.details,
        "notes": [note.text for note in trained.notes],
        "run": str(trained.run.folder),
    }


def report(trained: TableRun, data: Path, target: str) -> list[str]:
    """The report on a run, for a reader."""
    run = trained.run
    details = run.model.details
    networks = len(run.model.members)
    lines = ["", f"Predicts '{target}': {trained.task.kind} ({trained.task.reason})."]
    if "interrupted" in details:
        lines += wrapped(interruption(details), 0, 0)
    if networks > 1:
        lines += [
            f"Trained {networks} networks, {_range(details['epochs'])} epochs each; "
            "their predictions are averaged.",
            "",
            f"Each of the {details['validation_rows']:,} rows, predicted by the network that had "
            "not seen it:",
        ]
    else:
        lines += [
            f"Trained {details['epochs'][0]} epochs on {details['training_rows']:,} rows; "
            f"stopped because {run.stopped_because}.",
            "",
            f"On {details['validation_rows']:,} rows set aside to choose the best epoch "
            f"({run.best_epoch}):",
        ]
    lines += metric_lines(trained.metrics)
    if trained.notes:
        lines += ["", "Noticed in the data:"]
        lines += [line for note in trained.notes for line in wrapped(note.text, 2, 4)]
    following = [
        *([("the same command with --resume", "continues it")] if "interrupted" in details else []),
        (f"pellucid inspect {run.folder}", "what it is and why"),
        (f"pellucid predict {run.folder} NEW.csv -o OUT.csv", "what it predicts"),
        (f"pellucid evaluate {run.folder} TEST.csv", "how good it is on new rows"),
    ]
    return [*lines, "", f"Saved in {run.folder}. Next:", *columns(following, indent=2)]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
