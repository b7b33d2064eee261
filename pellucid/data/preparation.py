"""From tables to what a network takes, and from what it puts out to answers.

Everything is learned from the training rows only, and travels with the model as plain JSON.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_number
from pellucid.data.column import Column, Rows
from pellucid.data.encode import (
    ColumnEncoder,
    Encoder,
    LeftOut,
    Training,
    encoder_from_json,
    learn_encoder,
)
from pellucid.data.encode.number import NumberEncoder
from pellucid.data.encode.own import OwnEncoder
from pellucid.data.impute import LEARNED_ROWS, Imputer, imputer_from_json, learn_imputer
from pellucid.data.kind import ColumnKind, infer_kind
from pellucid.data.note import Note, counted, quoted, shortened
from pellucid.data.table import Table
from pellucid.data.target import ClassTarget, Target, learn_target
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.data.task import Label, Task
from pellucid.errors import DataError, ModelFileError
from pellucid.spec import described

FORMAT = "pellucid preparation"
VERSION = 1


@dataclass(frozen=True)
class ColumnReport:
    """What one column became: its kind and the reason for it, how it is encoded, its features."""

    column: str
    kind: str
    reason: str
    how: str
    features: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Preparation:
    """Turns tables into features (n, d) and targets (n,), and network outputs into answers.

    `encoders` hold what was learned of each column, `goal` what was learned of the target, and
    `imputer` what known values tell about missing numbers.
    """

    encoders: tuple[Encoder, ...]
    goal: Target
    imputer: Imputer | None = None

    @classmethod
    def learn(
        cls,
        table: Table,
        target_name: str,
        task: Task,
        rows: Rows | None = None,
        encoders: Mapping[str, type[ColumnEncoder]] | None = None,
    ) -> "Preparation":
        """Learns from these rows of the table, all of them by default, and from no other.

        Only the names of the classes come from all rows, so that a rare one is known. Every column
        but the target becomes features by its kind, or by a class of `encoders`. A target missing in
        one of the rows, or a table without a column to learn from, raises `DataError`.
        """
        chosen = np.arange(table.rows) if rows is None else np.sort(np.arange(table.rows)[rows])
        part = table.take(chosen)
        answer = part.column(target_name)
        goal = learn_target(answer, task, table.column(target_name))
        training = Training(part.rows, goal.signal(goal.encode(answer)))
        columns = part.drop([target_name]).columns
        own = encoders or {}
        kinds = _kinds(columns, target_name, own)
        learned = [
            learn_encoder(column, kind, training, own.get(kind.column))
            for column, kind in zip(columns, kinds, strict=True)
        ]
        prepared = cls(tuple(learned), goal)
        looked_at = np.linspace(0, part.rows - 1, min(part.rows, LEARNED_ROWS)).astype(np.int64)
        features, missing = prepared._encoded(part.take(looked_at), [])
        return replace(prepared, imputer=learn_imputer(learned, features, missing))

    @property
    def target_name(self) -> str:
        """The name of the target column."""
        return self.goal.column

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.goal.task

    @property
    def labels(self) -> tuple[Label, ...]:
        """The class labels, in the order of the class codes; none for a regression."""
        return self.goal.labels if isinstance(self.goal, ClassTarget) else ()

    @property
    def own_parts(self) -> tuple[type[Any], ...]:
        """The classes of the user's own among the encoders."""
        own = [each.part for each in self.encoders if isinstance(each, OwnEncoder)]
        return tuple(dict.fromkeys(kind for part in own for kind in described(part)[1]))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the d features, in order."""
        return tuple(name for encoder in self.encoders for name in encoder.feature_names)

    def features(self, table: Table, notes: list[Note] | None = None) -> NDArray[np.float32]:
        """Features of all rows of the table, float32, shape (n, d).

        Columns may stand in any order. Missing ones raise `DataError`, naming them all; others that
        training did not have are ignored. What was noticed is appended to `notes`.
        """
        found: list[Note] = []
        out, missing = self._encoded(table, found)
        if self.imputer is not None:
            self.imputer.fill(out, missing)
        if notes is not None:
            notes.extend(found)
        return out

    def _encoded(
        self, table: Table, notes: list[Note]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Features (n, d) with medians where numbers are missing, and where these are."""
        used = [encoder for encoder in self.encoders if not isinstance(encoder, LeftOut)]
        self._check_columns(table, used, notes)
        out = np.empty((table.rows, len(self.feature_names)), np.float32)
        missing: list[NDArray[np.bool_]] = []
        start = 0
        for encoder in used:
            stop = start + len(encoder.feature_names)
            column = table.column(encoder.kind.column)
            encoder.encode(column, out[:, start:stop], notes)
            if isinstance(encoder, NumberEncoder):
                missing.append(as_number(column, []).missing())
            start = stop
        empty = np.zeros((table.rows, 0), np.bool_)
        return out, np.stack(missing, axis=1) if missing else empty

    def target(self, table: Table) -> NDArray[np.float32] | NDArray[np.int32]:
        """Standardised values (float32) or class codes (int32) of the target, shape (n,).

        Missing values and unknown classes raise `DataError`.
        """
        return self.goal.encode(table.column(self.target_name))

    def concerning(self, notes: Sequence[Note]) -> list[Note]:
        """Those of the notes on a table that concern a column that is used, or the table itself."""
        used = {e.kind.column for e in self.encoders if not isinstance(e, LeftOut)}
        return [note for note in notes if note.column in used | {"", self.target_name}]

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Predicted values in the target's unit, or labels, shape (n,), from network outputs.

        Outputs are standardised values (n,) or (n, 1), or logits (n, classes); for two classes also
        the logits (n,) or (n, 1) of the second.
        """
        return self.goal.decode(outputs)

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Class probabilities, float64, shape (n, classes), from logits as in `decode`."""
        if not isinstance(self.goal, ClassTarget):
            raise TypeError("a regression has no class probabilities")
        return self.goal.probabilities(outputs)

    def describe(self) -> tuple[ColumnReport, ...]:
        """What each column became, in the order of the columns."""
        return tuple(
            ColumnReport(
                encoder.kind.column,
                encoder.kind.kind,
                encoder.kind.reason,
                encoder.how(self.imputer is not None)
                if isinstance(encoder, NumberEncoder)
                else encoder.how(),
                encoder.feature_names,
            )
            for encoder in self.encoders
        )

    def to_json(self) -> dict[str, Any]:
        """Everything that was learned, as plain JSON values."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "target": target_to_json(self.goal),
            "columns": [encoder.to_json() for encoder in self.encoders],
            "imputer": None if self.imputer is None else self.imputer.to_json(),
        }

    @classmethod
    def from_json(cls, value: object, parts: Sequence[type[Any]] = ()) -> "Preparation":
        """The preparation that `to_json` wrote; anything else raises `ModelFileError`.

        parts: classes of the user's own that are defined under another module name here.
        """
        keys = ("format", "version", "target", "columns", "imputer")
        entries = checked.record(value, "the preparation", keys)
        if entries["format"] != FORMAT:
            raise checked.refuse("format", f"'{FORMAT}'", entries["format"])
        version = checked.whole(entries["version"], "version", least=1)
        if version > VERSION:
            raise ModelFileError(
                f"the preparation has version {version}, but this Pellucid reads up to {VERSION}: "
                "install a newer one"
            )
        columns = checked.items(entries["columns"], "columns")
        encoders = tuple(
            encoder_from_json(column, f"columns[{place}]", parts)
            for place, column in enumerate(columns)
        )
        goal = target_from_json(entries["target"], "target")
        checked.texts([goal.column, *(each.kind.column for each in encoders)], "column names")
        if not any(encoder.feature_names for encoder in encoders):
            raise checked.refuse("columns", "at least one that gives features", len(columns))
        imputer = imputer_from_json(entries["imputer"], "imputer", encoders)
        return cls(encoders, goal, imputer)

    def _check_columns(self, table: Table, used: Sequence[Encoder], notes: list[Note]) -> None:
        """Names the columns that are missing, and notes those that are ignored."""
        known = {encoder.kind.column for encoder in self.encoders} | {self.target_name}
        extra = [name for name in table.names if name not in known]
        lacking = [e.kind.column for e in used if e.kind.column not in table]
        if lacking:
            noun = "a column" if len(lacking) == 1 else f"{len(lacking):,} columns"
            names = ", ".join(_with_nearest(name, extra) for name in lacking)
            raise DataError(f"Training had {noun} that {table.source} lacks: {names}.")
        if extra:
            verb = "is" if len(extra) == 1 else "are"
            noun = counted(len(extra), "column")
            text = f"{noun} that training did not have {verb} ignored: {quoted(extra)}."
            notes.append(Note("", text, len(extra)))


def _kinds(columns: Sequence[Column], target_name: str, own: Container[str]) -> list[ColumnKind]:
    """The kinds of the columns; where only identifiers are left, numbers among them are kept.

    own: the columns that have an encoder of the user's own, whatever their kind.
    """

    def is_unused(kind: ColumnKind) -> bool:
        return kind.kind in ("constant", "identifier") and kind.column not in own

    kinds = [infer_kind(column) for column in columns]
    if all(map(is_unused, kinds)):
        kinds = [_rescued(kind) for kind in kinds]
    if all(map(is_unused, kinds)):
        found = "; ".join(f"'{shortened(kind.column)}': {kind.reason}" for kind in kinds[:5])
        raise DataError(
            f"There is no column to predict '{target_name}' from"
            + (f" ({found})." if kinds else ": the table has no other column.")
        )
    return kinds


def _rescued(kind: ColumnKind) -> ColumnKind:
    if kind.kind == "identifier" and kind.reason.startswith("whole numbers"):
        return replace(kind, kind="number", reason=f"{kind.reason}, but there is no other column")
    return kind


def _with_nearest(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"'{name}' (is it '{close[0]}'?)" if close else f"'{name}'"
