"""Keywords that people know from PyTorch or Keras, refused with the hints of `pellucid.hints`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pellucid.hints import KEYWORDS

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Hinted:
    """A class whose constructor has a hint for the keywords of `KEYWORDS` that it does not take."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            """The object, unless a keyword is one that other libraries have."""
            if kwargs.keys() & KEYWORDS.keys():
                _refuse(cls.__init__, cls.__name__, kwargs, KEYWORDS)
                _refuse_twice(cls, args, kwargs)
            return super().__new__(cls)


def explained(
    table: Mapping[str, str],
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorates a function with hints for the keywords of `table` that it does not take."""

    def decorate(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(call)
        def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            if kwargs.keys() & table.keys():
                _refuse(call, call.__name__, kwargs, table)
            return call(*args, **kwargs)

        return wrapped

    return decorate


def _refuse_twice(cls: type, args: tuple[Any, ...], given: Mapping[str, Any]) -> None:
    """Refuse `Conv2d(3, 16, kernel_size=5)`, where 16 already is the size of the kernel."""
    by_place = list(inspect.signature(cls).parameters)[: len(args)]
    for keyword in given.keys() & set(by_place):
        raise TypeError(
            f"{cls.__name__} is given {keyword!r} twice, by position too; the number of inputs is "
            "inferred and not given"
        )


def _refuse(
    call: Callable[..., Any], name: str, given: Mapping[str, Any], table: Mapping[str, str]
) -> None:
    parameters = inspect.signature(call).parameters
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return
    for keyword in given:
        if keyword not in parameters and keyword in table:
            raise TypeError(f"{name} takes no {keyword!r}: {table[keyword]}")
