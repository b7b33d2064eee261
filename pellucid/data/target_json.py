"""The target as plain JSON values, and back."""

from typing import Any

from pellucid.data import checked
from pellucid.data.target import ClassTarget, NumberTarget, Target
from pellucid.data.task import Label, Task, TaskKind

_KINDS: dict[str, TaskKind] = {
    "regression": "regression",
    "binary": "binary",
    "multiclass": "multiclass",
}
_COMMON = ("column", "task", "reason")


def target_to_json(target: Target) -> dict[str, Any]:
    """The target as plain JSON values."""
    task = target.task
    common = {"column": target.column, "task": task.kind, "reason": task.reason}
    if isinstance(target, NumberTarget):
        own = {"mean": target.mean, "scale": target.scale, "whole": target.whole}
        return {**common, **own}
    return {**common, "labels": list(target.labels), "counts": list(target.counts)}


def target_from_json(value: object, where: str) -> Target:
    """The target that `target_to_json` wrote; anything else raises `ModelFileError`."""
    if not isinstance(value, dict):
        raise checked.refuse(where, "a mapping", value)
    kind = checked.text(value.get("task"), f"{where}.task")
    if kind not in _KINDS:
        raise checked.refuse(f"{where}.task", f"one of {list(_KINDS)}", kind)
    task = Task(_KINDS[kind], checked.text(value.get("reason"), f"{where}.reason"))
    column = checked.text(value.get("column"), f"{where}.column")
    if task.is_classification:
        return _classes(value, where, column, task)
    entries = checked.record(value, where, (*_COMMON, "mean", "scale", "whole"))
    return NumberTarget(
        column,
        task,
        checked.number(entries["mean"], f"{where}.mean"),
        checked.positive(entries["scale"], f"{where}.scale"),
        checked.flag(entries["whole"], f"{where}.whole"),
    )


def _classes(value: object, where: str, column: str, task: Task) -> ClassTarget:
    entries = checked.record(value, where, (*_COMMON, "labels", "counts"))
    labels = _labels(checked.items(entries["labels"], f"{where}.labels"), f"{where}.labels")
    counts = checked.whole_numbers(entries["counts"], f"{where}.counts")
    if (len(labels) == 2) != (task.kind == "binary") or len(counts) != len(labels):
        raise checked.refuse(where, "labels and counts that fit the task", labels)
    return ClassTarget(column, task, labels, counts)


def _labels(values: list[object], where: str) -> tuple[Label, ...]:
    """Class labels: two or more, all of one type, different, in ascending order."""
    labels: list[Label] = []
    for index, value in enumerate(values):
        if isinstance(value, float):
            checked.number(value, f"{where}[{index}]")
        if not isinstance(value, str | int | float | bool):
            raise checked.refuse(f"{where}[{index}]", "a text, a number, true or false", value)
        labels.append(value)
    same_type = len({type(label) for label in labels}) == 1
    if not same_type or len(labels) < 2 or labels != sorted(set(labels), key=lambda label: label):
        raise checked.refuse(where, "different labels of one type, in ascending order", values)
    return tuple(labels)
