"""Custom encoders: a class for a column, whose name and settings a model file holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_boolean, as_date, as_number, as_text
from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_DATE,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from pellucid.data.encode.base import Block, Json, Training, kind_to_json
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note
from pellucid.errors import DataError
from pellucid.parts import Part, library
from pellucid.spec import Described, SpecReader, SpecWriter, described

Form = Literal["number", "text", "boolean", "date"]
KEYS = ("encoder", "column", "kind", "reason", "form", "part")


@dataclass(frozen=True)
class ColumnEncoder(Part, abstract=True):
    """The base of custom encoders: a frozen dataclass whose fields are learned settings.

    `pel.fit_table(table, target, encoders={"when": Weekday})` sets it for a column. A subclass defines
    `learn` and `encode`, and `names` if it returns several features.

    Both methods get the values of the column as an array (n,): numbers and booleans as float64 with
    NaN where missing, texts as objects with None, dates as datetime64[s] with NaT.
    """

    @classmethod
    def learn(cls, values: NDArray[Any], response: NDArray[np.float64]) -> Self:
        """The encoder fitted to the training rows; by default one without settings.

        response: (n, m), the values of the target, or indicators of its commonest classes.
        """
        return cls()

    def names(self) -> Sequence[str]:
        """A name for each feature; none for a single feature with the name of the column."""
        return ()

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """The features of rows, finite numbers, (n,) or (n, features)."""
        raise NotImplementedError


@described.register
def _(part: ColumnEncoder) -> Described:
    writer = SpecWriter(library(ColumnEncoder))
    return writer.write(part, "encoder"), tuple(writer.own)


@dataclass(frozen=True)
class OwnEncoder:
    """A column with a custom encoder; form: the type of its values in training."""

    kind: ColumnKind
    form: Form
    part: ColumnEncoder

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's name, followed by that of each feature where there are several."""
        column = self.kind.column
        return tuple(f"{column} {name}" for name in self.part.names()) or (column,)

    def how(self) -> str:
        """The encoding in plain words."""
        return f"encoded by {type(self.part).__name__}"

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`; a wrong shape or a NaN raises `DataError`."""
        name = type(self.part).__name__
        features = np.asarray(self.part.encode(_values(column, self.form, notes)))
        if features.ndim == 1:
            features = features[:, None]
        if features.shape != out.shape:
            raise DataError(
                f"{name} gives features of shape {features.shape} for '{column.name}', but "
                f"{len(column):,} rows of {out.shape[1]} named features are {out.shape}."
            )
        if features.dtype.kind not in "fiub" or not np.isfinite(features).all():
            raise DataError(
                f"{name} gives features for '{column.name}' that are not finite numbers."
            )
        out[...] = features

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        own = {"form": self.form, "part": described(self.part)[0]}
        return {"encoder": "own", **kind_to_json(self.kind), **own}


def learn_own(
    column: Column, kind: ColumnKind, training: Training, encoder: type[ColumnEncoder]
) -> OwnEncoder:
    """The encoder for a column of training rows; raises `TypeError` if it cannot be saved."""
    form = _form(column)
    part = encoder.learn(_values(column, form, []), training.response)
    described(part)
    return OwnEncoder(kind, form, part)


def own_from_json(
    value: object, where: str, kind: ColumnKind, parts: Sequence[type[Any]]
) -> OwnEncoder:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    form = next((form for form in get_args(Form) if form == entries["form"]), None)
    if form is None:
        raise checked.refuse(f"{where}.form", f"one of {list(get_args(Form))}", entries["form"])
    reader = SpecReader(library(ColumnEncoder), parts)
    return OwnEncoder(kind, form, reader.read(entries["part"], f"{where}.part", ColumnEncoder))


def _form(column: Column) -> Form:
    if isinstance(column, NumberColumn):
        return "number"
    if isinstance(column, BooleanColumn):
        return "boolean"
    return "date" if isinstance(column, DateColumn) else "text"


def _values(column: Column, form: Form, notes: list[Note]) -> NDArray[Any]:
    """The values of a column in the format of `ColumnEncoder`."""
    if form == "number":
        return as_number(column, notes).values.astype(np.float64)
    if form == "boolean":
        states = as_boolean(column, notes).states
        return np.where(states == MISSING_BOOLEAN, np.nan, states.astype(np.float64))
    if form == "date":
        seconds = as_date(column, notes).seconds
        dates = seconds.astype("datetime64[s]")
        return np.where(seconds == MISSING_DATE, np.datetime64("NaT"), dates)
    texts = as_text(column)
    levels = np.array([*texts.levels, None], object)  # code −1, of a missing text, is the last
    return levels[texts.codes]
