"""Properties that are computed when they are first asked for, then kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 (used as functools.cached_property is)
    """A property that is computed once for each object, by threads that meet in it perhaps twice.

    functools.cached_property of Python 3.11 has a lock, one for all objects: what a thread computes
    holds up all others, and for ever in a forked child, where that thread is gone.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | T:
        if instance is None:
            return self
        value = self._compute(instance)
        vars(instance)[self._name] = value  # shadows this descriptor from now on
        return value
