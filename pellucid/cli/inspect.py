"""`pellucid inspect`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pellucid.cli.fit import measured_on
from pellucid.cli.model_file import load
from pellucid.cli.score_lines import class_lines, score_lines, sentence_lines
from pellucid.cli.show import as_json_text, columns, interruption, task_words, wrapped
from pellucid.data.note import counted
from pellucid.errors import ModelFileError
from pellucid.train.model import Model

MOST_COLUMNS = 20
"""The most columns that are listed unless all are asked for."""


def run_inspect(run: Path, as_json: bool, everything: bool = False) -> None:
    """Print a description of a model and the reasons for its choices."""
    print(description(load(run), str(run), as_json, everything))


def description(model: Model, name: str, as_json: bool = False, everything: bool = False) -> str:
    """The description as text or JSON; raises `ModelFileError` for details of another kind."""
    try:
        return as_json_text(facts(model)) if as_json else "\n".join(page(model, everything))
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelFileError(f"{name} does not say how it was trained.") from error


def facts(model: Model) -> dict[str, Any]:
    """The description as plain JSON values."""
    assert model.preparation is not None
    rows = model.net.summary(model.input_shape).rows
    details = model.details
    return {
        "target": model.preparation.target_name,
        "task": model.preparation.task.kind,
        "rows": details["rows"],
        "networks": len(model.members),
        "classes": None if model.classes is None else list(model.classes),
        "metrics": details["validation_metrics"],
        "scores": details["scores"],
        "notes": details["notes"],
        "network": [
            {
                "path": row.path,
                "layer": row.layer,
                "output_shape": list(row.output_shape),
                "parameters": row.parameters,
            }
            for row in rows
        ],
        "columns": [
            {
                "column": c.column,
                "kind": c.kind,
                "reason": c.reason,
                "how": c.how,
                "form": c.form,
                "evidence": c.evidence,
                "features": list(c.features),
            }
            for c in model.preparation.describe()
        ],
        "choices": details["choices"],
        "random_seed": details["seed"],
        "epochs": details["epochs"],
        "best_epoch": details["best_epoch"],
        "stopped_because": details["stopped_because"],
        "interrupted": details.get("interrupted"),
    }


def page(model: Model, everything: bool = False) -> list[str]:
    """The description as lines of text."""
    values = facts(model)
    return [
        *_summary(model, values),
        "",
        "SCORES",
        *wrapped(measured_on(model.details), 2, 2),
        *score_lines(values["scores"]),
        *class_lines(values["scores"], everything),
        *_notes(values["notes"]),
        *_columns(values, everything),
        *_written(model, everything),
        *_network(values),
        *_choices(values),
    ]


def _summary(model: Model, values: dict[str, Any]) -> list[str]:
    used = sum(bool(column["features"]) for column in values["columns"])
    words = task_words(values["task"], model.classes)
    text = (
        f"Predicts '{values['target']}' ({words}) from {counted(used, 'column')}, learned from "
        f"{counted(values['rows'], 'row')}."
    )
    interrupted = wrapped(interruption(model.details), 0, 0) if values["interrupted"] else []
    return [*wrapped(text, 0, 0), *sentence_lines(values["scores"]), *interrupted]


def _notes(notes: list[str]) -> list[str]:
    lines = [line for note in notes for line in wrapped(note, 2, 4)]
    return ["", "NOTICED IN THE DATA", *lines] if lines else []


def _written(model: Model, everything: bool) -> list[str]:
    """How the values of the columns are written, by which other tables are read."""
    assert model.preparation is not None
    form = model.preparation.form
    shown = form.columns if everything else form.columns[:MOST_COLUMNS]
    rows = [("column", "written as", "decided because")]
    rows += [(c.name, c.describe(), c.evidence) for c in shown]
    more = len(form.columns) - len(shown)
    rest = [f"  and {counted(more, 'more column')} (--all lists them)"] if more else []
    dialect = f" (a file {form.dialect.describe()})" if form.dialect else ""
    return ["", f"HOW VALUES ARE WRITTEN{dialect}", *columns(rows, indent=2), *rest]


def _columns(values: dict[str, Any], everything: bool) -> list[str]:
    """The columns with their encoding; of many the first, unless all are asked for."""
    shown = values["columns"] if everything else values["columns"][:MOST_COLUMNS]
    rows = [("column", "kind", "inputs", "encoding", "reason")]
    rows += [
        (c["column"], c["kind"], str(len(c["features"])), c["how"], c["reason"]) for c in shown
    ]
    more = len(values["columns"]) - len(shown)
    rest = [f"  and {counted(more, 'more column')} (--all lists them)"] if more else []
    first = " (as encoded for the first network)" if values["networks"] > 1 else ""
    return ["", f"COLUMNS{first}", *columns(rows, indent=2), *rest]


def _network(values: dict[str, Any]) -> list[str]:
    networks = values["networks"]
    each = f", {networks} like this, predictions averaged" if networks > 1 else ""
    rows = [("path", "layer", "output shape", "parameters")]
    rows += [
        (
            row["path"],
            row["layer"],
            f"({', '.join(map(str, row['output_shape']))})",
            f"{row['parameters']:,}",
        )
        for row in values["network"]
    ]
    return ["", f"NETWORK{each}", *columns(rows, indent=2)]


def _choices(values: dict[str, Any]) -> list[str]:
    """Each choice with its rule, its source and the option that changes it."""
    lines = ["", "CHOICES"]
    for choice in values["choices"]:
        lines += wrapped(f"{choice['name']}: {choice['value']}", 2, 4)
        details = [(key, choice[key]) for key in ("rule", "source", "evidence") if choice[key]]
        if choice["instead"]:
            details.append(("to change it", choice["instead"]))
        for key, text in details:
            lines += wrapped(f"{key}: {text}", 6, 8)
    lines += [f"  random seed: {values['random_seed']}", "      to change it: --seed"]
    return [*lines, *_ends(values)]


def _ends(values: dict[str, Any]) -> list[str]:
    """When and why the networks stopped; equal reasons together."""
    ends = zip(values["epochs"], values["best_epoch"], values["stopped_because"], strict=True)
    texts = [f"after {counted(count, 'epoch')} (best: {best}): {why}" for count, best, why in ends]
    lines = ["  stopped:"]
    for text, times in Counter(texts).items():
        lines += wrapped(f"{times} networks {text}" if times > 1 else text, 6, 8)
    return lines
