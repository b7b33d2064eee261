"""`pellucid evaluate`."""

from __future__ import annotations

from pathlib import Path

from pellucid.cli.model_file import load
from pellucid.cli.show import DelayedProgress, as_json_text, metric_lines, show_notes
from pellucid.data import Note, ReadOptions, read_table
from pellucid.data.note import quiet
from pellucid.errors import DataError


def run_evaluate(run: Path, data: Path, as_json: bool, options: ReadOptions | None = None) -> None:
    """Print the metrics of a model on a table with the target."""
    model = load(run)
    assert model.preparation is not None
    progress = quiet if as_json else DelayedProgress()
    table = read_table(data, options, model.preparation.form, progress=progress)
    target = model.preparation.target_name
    if target not in table.names:
        raise DataError(
            f"{data} has no column '{target}' to compare with: use predict for rows whose target "
            "is not known."
        )
    column = table.column(target)
    known = table.take(~column.missing())
    notes: list[Note] = []
    metrics = model.evaluate(known, notes=notes)
    show_notes(notes)
    task = model.preparation.task.kind
    if as_json:
        print(as_json_text({"task": task, "rows": known.rows, "metrics": metrics}))
        return
    print(f"{model.preparation.target_name}: {task}, {known.rows:,} rows of {data}")
    if known.rows < table.rows:
        print(f"  ({table.rows - known.rows:,} rows without a target were left out)")
    print("\n".join(metric_lines(metrics)))
