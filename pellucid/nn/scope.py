"""The state of a network's call: the path of each module, and how to make parameters."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from pellucid.graph import Array, Shape
from pellucid.graph.dtype import FLOAT32, DType
from pellucid.limits import spend
from pellucid.nn.initialise import GlorotUniform, Initializer
from pellucid.nn.tree import Layer, join


@dataclass(frozen=True)
class Making:
    """How missing parameters are made.

    seed:   a draw is a function of (seed, path of the parameter) only.
    dtype:  of parameters and buffers that are made.
    values: take the values, with their types, from here by path instead of drawing them.
    names:  by the `id` of a network, a name that its paths begin with where they seed a draw.
    """

    seed: int = 0
    dtype: DType = FLOAT32
    values: Mapping[str, Array] | None = None
    names: Mapping[int, str] | None = None


@dataclass
class Scope:
    """One call of a network: the paths of its modules, and the parameters it has made so far."""

    root: Layer
    making: Making
    paths: dict[int, str] = field(default_factory=dict)
    made: list[tuple[Layer, str]] = field(default_factory=list)

    def path(self, module: Layer) -> str | None:
        """The path of `module`, None if the root does not hold it."""
        if id(module) not in self.paths:
            # A module may be made during the call, in `setup`.
            self.paths = {id(held): path for path, held in self.root.named_modules()}
            spend(len(self.paths) // 4)
        return self.paths.get(id(module))

    def initializer(self, module: Layer) -> Initializer:
        """The initialiser that suits what follows `module`; Glorot where that is not known."""
        if self.making.values is not None:
            return GlorotUniform()  # nothing is drawn
        return _suited(self.root, GlorotUniform()).get(id(module), GlorotUniform())

    def value(self, path: str, shape: Shape, initializer: Initializer) -> Array:
        """The first value of the parameter at `path`."""
        values = self.making.values
        if values is None:
            names = self.making.names or {}
            seeded = join(names.get(id(self.root), ""), path)
            rng = np.random.default_rng([self.making.seed, zlib.crc32(seeded.encode())])
            return initializer(rng, shape).astype(self.making.dtype)
        if path not in values:
            raise ValueError(f"parameter {path!r} is missing")
        if values[path].shape != shape:
            raise ValueError(
                f"parameter {path!r} has shape {shape}, got a value of {values[path].shape}"
            )
        return np.array(values[path])

    def stored(self, path: str, value: Array) -> Array:
        """The first value of the buffer at `path`: `value`, or the one to load."""
        values = self.making.values
        if values is None or path not in values:
            return value.astype(self.making.dtype)
        if values[path].shape != value.shape:
            raise ValueError(
                f"buffer {path!r} has shape {value.shape}, got a value of {values[path].shape}"
            )
        return np.array(values[path])

    def note(self) -> None:
        """Note in each module what the call has made, for `Module.forget`."""
        for module, name in self.made:
            vars(module).setdefault("_made", []).append(name)

    def undo(self) -> None:
        """Remove what a failed call has made."""
        for module, name in self.made:
            vars(module).pop(name, None)


def _suited(root: Layer, after: Initializer) -> dict[int, Initializer]:
    """For each module below `root` the initialiser that suits what follows it."""
    initializers = {id(root): after}
    pending: list[tuple[Layer, Initializer]] = [(root, after)]
    while pending:
        module, following = pending.pop()
        for child, suited in module.child_initializers(following):
            if id(child) not in initializers:
                initializers[id(child)] = suited
                pending.append((child, suited))
    return initializers


_making: ContextVar[Making | None] = ContextVar("making", default=None)
_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)


@contextmanager
def making(chosen: Making) -> Iterator[None]:
    """Make the parameters of networks that are called inside as `chosen` says."""
    token = _making.set(chosen)
    try:
        yield
    finally:
        _making.reset(token)


@contextmanager
def call_of(module: Layer) -> Iterator[Scope]:
    """The scope of the call in progress, or a new one with `module` as the root."""
    outer = _scope.get()
    if outer is not None:
        yield outer
        return
    scope = Scope(module, _making.get() or Making())
    token = _scope.set(scope)
    try:
        yield scope
        scope.note()
    except BaseException:
        scope.undo()
        raise
    finally:
        _scope.reset(token)


def current(module: Layer) -> Scope:
    """The scope of the call in progress; raises RuntimeError outside a call."""
    scope = _scope.get()
    if scope is None:
        raise RuntimeError(
            f"{type(module).__name__} makes its parameters while it is called: use build() or call"
        )
    return scope


def label(module: Layer) -> str:
    """How messages name a module: its class, and its path while a network that holds it runs."""
    scope = _scope.get()
    path = scope.path(module) if scope is not None else None
    return f"{type(module).__name__} {path!r}" if path else type(module).__name__


def shape_text(shape: Sequence[int]) -> str:
    """A shape as messages write it, its first axis being the batch: (batch, 64)."""
    return f"({', '.join(['batch', *map(str, shape[1:])])})" if shape else "()"


def sizes_text(sizes: Sequence[int]) -> str:
    """Sizes of a window as messages write them: 3 × 3."""
    return " × ".join(map(str, sizes))


def below(scope: Scope, module: Layer, name: str) -> str:
    """The path of `name` in `module`; raises ValueError if the network does not hold the module."""
    path = scope.path(module)
    if path is None:
        raise ValueError(
            f"{type(module).__name__} has parameters but is not part of "
            f"{type(scope.root).__name__}: keep it in an attribute, not in a local variable"
        )
    return join(path, name)
