"""Each public name has a docstring of its own, from which `make docs` builds the reference."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

PACKAGES = ("pellucid", *(f"pellucid.{name}" for name in ("nn", "optim", "data", "train")))


def undocumented(package: ModuleType) -> Iterator[str]:
    """Modules, functions, classes and members in `__all__` of a package without a docstring."""
    yield from [] if package.__doc__ else [package.__name__]
    for name in package.__all__:
        value = getattr(package, name)
        if not (inspect.ismodule(value) or inspect.isclass(value) or callable(value)):
            continue
        if not own_docstring(value):
            yield name
        if inspect.isclass(value):
            yield from (f"{name}.{member}" for member in undocumented_members(value))


def own_docstring(value: Any) -> str | None:
    """The docstring of a module, function or class; not one that is inherited or made up."""
    text: str | None = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    made_up = text is not None and text.startswith(f"{getattr(value, '__name__', '')}(")
    return None if made_up and inspect.isclass(value) else text  # a dataclass gets its signature


def undocumented_members(kind: type) -> Iterator[str]:
    """Public methods and properties that a class defines without a docstring, own or inherited."""
    for name, value in vars(kind).items():
        is_member = inspect.isroutine(value) or isinstance(value, property | classmethod)
        if is_member and not name.startswith("_") and not inspect.getdoc(getattr(kind, name)):
            yield name


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_have_docstrings(name: str) -> None:
    assert list(undocumented(importlib.import_module(name))) == []


def test_what_lacks_a_docstring_is_found() -> None:
    class Documented:
        """One."""

        def bare(self) -> None: ...

    class Bare(Documented):
        pass

    @dataclass
    class Data:
        number: int

    package: Any = ModuleType("package")
    package.__all__ = ["Documented", "Bare", "Data", "function", "constant"]
    package.Documented, package.Bare, package.Data, package.constant = Documented, Bare, Data, 3
    package.function = lambda: None
    expected = ["package", "Documented.bare", "Bare", "Data", "function"]
    assert list(undocumented(package)) == expected
