"""The tree of a network: what an object holds, directly or in its lists and dicts, with names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from pellucid.graph import Tensor
from pellucid.nn.initialise import Initializer

Kind = TypeVar("Kind")


class Layer(Protocol):
    """A module as the files below `nn.module` see it."""

    @property
    def forward(self) -> Callable[..., Tensor]:
        """The output for the inputs."""
        ...

    def __call__(self, *inputs: Any, **named: Any) -> Tensor:
        """The output for a batch."""
        ...

    def named_children(self) -> Iterator[tuple[str, Layer]]:
        """The modules that it holds directly, by name."""
        ...

    def named_modules(self) -> Iterator[tuple[str, Layer]]:
        """Itself and all modules below it by path."""
        ...

    def child_initializers(self, after: Initializer) -> Iterator[tuple[Layer, Initializer]]:
        """For each child the initialiser that suits what follows it."""
        ...

    def parameter_count(self) -> int:
        """How many numbers training changes."""
        ...


def members(owner: object, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    """Each attribute of `owner` that is a `kind`, in order of assignment.

    Those inside lists, tuples and dicts are named by their position: `blocks.0`, `heads.left`.
    """
    for name, value in vars(owner).items():
        yield from _inside(name, value, kind)


def _inside(name: str, value: Any, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    if isinstance(value, kind):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _inside(f"{name}.{i}", item, kind)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _inside(f"{name}.{key}", item, kind)


def join(path: str, name: str) -> str:
    """`name` below `path`, where the empty path is the root."""
    return f"{path}.{name}" if path else name
