"""Preprocessing: tables to the features of a network, and its outputs to predictions.

All statistics are those of the training rows. They are saved with the model as plain JSON.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_number
from pellucid.data.column import Column, Rows
from pellucid.data.encode import (
    ColumnEncoder,
    DroppedColumn,
    Encoder,
    Training,
    encoder_from_json,
    learn_encoder,
)
from pellucid.data.encode.number import NumberEncoder
from pellucid.data.encode.own import OwnEncoder
from pellucid.data.form.column import ColumnForm
from pellucid.data.form.known import refitted
from pellucid.data.form.table import TableForm, table_form_from_json
from pellucid.data.form.text import TextForm
from pellucid.data.impute import SAMPLE_ROWS, Imputer, imputer_from_json, learn_imputer
from pellucid.data.kind import ColumnKind, infer_kind
from pellucid.data.note import Note, counted, quoted, shortened
from pellucid.data.table import Table
from pellucid.data.target import ClassTarget, Target, learn_target
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.data.task import Label, Task
from pellucid.errors import DataError, ModelFileError
from pellucid.spec import described

FORMAT = "pellucid preparation"
VERSION = 2


@dataclass(frozen=True)
class ColumnReport:
    """The kind of one column with its reason, its encoding in words, and its features.

    `form`: how its values are written, in words, and `evidence`: what decided that, or "".
    """

    column: str
    kind: str
    reason: str
    how: str
    features: tuple[str, ...]
    form: str = ""
    evidence: str = ""


@dataclass(frozen=True, eq=False)
class Preparation:
    """Turns tables into features (n, d) and targets (n,), and network outputs into predictions.

    `encoders` encode the columns, `target_encoder` the target. `imputer` fills missing numbers; None
    fills them with medians. `form`: how the columns of the training table were written, by which
    other tables are read.
    """

    encoders: tuple[Encoder, ...]
    target_encoder: Target
    imputer: Imputer | None = None
    form: TableForm = field(default_factory=TableForm)

    @classmethod
    def learn(
        cls,
        table: Table,
        target_name: str,
        task: Task,
        rows: Rows | None = None,
        encoders: Mapping[str, type[ColumnEncoder]] | None = None,
    ) -> "Preparation":
        """The preparation fitted to these rows of the table, by default all.

        Other rows contribute only the kinds of columns and the names of classes and levels. Each
        column but the target is encoded by its kind, or by a class of `encoders`. `DataError` is
        raised where a row has no target, or no column is usable.
        """
        chosen = np.arange(table.rows) if rows is None else np.sort(np.arange(table.rows)[rows])
        part = table.take(chosen)
        target = part.column(target_name)
        target_encoder = learn_target(target, task, table.column(target_name))
        response = target_encoder.response(target_encoder.encode(target))
        training = Training(part.rows, response)
        columns = part.drop([target_name]).columns
        own = encoders or {}
        kinds = _kinds(table.drop([target_name]).columns, target_name, own, table.form)
        learned = [
            learn_encoder(column, kind, training, own.get(kind.column))
            for column, kind in zip(columns, kinds, strict=True)
        ]
        prepared = cls(tuple(learned), target_encoder, form=_used(table, learned))
        sample = np.linspace(0, part.rows - 1, min(part.rows, SAMPLE_ROWS)).astype(np.int64)
        features, missing = prepared._encoded(part.take(sample), [])
        return replace(prepared, imputer=learn_imputer(learned, features, missing))

    @property
    def target_name(self) -> str:
        """The name of the target column."""
        return self.target_encoder.column

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.target_encoder.task

    @property
    def labels(self) -> tuple[Label, ...]:
        """The class labels, in the order of the class codes; none for a regression."""
        return self.target_encoder.labels if isinstance(self.target_encoder, ClassTarget) else ()

    @property
    def own_parts(self) -> tuple[type[Any], ...]:
        """The custom classes among the encoders."""
        own = [each.part for each in self.encoders if isinstance(each, OwnEncoder)]
        return tuple(dict.fromkeys(kind for part in own for kind in described(part)[1]))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the d features, in order."""
        return tuple(name for encoder in self.encoders for name in encoder.feature_names)

    def features(self, table: Table, notes: list[Note] | None = None) -> NDArray[np.float32]:
        """Features of all rows of the table, float32, shape (n, d).

        Columns may have any order. Absent columns raise a `DataError` that names them all; unknown
        columns are ignored. Irregularities are appended to `notes`.
        """
        encoding_notes: list[Note] = []
        table, refitting_notes = self._refitted(table)
        out, missing = self._encoded(table, encoding_notes)
        if self.imputer is not None:
            self.imputer.fill(out, missing)
        if notes is not None:
            notes.extend([*refitting_notes, *encoding_notes])
        return out

    def _refitted(self, table: Table) -> tuple[Table, list[Note]]:
        """The table with its columns by the form of training, and notes on what does not fit."""
        fitted = refitted(table, self.form)
        return fitted, self.concerning(fitted.notes[len(table.notes) :])

    def _encoded(
        self, table: Table, notes: list[Note]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Features (n, d) with medians for missing numbers, and the mask of these."""
        used = [encoder for encoder in self.encoders if not isinstance(encoder, DroppedColumn)]
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
        return self.target_encoder.encode(refitted(table, self.form).column(self.target_name))

    def concerning(self, notes: Sequence[Note]) -> list[Note]:
        """The notes on a table that concern a used column, the target or the whole table."""
        used = {e.kind.column for e in self.encoders if not isinstance(e, DroppedColumn)}
        return [note for note in notes if note.column in used | {"", self.target_name}]

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Predictions from network outputs: values in the target's unit, or labels, shape (n,).

        Outputs are standardised values (n,) or (n, 1), or logits (n, classes); for two classes also
        the logits (n,) or (n, 1) of the second.
        """
        return self.target_encoder.decode(outputs)

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Class probabilities, float64, shape (n, classes), from logits as in `decode`."""
        if not isinstance(self.target_encoder, ClassTarget):
            raise TypeError("a regression has no class probabilities")
        return self.target_encoder.probabilities(outputs)

    def describe(self) -> tuple[ColumnReport, ...]:
        """A report on each column, in the order of the columns."""
        return tuple(
            ColumnReport(
                encoder.kind.column,
                encoder.kind.kind,
                encoder.kind.reason,
                encoder.how(self.imputer is not None)
                if isinstance(encoder, NumberEncoder)
                else encoder.how(),
                encoder.feature_names,
                *self._written(encoder.kind.column),
            )
            for encoder in self.encoders
        )

    def _written(self, name: str) -> tuple[str, str]:
        """How the values of a column are written, in words, and what decided that."""
        if name not in self.form:
            return "", ""
        form = self.form.column(name)
        return form.describe(), form.evidence

    def to_json(self) -> dict[str, Any]:
        """The preparation as plain JSON values."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "target": target_to_json(self.target_encoder),
            "columns": [encoder.to_json() for encoder in self.encoders],
            "imputer": None if self.imputer is None else self.imputer.to_json(),
            "form": self.form.to_json(),
        }

    @classmethod
    def from_json(cls, value: object, parts: Sequence[type[Any]] = ()) -> "Preparation":
        """The preparation that `to_json` wrote; anything else raises `ModelFileError`.

        parts: custom classes that are defined under another module name here.
        """
        keys = ("format", "version", "target", "columns", "imputer", "form")
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
            encoder_from_json(column, f"columns[{index}]", parts)
            for index, column in enumerate(columns)
        )
        target_encoder = target_from_json(entries["target"], "target")
        names = [target_encoder.column, *(encoder.kind.column for encoder in encoders)]
        checked.texts(names, "column names")
        if not any(encoder.feature_names for encoder in encoders):
            raise checked.refuse("columns", "at least one that gives features", len(columns))
        imputer = imputer_from_json(entries["imputer"], "imputer", encoders)
        form = table_form_from_json(entries["form"], "form")
        return cls(encoders, target_encoder, imputer, form)

    def _check_columns(self, table: Table, used: Sequence[Encoder], notes: list[Note]) -> None:
        """Raises `DataError` for absent columns; appends a note on unknown ones."""
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
            text = f"{noun} that the model does not use {verb} ignored: {quoted(extra)}."
            notes.append(Note("", text, len(extra)))


def _used(table: Table, encoders: Sequence[Encoder]) -> TableForm:
    """The form of the table's columns; columns that are left out need no levels."""
    dropped = {each.kind.column for each in encoders if isinstance(each, DroppedColumn)}

    def without_levels(form: ColumnForm) -> ColumnForm:
        return replace(form, form=TextForm()) if isinstance(form.form, TextForm) else form

    form = table.form.select(table.names)
    columns = [without_levels(each) if each.name in dropped else each for each in form.columns]
    return replace(form, columns=tuple(columns))


def _kinds(
    columns: Sequence[Column], target_name: str, own: Container[str], form: TableForm
) -> list[ColumnKind]:
    """The kinds of the columns; numeric identifiers become numbers if there is no other column.

    own: the columns with a custom encoder, which are used whatever their kind. form: the form of the
    table, with the kinds that the user set.
    """

    def is_unused(kind: ColumnKind) -> bool:
        return kind.kind in ("constant", "identifier") and kind.column not in own

    chosen = {each.name: each.kind for each in form.columns}
    kinds = [infer_kind(column, chosen.get(column.name, "")) for column in columns]
    if all(map(is_unused, kinds)):
        kinds = [_as_number_kind(kind) for kind in kinds]
    if all(map(is_unused, kinds)):
        reasons = "; ".join(f"'{shortened(kind.column)}': {kind.reason}" for kind in kinds[:5])
        raise DataError(
            f"There is no column to predict '{target_name}' from"
            + (f" ({reasons})." if kinds else ": the table has no other column.")
        )
    return kinds


def _as_number_kind(kind: ColumnKind) -> ColumnKind:
    if kind.kind == "identifier" and kind.reason.startswith("whole numbers"):
        return replace(kind, kind="number", reason=f"{kind.reason}, but there is no other column")
    return kind


def _with_nearest(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"'{name}' (is it '{close[0]}'?)" if close else f"'{name}'"
