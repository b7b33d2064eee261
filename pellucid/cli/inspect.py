"""`pellucid inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid.cli.model_file import load
from pellucid.cli.show import as_json_text, columns, interruption, metric_lines, wrapped
from pellucid.errors import ModelFileError
from pellucid.train.model import Model


def run_inspect(run: Path, as_json: bool) -> None:
    """Print a description of a model and the reasons for its choices."""
    print(description(load(run), str(run), as_json))


def description(model: Model, name: str, as_json: bool = False) -> str:
    """The description as text or JSON; raises `ModelFileError` for details of another kind."""
    try:
        return as_json_text(facts(model)) if as_json else "\n".join(page(model))
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelFileError(f"{name} does not say how it was trained.") from error


def facts(model: Model) -> dict[str, Any]:
    """The description as plain JSON values."""
    assert model.preparation is not None
    rows = model.net.summary(model.input_shape).rows
    return {
        "target": model.preparation.target_name,
        "task": model.preparation.task.kind,
        "networks": len(model.members),
        "classes": None if model.classes is None else list(model.classes),
        "metrics": model.details["validation_metrics"],
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
                "features": list(c.features),
            }
            for c in model.preparation.describe()
        ],
        "choices": model.details["choices"],
        "stopped_because": model.details["stopped_because"],
        "interrupted": model.details.get("interrupted"),
    }


def page(model: Model) -> list[str]:
    """The description as lines of text."""
    values = facts(model)
    details = model.details
    networks = values["networks"]
    each = f", {networks} like this, predictions averaged" if networks > 1 else ""
    lines = [
        f"Predicts '{values['target']}' ({values['task']}), learned from {details['rows']:,} rows.",
        *(wrapped(interruption(details), 0, 0) if values["interrupted"] else []),
        "",
        f"NETWORK{each}",
        *columns(
            [
                ("path", "layer", "output shape", "parameters"),
                *(
                    (
                        row["path"],
                        row["layer"],
                        f"({', '.join(map(str, row['output_shape']))})",
                        f"{row['parameters']:,}",
                    )
                    for row in values["network"]
                ),
            ],
            indent=2,
        ),
        "",
        "COLUMNS" + (" (for the first network)" if networks > 1 else ""),
        *columns(
            [
                ("column", "kind", "inputs", "encoding", "reason"),
                *(
                    (c["column"], c["kind"], str(len(c["features"])), c["how"], c["reason"])
                    for c in values["columns"]
                ),
            ],
            indent=2,
        ),
        "",
        "CHOICES",
    ]
    for choice in values["choices"]:
        lines.append(f"  {choice['name']}: {choice['value']}")
        details_of_choice = [
            (key, choice[key]) for key in ("rule", "source", "evidence") if choice[key]
        ]
        if choice["instead"]:
            details_of_choice.append(("to change it", choice["instead"]))
        for key, text in details_of_choice:
            lines += wrapped(f"{key}: {text}", 6, 10)
    lines.append("  stopped:")
    ends = zip(details["epochs"], details["best_epoch"], details["stopped_because"], strict=True)
    for count, best, reason in ends:
        lines += wrapped(f"after {count} epochs, the best was {best}, because {reason}", 6, 10)
    lines += [
        "",
        f"MEASURED on {details['validation_rows']:,} rows, each by a network not trained on it",
        *metric_lines(values["metrics"]),
    ]
    return lines
