"""Classes that files name: layers, losses, initialisers, optimizers, schedules.

They register themselves by being defined, since their bases are `Part`s. A class of the library is
named by its own name, one of the user's own by "module:qualified name". Files never hold code; whoever
reads one has defined the class, or passes it.
"""

from __future__ import annotations

import copy
import copyreg
import gc
import sys
from collections.abc import Sequence
from functools import reduce, singledispatch
from typing import Any, Self
from weakref import WeakSet

from pellucid.errors import ModelFileError

Kind = type[Any]

_MAIN = ("__main__", "__mp_main__")
"""The names of the module that a script is, in its process and in those that it spawns."""

_defined: dict[str, WeakSet[Kind]] = {}
_library: dict[tuple[Kind, str], Kind] = {}


class Copied:
    """An object whose copy is of its class and holds the same, or copies of it."""

    def __copy__(self) -> Self:
        new = type(self).__new__(type(self))
        vars(new).update(vars(self))
        return new

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        vars(new).update(copy.deepcopy(vars(self), memo))
        return new


class Part(Copied):
    """The base of layers, losses, initialisers, optimizers and schedules.

    `class Pool(Module, abstract=True)` is a base of other parts, which no file names.
    """

    def __init_subclass__(cls, *, abstract: bool = False, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        define(cls, abstract)

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)


@singledispatch
def reduced(part: Any) -> tuple[Any, ...]:
    """The pickle of a part: its attributes, or the form that its family registers."""
    return copyreg.__newobj__, (type(part),), vars(part)  # type: ignore[attr-defined]


def define(kind: Kind, abstract: bool = False) -> None:
    """Register a class under the name that files have for it.

    Raises TypeError for two parts of the library with one name in one family, such as that of layers.
    """
    if not is_library(kind):
        _defined.setdefault(name_of(kind), WeakSet()).add(kind)
    elif not abstract and not kind.__name__.startswith("_"):
        other = _library.setdefault((_family(kind), kind.__name__), kind)
        if name_of(other) != name_of(kind):
            raise TypeError(f"two parts of the library are named {kind.__name__}")


def library(*bases: Kind) -> dict[str, Kind]:
    """The library's own parts of these kinds by name, in order; abstract ones are left out."""
    chosen = [kind for kind in _library.values() if issubclass(kind, bases)]
    return {kind.__name__: kind for kind in sorted(chosen, key=lambda kind: kind.__name__)}


def _family(kind: Kind) -> Kind:
    """The base that a part and its relatives have directly below `Part`."""
    return next(base for base in reversed(kind.__mro__) if Part in base.__bases__)


def is_library(kind: Kind) -> bool:
    """Whether a class is defined in this package."""
    return kind.__module__.partition(".")[0] == "pellucid"


def is_own(kind: Kind) -> bool:
    """Whether a class is a part that a user defined."""
    return kind in _defined.get(name_of(kind), ())


def name_of(kind: Kind) -> str:
    """The name of a class of the user's own in files."""
    return f"{kind.__module__}:{kind.__qualname__}"


def written_name(kind: Kind) -> str:
    """The name to write; raises TypeError if it would not lead back to this class."""
    name = name_of(kind)
    classes = _living(name)
    if classes != [kind]:
        raise TypeError(
            f"there are {len(classes) or 'other'} classes named {name}, so a file could not tell which "
            "it means: rename this one, or make the object again from the newest definition"
        )
    return name


def find(name: str, passed: Sequence[Kind] = ()) -> Kind:
    """The class that a file names, among those passed or else among those defined.

    A class that is passed counts if its qualified name fits, whatever its module. Raises
    ModelFileError if there is none, or more than one.
    """
    module, _, qualified = name.partition(":")
    last = qualified.rpartition(".")[2][:60]
    candidates = [kind for kind in passed if name_of(kind) == name]
    candidates = candidates or [kind for kind in passed if kind.__qualname__ == qualified]
    candidates = list(dict.fromkeys(candidates)) or _living(name) or _renamed(module, qualified)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise ModelFileError(f"there are {len(candidates)} classes named {name[:120]}: rename one")
    raise ModelFileError(
        f"{name[:120]} is a class of your own that is not defined here: in Python, import the module "
        f"that defines it first, or pass it as parts=[{last}] to Model.load"
    )


def _living(name: str) -> list[Kind]:
    """The classes of this name; the one that its module holds by it stands for all."""
    if len(_defined.get(name, ())) > 1:
        gc.collect()  # a class lives on in cycles after its definition was run again
    classes = list(_defined.get(name, ()))
    if len(classes) > 1:
        held = _held(name)
        return [held] if held in classes else classes
    return classes


def _held(name: str) -> Any:
    """The object of this name in its module."""
    module, _, qualified = name.partition(":")
    try:
        return reduce(getattr, qualified.split("."), sys.modules[module])
    except (KeyError, AttributeError):
        return None


def _renamed(module: str, qualified: str) -> list[Kind]:
    """A script's module has another name where it is imported, or in a process that it spawned."""
    return [
        kind
        for name in list(_defined)
        if name.partition(":")[2] == qualified
        and (module in _MAIN or name.partition(":")[0] in _MAIN)
        for kind in _living(name)
    ]
