"""Tables: reading them, the kinds of their columns, splits, batches, and features for a network."""

from pellucid.data.encode import ColumnEncoder
from pellucid.data.kind import ColumnKind, infer_kind
from pellucid.data.note import Note
from pellucid.data.options import ReadOptions
from pellucid.data.preparation import ColumnReport, Preparation
from pellucid.data.read import read_table
from pellucid.data.rowstream import RowStream
from pellucid.data.split import split
from pellucid.data.table import Table
from pellucid.data.task import TargetChoice, Task, choose_target, infer_task

__all__ = [
    "ColumnEncoder",
    "ColumnKind",
    "ColumnReport",
    "Note",
    "Preparation",
    "ReadOptions",
    "RowStream",
    "Table",
    "TargetChoice",
    "Task",
    "choose_target",
    "infer_kind",
    "infer_task",
    "read_table",
    "split",
]
