"""`pellucid evaluate`."""

from __future__ import annotations

from pathlib import Path

from pellucid.cli.model_file import load
from pellucid.cli.score_lines import class_lines, score_lines, sentence_lines
from pellucid.cli.show import DelayedProgress, as_json_text, show_notes, task_words
from pellucid.data import Note, ReadOptions, read_table
from pellucid.data.note import counted, quiet
from pellucid.errors import DataError


def run_evaluate(run: Path, data: Path, as_json: bool, options: ReadOptions | None = None) -> None:
    """Print the scores of a model on a table with the target."""
    model = load(run)
    assert model.preparation is not None
    progress = quiet if as_json else DelayedProgress()
    table = read_table(data, options, model.preparation.form, keep_rows=False, progress=progress)
    target = model.preparation.target_name
    if target not in table.names:
        raise DataError(
            f"{data} has no column '{target}' to compare with: use predict for rows whose target "
            "is not known."
        )
    column = table.column(target)
    known = table.take(~column.missing())
    notes: list[Note] = []
    measured = model.scores(known, notes)
    show_notes(notes)
    task, scores = model.preparation.task.kind, measured.to_json()
    if as_json:
        texts = [note.text for note in notes]
        facts = {"task": task, "rows": known.rows, "metrics": measured.values}
        print(as_json_text({**facts, "scores": scores, "notes": texts}))
        return
    words = task_words(task, model.classes)
    lines = [f"Predicts '{target}': {words}. {counted(known.rows, 'row')} of {data}."]
    if known.rows < table.rows:
        lines.append(f"({counted(table.rows - known.rows, 'row')} without a target left out)")
    lines += [*sentence_lines(scores), "", *score_lines(scores), *class_lines(scores)]
    print("\n".join(lines))
