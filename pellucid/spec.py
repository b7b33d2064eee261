"""Settings as plain JSON: objects to specs and back, never running anything that a file says.

A spec of a library's class is {"type": class name, setting: value, …}; its values are read by the
annotations of the class. A spec of a class of the user's own (see `parts`) is {"type": "module:name",
"settings": [[name, value], …]} where a dataclass's constructor takes them, and else {"type": …,
"attributes": [[name, value], …]}: what the object holds, in order. A name that is not known, a setting
that the class does not have, a value of the wrong type, and parts nested or repeated beyond any use
are refused with ModelFileError.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from functools import cache, singledispatch
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from pellucid import parts, plain
from pellucid.check import brief
from pellucid.errors import ModelFileError
from pellucid.schema import LARGEST, refuse

Spec = dict[str, Any]
Described = tuple[Spec, tuple[type[Any], ...]]
"""The spec of a part, and the classes of the user's own in it."""
Table = Mapping[str, type[Any]]

DEEPEST = 60
"""Parts inside parts."""

MOST = 10_000
"""Parts in one spec."""

LONGEST = 1_000
"""Characters of the way from the outermost part to any other."""


LONGEST_LIST = 100_000
"""Values in a list among settings."""


@singledispatch
def described(part: Any) -> Described:
    """The spec of a part and the classes of the user's own in it, as its family registers it.

    Raises TypeError naming a setting that has no JSON form, or a class that is not known by its name,
    and ValueError for a parameter that two different layers share.
    """
    raise TypeError(f"{_called(part)} has no settings that a file could hold")


def settable(kind: type[Any]) -> list[Field[Any]]:
    """The fields of a dataclass that its constructor takes: its settings."""
    return [field for field in fields(kind) if field.init]


def takes_settings(kind: type[Any]) -> bool:
    """Whether a class of the user's own is a dataclass whose constructor takes its fields by name."""
    if "__dataclass_fields__" not in vars(kind):
        return False
    taken = inspect.signature(kind).parameters
    return all(field.name in taken for field in settable(kind))


class _Counter:
    """The depth of the part that is written or read, and the number of parts so far."""

    def __init__(self) -> None:
        self._depth = self._count = 0

    def enter(self, where: str) -> None:
        """Raise ValueError where a spec goes beyond the limits."""
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST:
            raise ValueError(f"{where[:60]}…: the structure is nested too deeply")
        if self._count > MOST:
            raise ValueError(f"the structure has more than {MOST:,} parts")
        if len(where) > LONGEST:
            raise ValueError(f"{where[:60]}…: the names on the way to a part are too long")

    def leave(self) -> None:
        self._depth -= 1


class SpecWriter:
    """Writes specs of the classes in `table` and of the user's own; `where` is the path of a part.

    Raises TypeError naming the class and the setting that has no JSON form, and ValueError for a
    structure that a reader would refuse.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._counter = _Counter()
        self.own: dict[type[Any], None] = {}
        """The classes of the user's own in the spec."""

    def write(self, part: Any, where: str) -> Spec:
        """The spec of a part."""
        kind = type(part)
        self._counter.enter(where)
        if self._table.get(kind.__name__) is kind:
            spec: Spec = {"type": kind.__name__}
            for field in settable(kind):
                spec[field.name] = self._value(getattr(part, field.name), f"{where}.{field.name}")
        elif parts.is_own(kind):
            spec = self._own(part, where)
        else:
            raise TypeError(f"{where} is {_called(part)}, which a model file cannot hold")
        self._counter.leave()
        return spec

    def _own(self, part: Any, where: str) -> Spec:
        kind = type(part)
        self.own[kind] = None
        spec: Spec = {"type": parts.written_name(kind)}
        if takes_settings(kind):
            names = [field.name for field in settable(kind)]
            spec["settings"] = self._named(part, {n: getattr(part, n) for n in names}, where)
        else:
            spec["attributes"] = self._named(part, self.attributes(part), where)
        return spec

    def attributes(self, part: Any) -> dict[str, Any]:
        """The attributes of an object of the user's own."""
        return dict(getattr(part, "__dict__", {}))

    def _named(self, part: Any, values: Mapping[str, Any], where: str) -> list[Any]:
        def inner(value: Any, at: str) -> Any:
            return self.special(value, at, f"{where}: {type(part).__name__} {at[len(where) + 1 :]}")

        return [
            [name, plain.write(value, f"{where}.{name}", inner)] for name, value in values.items()
        ]

    def special(self, value: Any, where: str, what: str) -> Any:
        """A value that is not plain; `what` names the class and the setting."""
        if not parts.is_own(type(value)) and self._table.get(type(value).__name__) is not type(
            value
        ):
            raise TypeError(
                f"{what} is {_called(value)}, which a model file cannot hold: keep plain values "
                "(numbers, texts, lists, arrays) and layers in it, and compute the rest from them"
            )
        return self.write(value, where)

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


def _called(value: Any) -> str:
    """A value's kind with its article, for messages."""
    kind = "function" if isinstance(value, types.FunctionType) else type(value).__name__
    return f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


class SpecReader:
    """Reads specs whose types are in `table`, or are classes of the user's own.

    passed: such classes, besides those that are defined. Every failure is a ModelFileError that says
    where.
    """

    def __init__(self, table: Table, passed: Sequence[type[Any]] = ()) -> None:
        self._table = table
        self._passed = passed
        self._counter = _Counter()

    def read(self, spec: Any, where: str, expected: type[Any]) -> Any:
        """The object that `spec` describes, an instance of `expected`."""
        kind = self._find(spec, where)
        if not issubclass(kind, expected):
            raise refuse(where, f"a {expected.__name__}", kind.__name__)
        self.count(where)
        own = kind.__name__ not in self._table or self._table[kind.__name__] is not kind
        part = self._own(kind, spec, where) if own else self._library(kind, spec, where)
        self._counter.leave()
        return part

    def count(self, where: str) -> None:
        """Count a part, or a reference to one; raises ModelFileError where there are too many."""
        try:
            self._counter.enter(where)
        except ValueError as error:
            raise ModelFileError(str(error)) from None

    def _library(self, kind: type[Any], spec: Spec, where: str) -> Any:
        values = self._settings(kind, spec, where)
        # A class whose constructor does not take its settings by name says how to make it.
        make = getattr(kind, "from_settings", kind)
        try:
            return make(**values)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ModelFileError(f"{where}: {error}") from error

    def _find(self, spec: Any, where: str) -> type[Any]:
        if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
            raise refuse(where, 'an object with a "type"', spec)
        name = spec["type"]
        if ":" in name:
            return parts.find(name, self._passed)
        if name not in self._table:
            raise ModelFileError(f"{where}: unknown type {brief(name)}")
        return self._table[name]

    # -- classes of the user's own --------------------------------------------------------------

    def _own(self, kind: type[Any], spec: Spec, where: str) -> Any:
        """An object of the user's own class, whose code may raise anything."""
        by_settings = takes_settings(kind)
        entry = "settings" if by_settings else "attributes"
        if set(spec) != {"type", entry}:
            raise ModelFileError(f"{where}: {kind.__name__} is described by its {entry}")
        try:
            if by_settings:
                return kind(**self._named(kind, spec[entry], where))
            made = object.__new__(kind)
            self.begun(made, where)
            vars(made).update(self._named(kind, spec[entry], where))
        except ModelFileError:
            raise
        except Exception as error:
            raise ModelFileError(f"{where}: {kind.__name__} cannot be made: {error}") from error
        return made

    def begun(self, made: Any, where: str) -> None:
        """Called when an object is made, before its attributes are read."""

    def _named(self, kind: type[Any], pairs: Any, where: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in _checked_pairs(pairs, where):
            if name.startswith("__") or _is_method(kind, name):
                raise ModelFileError(f"{where}: {kind.__name__} has no setting {brief(name)}")
            values[name] = plain.read(value, f"{where}.{name}", self.special)
        return values

    def special(self, value: Any, where: str) -> Any:
        """A value that is not plain."""
        return self.read(value, where, object)

    # -- classes of the library -----------------------------------------------------------------

    def _settings(self, kind: type[Any], spec: Spec, where: str) -> dict[str, Any]:
        hints = _hints(cast(Any, kind))
        known = {field.name: field for field in settable(kind)}
        settings = {name: value for name, value in spec.items() if name != "type"}
        for name in settings:
            if name not in known:
                raise ModelFileError(f"{where}: {kind.__name__} has no setting {brief(name)}")
        for name, field in known.items():
            if (
                name not in settings
                and field.default is MISSING
                and field.default_factory is MISSING
            ):
                raise ModelFileError(f"{where}: {kind.__name__} lacks its setting {name!r}")
        return {
            name: self._value(value, hints[name], f"{where}.{name}")
            for name, value in settings.items()
        }

    def _value(self, value: Any, hint: Any, where: str) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return self._union(value, arguments, where)
        if origin is Literal:
            if not any(value == choice and type(value) is type(choice) for choice in arguments):
                raise refuse(where, f"one of {', '.join(map(repr, arguments))}", value)
            return value
        if origin is dict:
            return self._pairs(value, arguments[1], where)
        if origin in (tuple, list):
            return origin(self._items(value, origin, arguments, where))
        if hint in (int, bool, str):
            return _single(value, hint, where)
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
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise refuse(where, f"a list of at most {LONGEST_LIST:,} values", value)
        same = origin is list or arguments[-1] is Ellipsis
        hints = [arguments[0]] * len(value) if same else list(arguments)
        if len(hints) != len(value):
            raise refuse(where, f"a list of {len(hints)}", value)
        return [
            self._value(item, hint, f"{where}[{i}]")
            for i, (item, hint) in enumerate(zip(value, hints, strict=True))
        ]

    def _pairs(self, value: Any, hint: Any, where: str) -> dict[str, Any]:
        return {
            name: self._value(item, hint, f"{where}.{name}")
            for name, item in _checked_pairs(value, where)
        }


def _checked_pairs(value: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value
    ):
        raise refuse(where, "a list of [name, value] pairs", value)
    if len({name for name, _ in value}) != len(value):
        raise ModelFileError(f"{where}: a name is given twice")
    return [(name, item) for name, item in value]


def _is_method(kind: type[Any], name: str) -> bool:
    """Whether a name is that of a method or property, which no file may replace."""
    member = inspect.getattr_static(kind, name, None)
    return isinstance(member, (types.FunctionType, property, classmethod, staticmethod))


def _single(value: Any, kind: type[Any], where: str) -> Any:
    if type(value) is not kind:
        raise refuse(where, f"a value of type {kind.__name__}", value)
    if kind is int and abs(value) > LARGEST:
        raise refuse(where, f"an integer of at most {LARGEST}", value)
    return value


def _finite(value: Any, where: str) -> float:
    try:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass  # an integer too large for a float is refused like any other wrong value
    raise refuse(where, "a finite number", value)
