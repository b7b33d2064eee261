"""Encoders of columns as features: one file for each kind of column, and a registry."""

from collections.abc import Callable, Sequence
from typing import Any

from pellucid.data import checked
from pellucid.data.column import Column
from pellucid.data.encode.base import Encoder, Training
from pellucid.data.encode.boolean import boolean_from_json, learn_boolean
from pellucid.data.encode.category import category_from_json, learn_category
from pellucid.data.encode.date import date_from_json, learn_date
from pellucid.data.encode.dropped import DroppedColumn, dropped_from_json
from pellucid.data.encode.number import learn_number, number_from_json
from pellucid.data.encode.own import ColumnEncoder, learn_own, own_from_json
from pellucid.data.kind import ColumnKind, KindName

__all__ = [
    "ColumnEncoder",
    "DroppedColumn",
    "Encoder",
    "Training",
    "encoder_from_json",
    "learn_encoder",
]

_LEARN: dict[KindName, Callable[[Column, ColumnKind, Training], Encoder]] = {
    "number": learn_number,
    "category": learn_category,
    "boolean": learn_boolean,
    "date": learn_date,
}

_FROM_JSON: dict[str, Callable[[object, str, ColumnKind], Encoder]] = {
    "number": number_from_json,
    "category": category_from_json,
    "boolean": boolean_from_json,
    "date": date_from_json,
    "left out": dropped_from_json,
}

_KINDS: dict[str, KindName] = {
    "number": "number",
    "category": "category",
    "boolean": "boolean",
    "date": "date",
    "constant": "constant",
    "identifier": "identifier",
}


def learn_encoder(
    column: Column, kind: ColumnKind, training: Training, own: type[ColumnEncoder] | None = None
) -> Encoder:
    """The encoder for a column of training rows; constants and identifiers are dropped.

    own: a custom class of encoder for the column.
    """
    if own is not None:
        return learn_own(column, kind, training, own)
    learn = _LEARN.get(kind.kind)
    return learn(column, kind, training) if learn else DroppedColumn(kind)


def encoder_from_json(value: object, where: str, parts: Sequence[type[Any]] = ()) -> Encoder:
    """The encoder that `to_json` wrote; anything else raises `ModelFileError`.

    parts: classes of the user's own that are defined under another module name here.
    """
    if not isinstance(value, dict):
        raise checked.refuse(where, "a mapping", value)
    name = checked.text(value.get("encoder"), f"{where}.encoder")
    kind = checked.text(value.get("kind"), f"{where}.kind")
    if name not in _FROM_JSON and name != "own":
        raise checked.refuse(f"{where}.encoder", f"one of {[*_FROM_JSON, 'own']}", name)
    if kind not in _KINDS:
        raise checked.refuse(f"{where}.kind", f"one of {list(_KINDS)}", kind)
    reason = checked.text(value.get("reason"), f"{where}.reason")
    column = checked.text(value.get("column"), f"{where}.column")
    known = ColumnKind(column, _KINDS[kind], reason)
    if name == "own":
        return own_from_json(value, where, known, parts)
    return _FROM_JSON[name](value, where, known)
