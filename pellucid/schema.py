"""Schemas of values read from files: types, ranges, sizes, depth.

A schema is a function of a value and its location, such as "position.history[3].step".
It returns the value with its type proven, or raises `ModelFileError` with the location, the
expected value and the actual one. Schemas are made of schemas:

    ENTRY = record(step=whole(), loss=number(), note=optional(text(80)))
    HISTORY = items(ENTRY, most=10_000)

`parse` reads JSON text more strictly than `json.loads` does: it refuses NaN and infinities, a name given
twice, half a surrogate pair, and depth or integers beyond any use.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from pellucid.check import brief
from pellucid.errors import ModelFileError

Schema = Callable[[Any, str], Any]

DEEPEST = 300
"""Levels of lists and objects in a text."""

LARGEST = 2**53
"""The largest whole number that every reader of JSON agrees on."""

_DIGITS = 4_300
"""Digits of an integer; Python writes none of more, and labels can be of any size."""

_NOT_A_BRACKET = re.compile(r"[^\[\]{}]+")


def refuse(where: str, wanted: str, value: Any) -> ModelFileError:
    """The error that names the location, the expected value and the actual one."""
    return ModelFileError(f"{where}: expected {wanted}, got {brief(value)}")


# -- text ---------------------------------------------------------------------------------------


def parse(text: str) -> Any:
    """The value of a JSON text; raises ValueError saying why for one that this program never writes."""
    if depth(text) > DEEPEST:
        raise ValueError("it is nested too deeply")
    value = json.loads(
        text,
        parse_int=_whole,
        parse_float=_number,
        parse_constant=_no_constant,
        object_pairs_hook=_object,
    )
    if "\\u" in text and _has_half_a_pair(value):
        raise ValueError("it holds half a surrogate pair")
    return value


def depth(text: str) -> int:
    """The levels of lists and objects in a JSON text, in time and memory linear in its length."""
    outside = text.replace("\\\\", "").replace('\\"', "").split('"')[::2]
    deepest = level = 0
    for bracket in _NOT_A_BRACKET.sub("", "".join(outside)):
        level += 1 if bracket in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS:
        raise ValueError("it holds an integer of too many digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it holds a number that is too large")
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"it holds {text}, which is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("it gives a name twice")
    return mapping


def _has_half_a_pair(value: Any) -> bool:
    """Whether a text in a plain value cannot be written as UTF-8."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if not item.isascii() and any("\ud800" <= letter <= "\udfff" for letter in item):
                return True
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False


# -- single values ------------------------------------------------------------------------------


def anything(value: Any, where: str) -> Any:
    """Any value."""
    return value


def text(most: int = 1_000_000) -> Schema:
    """A text of at most so many characters."""

    def schema(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise refuse(where, "a text", value)
        if len(value) > most:
            raise refuse(where, f"a text of at most {most:,} characters", value)
        return value

    return schema


def whole(least: int = 0, most: int = LARGEST) -> Schema:
    """An integer from `least` to `most`."""

    def schema(value: Any, where: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise refuse(where, f"an integer from {least} to {most}", value)
        return value

    return schema


def number(least: float = -math.inf) -> Schema:
    """A finite number of at least `least`, as a float."""

    def schema(value: Any, where: str) -> float:
        finite = _finite(value)
        if finite is None or finite < least:
            wanted = "a finite number" if least == -math.inf else f"a number of at least {least:g}"
            raise refuse(where, wanted, value)
        return finite

    return schema


def _finite(value: Any) -> float | None:
    try:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass  # an integer too large for a float is like any other wrong value
    return None


def not_finite(value: Any, where: str) -> float:
    """NaN or an infinity, which a text holds in some other form."""
    if type(value) is not float or math.isfinite(value):
        raise refuse(where, "a number", value)
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(where, "true or false", value)
    return value


def one_of(*choices: str) -> Schema:
    """One of these texts."""

    def schema(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise refuse(where, f"one of {', '.join(map(repr, choices))}", value)
        return value

    return schema


# -- values made of values ----------------------------------------------------------------------


def optional(inner: Schema) -> Schema:
    """Null, or what `inner` takes."""
    return lambda value, where: None if value is None else inner(value, where)


def either(*schemas: Schema) -> Schema:
    """The first of the schemas that takes the value; the last one reports the error."""

    def schema(value: Any, where: str) -> Any:
        for choice in schemas[:-1]:
            try:
                return choice(value, where)
            except ModelFileError:
                continue
        return schemas[-1](value, where)

    return schema


def items(inner: Schema, least: int = 0, most: int = 1_000_000) -> Schema:
    """A list of `least` to `most` values that `inner` takes."""

    def schema(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise refuse(where, "a list", value)
        if not least <= len(value) <= most:
            raise ModelFileError(
                f"{where}: expected a list of {least} to {most:,} values, got {len(value):,}"
            )
        return [inner(item, f"{where}[{index}]") for index, item in enumerate(value)]

    return schema


def mapping(inner: Schema) -> Schema:
    """An object with any names, each value one that `inner` takes."""

    def schema(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise refuse(where, "an object", value)
        return {name: inner(item, f"{where}.{name[:60]}") for name, item in value.items()}

    return schema


def record(**fields: Schema) -> Schema:
    """An object with exactly these names; one whose schema takes null may be left out."""

    def schema(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refuse(where, "an object", value)
        extra = [name for name in value if name not in fields]
        if extra:
            raise ModelFileError(f"{where}: there is no entry {brief(extra[0])}")
        return {name: _entry(value, name, inner, where) for name, inner in fields.items()}

    return schema


def _entry(value: Mapping[str, Any], name: str, inner: Schema, where: str) -> Any:
    try:
        return inner(value.get(name), f"{where}.{name}")
    except ModelFileError:
        if name in value:
            raise
        raise ModelFileError(f"{where}: the entry {name!r} is missing") from None
