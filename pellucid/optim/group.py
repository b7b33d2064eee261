"""A group: parameters that are chosen by path, dimensions and role, and their optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from types import NoneType
from typing import Literal

from pellucid import check
from pellucid.graph import Tensor
from pellucid.optim.optimizer import Optimizer, Parameters, role_of
from pellucid.optim.sharpness import SharpnessAware
from pellucid.optim.wrapper import Wrapper
from pellucid.parts import Part


@dataclass(frozen=True)
class Selector(Part, abstract=True):
    """A rule of your own that chooses parameters: a subclass that writes `__call__`.

    Files hold its name and its settings, as they do for a layer of your own.
    """

    def __call__(self, path: str, parameter: Tensor) -> bool:
        """Whether the group has the parameter at `path`, such as `hidden.0.W`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Group(Part):
    """Parameters, and the optimizer that they have. A parameter must fit every condition.

    pattern:    of paths, as in file names: "hidden.*", "*.b", "*" for all; or a `Selector`.
    optimizer:  None freezes the parameters: they stay as they are, have no gradient and no slots.
                Running statistics of normalisation are buffers, so they still follow the data.
    dimensions: the number of axes, or several: 2 for the matrices of linear layers and embeddings,
                (2, 4) for these and the kernels of two-dimensional convolutions. None for any.
    role:       "weight", "bias" or "norm" (scales and shifts of normalisation), None for any. A tensor
                without a role is a weight.
    """

    pattern: str | Selector
    optimizer: Optimizer | None
    dimensions: int | tuple[int, ...] | None = None
    role: Literal["weight", "bias", "norm"] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, (str, Selector)):
            raise TypeError(
                "Group pattern is text, such as 'hidden.*', or a subclass of optim.Selector, which "
                f"files can hold, got {check.brief(self.pattern)}"
            )
        if not isinstance(self.optimizer, (Optimizer, NoneType)):
            raise TypeError(
                f"Group optimizer is an optimizer or None, got {check.brief(self.optimizer)}"
            )
        if self.dimensions is not None:
            object.__setattr__(self, "dimensions", _counts(self.dimensions))
        if self.role is not None:
            check.choice(self, "role", "weight", "bias", "norm")
        inside = self.optimizer
        while isinstance(inside, Wrapper):
            if isinstance(inside, SharpnessAware):
                raise TypeError("SharpnessAware goes around Groups: its step is of all parameters")
            inside = inside.optimizer

    def selects(self, path: str, parameter: Tensor) -> bool:
        """Whether a parameter fits every condition of the group."""
        allowed = (self.dimensions,) if isinstance(self.dimensions, int) else self.dimensions
        if allowed is not None and parameter.ndim not in allowed:
            return False
        if self.role is not None and role_of(parameter) != self.role:
            return False
        if isinstance(self.pattern, str):
            return fnmatchcase(path, self.pattern)
        return bool(self.pattern(path, parameter))

    def no_match(self, parameters: Parameters) -> ValueError:
        """The error that it selects none of the parameters."""
        asked = [repr(self.pattern)]
        asked += [] if self.dimensions is None else [f"dimensions={self.dimensions}"]
        asked += [] if self.role is None else [f"role={self.role!r}"]
        paths = list(parameters)
        pattern = self.pattern if isinstance(self.pattern, str) else ""
        alike = get_close_matches(pattern, paths, 3, 0.3)
        named = ", ".join(map(repr, alike or paths[:3]))
        return ValueError(f"no parameter matches {', '.join(asked)}; there are {named} and others")


def _counts(dimensions: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """Numbers of axes, checked."""
    counts = [
        check.integer("Group dimensions", count, at_least=0)
        for count in check.several("Group dimensions", dimensions)
    ]
    return counts[0] if isinstance(dimensions, int) else tuple(counts)
