"""`pellucid inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid.cli.model_file import load
from pellucid.cli.show import as_json_text, columns, interruption, metric_lines, wrapped
from pellucid.errors import ModelFileError
from pellucid.train.model import Model


def run_inspect(run: Path, as_json: bool) -> None:
    """Show what a model is and why."""
    print(explained(load(run), str(run), as_json))


def explained(model: Model, name: str, as_json: bool = False) -> str:
    """What is shown; raises ModelFileError where the model's details are not those of a run."""
    try:
        return as_json_text(facts(model)) if as_json else "\n".join(page(model))
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelFileError(f"{name} does not say how it was trained.") from error


def facts(model: Model) -> dict[str, Any]:
    """Everything that is shown, as plain JSON values."""
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
    """The same for a reader."""
    shown = facts(model)
    details = model.details
    networks = shown["networks"]
    each = f", {networks} like this, predictions averaged" if networks > 1 else ""
    lines = [
        f"Predicts '{shown['target']}' ({shown['task']}), learned from {details['rows']:,} rows.",
        *(wrapped(interruption(details), 0, 0) if shown["interrupted"] else []),
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
                    for row in shown["network"]
                ),
            ],
            indent=2,
        ),
        "",
        "WHAT EACH COLUMN BECAME" + (" (for the first network)" if networks > 1 else ""),
        *columns(
            [
                ("column", "kind", "inputs", "how", "because"),
                *(
                    (c["column"], c["kind"], str(len(c["features"])), c["how"], c["reason"])
                    for c in shown["columns"]
                ),
            ],
            indent=2,
        ),
        "",
        "CHOICES",
    ]
    for choice in shown["choices"]:
        lines.append(f"  {choice['name']}: {choice['value']}")
        said = [(key, choice[key]) for key in ("rule", "source", "evidence") if choice[key]]
        if choice["instead"]:
            said.append(("to change it", choice["instead"]))
        for key, text in said:
            lines += wrapped(f"{key}: {text}", 6, 10)
    lines.append("  stopped:")
    ends = zip(details["epochs"], details["best_epoch"], details["stopped_because"], strict=True)
    for made, best, why in ends:
        lines += wrapped(f"{made} epochs were made, the best was {best}, because {why}", 6, 10)
    lines += [
        "",
        f"MEASURED on {details['validation_rows']:,} rows, each by a network not trained on it",
        *metric_lines(shown["metrics"]),
    ]
    return lines
