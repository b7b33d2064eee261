"""Settings as plain JSON: objects to specs and back, never running anything that a file says.

A spec is {"type": class name, setting: value, …}. Reading one back takes a table of the library's
own classes; a name that is not in the table, a setting that the class does not have, or a value of
the wrong type is refused with ModelFileError. Values are read by the annotations of the class.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pellucid.errors import ModelFileError

Spec = dict[str, Any]
Table = Mapping[str, type[Any]]


def settable(kind: type[Any]) -> list[Field[Any]]:
    """The fields of a dataclass that its constructor takes: its settings."""
    return [field for field in fields(kind) if field.init]


class SpecWriter:
    """Writes specs; `where` in messages is the way from the outermost object."""

    def write(self, part: Any, where: str) -> Spec:
        """The spec of a dataclass instance; raises TypeError naming a setting without JSON form."""
        if not is_dataclass(part):
            raise TypeError(f"{where} is a {type(part).__name__}, which a model file cannot hold")
        spec: Spec = {"type": type(part).__name__}
        for field in settable(type(part)):
            spec[field.name] = self._value(getattr(part, field.name), f"{where}.{field.name}")
        return spec

    def _value(self, value: Any, where: str) -> Any:
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise TypeError(f"{where} is {value}, which JSON cannot hold")
            return value
        if isinstance(value, (list, tuple)):
            return [self._value(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, dict):
            # Pairs, so that the order survives a writer that sorts keys.
            return [[key, self._value(item, f"{where}.{key}")] for key, item in value.items()]
        return self.write(value, where)


class SpecReader:
    """Reads specs whose types are in `table`; every failure is a ModelFileError that says where."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, spec: Any, where: str, expected: type[Any]) -> Any:
        """The object that `spec` describes, an instance of `expected`."""
        kind = self._find(spec, where)
        if not issubclass(kind, expected):
            raise _unexpected(where, f"a {expected.__name__}", kind.__name__)
        values = self._settings(kind, spec, where)
        # A class whose constructor does not take its settings by name says how to make it.
        make = getattr(kind, "from_settings", kind)
        try:
            return make(**values)
        except (ValueError, TypeError) as error:
            raise ModelFileError(f"{where}: {error}") from error

    def _find(self, spec: Any, where: str) -> type[Any]:
        if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
            raise _unexpected(where, 'an object with a "type"', spec)
        if spec["type"] not in self._table:
            raise ModelFileError(f"{where}: unknown type {_brief(spec['type'])}")
        return self._table[spec["type"]]

    def _settings(self, kind: type[Any], spec: Spec, where: str) -> dict[str, Any]:
        hints = get_type_hints(kind)
        known = {field.name: field for field in settable(kind)}
        given = {name: value for name, value in spec.items() if name != "type"}
        for name in given:
            if name not in known:
                raise ModelFileError(f"{where}: {kind.__name__} has no setting {_brief(name)}")
        for name, field in known.items():
            if name not in given and field.default is MISSING and field.default_factory is MISSING:
                raise ModelFileError(f"{where}: {kind.__name__} lacks its setting {name!r}")
        return {
            name: self._value(value, hints[name], f"{where}.{name}")
            for name, value in given.items()
        }

    def _value(self, value: Any, hint: Any, where: str) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return self._union(value, arguments, where)
        if origin is Literal:
            if not any(value == choice and type(value) is type(choice) for choice in arguments):
                raise _unexpected(where, f"one of {', '.join(map(repr, arguments))}", value)
            return value
        if origin is dict:
            return self._pairs(value, arguments[1], where)
        if origin in (tuple, list):
            return origin(self._items(value, origin, arguments, where))
        if hint in (int, bool, str):
            if type(value) is not hint:
                raise _unexpected(where, f"a value of type {hint.__name__}", value)
            return value
        if hint is float:
            return _finite(value, where)
        return self.read(value, where, hint)

    def _union(self, value: Any, choices: tuple[Any, ...], where: str) -> Any:
        if value is None and type(None) in choices:
            return None
        rest = [choice for choice in choices if choice is not type(None)]
        for choice in rest[:-1]:
            try:
                return self._value(value, choice, where)
            except ModelFileError:
                continue
        return self._value(value, rest[-1], where)

    def _items(
        self, value: Any, origin: type[Any], arguments: tuple[Any, ...], where: str
    ) -> list[Any]:
        if not isinstance(value, list):
            raise _unexpected(where, "a list", value)
        same = origin is list or arguments[-1] is Ellipsis
        hints = [arguments[0]] * len(value) if same else list(arguments)
        if len(hints) != len(value):
            raise _unexpected(where, f"a list of {len(hints)}", value)
        return [
            self._value(item, hint, f"{where}[{i}]")
            for i, (item, hint) in enumerate(zip(value, hints, strict=True))
        ]

    def _pairs(self, value: Any, hint: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, list) or not all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value
        ):
            raise _unexpected(where, "a list of [name, value] pairs", value)
        if len({name for name, _ in value}) != len(value):
            raise ModelFileError(f"{where}: a name is given twice")
        return {name: self._value(item, hint, f"{where}.{name}") for name, item in value}


def _finite(value: Any, where: str) -> float:
    try:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass  # an integer too large for a float is refused like any other wrong value
    raise _unexpected(where, "a finite number", value)


def _unexpected(where: str, expected: str, value: Any) -> ModelFileError:
    return ModelFileError(f"{where}: expected {expected}, got {_brief(value)}")


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
