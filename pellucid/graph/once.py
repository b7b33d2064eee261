"""Properties that are computed once, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 (used as functools.cached_property is)
    """A property that is computed once for each object; threads that race may compute it twice.

    `functools.cached_property` of Python 3.11 has one lock for all objects. A thread in it blocks all
    others, for ever in a forked child, where that thread no longer runs.
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
