"""Networks, losses and initialisers as JSON and back."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from pellucid import plain, schema
from pellucid.errors import ModelFileError
from pellucid.graph import Tensor, tensor
from pellucid.nn.initialise import Initializer
from pellucid.nn.losses.base import Loss
from pellucid.nn.module import Module
from pellucid.nn.parameter import Buffer, Parameter
from pellucid.nn.tree import members
from pellucid.parts import library
from pellucid.spec import Described, Spec, SpecReader, SpecWriter, described

FAMILIES = (Module, Loss, Initializer)
_SHARED = "Shared"
_HELD = schema.record(
    type=schema.one_of("Parameter", "Buffer"),
    dtype=schema.one_of("bool", "uint8", "int32", "int64", "float32", "float64"),
    shape=schema.items(schema.whole(0, 2**40), most=32),
    role=schema.one_of("weight", "bias", "norm"),
)
_TENSOR = schema.record(type=schema.one_of("tensor"), value=schema.anything)
_ROOM = 2**24
"""Elements of the parameters that a structure declares where no values say how many there are."""


class Writer(SpecWriter):
    """Writes a shared module once, and then references to its first path."""

    def __init__(self) -> None:
        super().__init__(library(*FAMILIES))
        self._seen: dict[int, str] = {}

    def write(self, part: Any, where: str) -> Spec:
        """The spec of a part, or the reference."""
        if isinstance(part, Module):
            if id(part) in self._seen:
                return {"type": _SHARED, "with": self._seen[id(part)]}
            self._seen[id(part)] = where
        return super().write(part, where)

    def attributes(self, part: Any) -> dict[str, Any]:
        """The attributes of an object, without those that its first call made."""
        made = {*vars(part).get("_made", ()), "_built", "_made", "_trained"}
        return {name: held for name, held in super().attributes(part).items() if name not in made}

    def special(self, value: Any, where: str, what: str) -> Any:
        """Parameters by their shapes, constant tensors by their values, and parts."""
        if isinstance(value, (Parameter, Buffer)):
            kind = "Parameter" if isinstance(value, Parameter) else "Buffer"
            role = value.role if isinstance(value, Parameter) else "weight"
            shape = list(value.shape)
            return {"type": kind, "dtype": value.dtype.name, "shape": shape, "role": role}
        if isinstance(value, Tensor) and value.node.op == "constant":
            array = value.node.attrs["value"].array
            refused = lambda _, at: super(Writer, self).special(value, at, what)  # noqa: E731
            return {"type": "tensor", "value": plain.write(array, where, refused)}
        return super().special(value, where, what)


class Reader(SpecReader):
    """Reads shared modules by references to their first path.

    room: the most elements of parameters that the structure itself declares.
    """

    def __init__(self, passed: Sequence[type[Any]] = (), room: int = _ROOM) -> None:
        super().__init__(library(*FAMILIES), passed)
        self._made: dict[str, Module] = {}
        self._room = room

    def read(self, spec: Any, where: str, expected: type[Any]) -> Any:
        """The part that `spec` describes, or the module that it refers to."""
        if isinstance(spec, dict) and spec.get("type") == _SHARED:
            first = spec.get("with")
            if set(spec) != {"type", "with"} or not isinstance(first, str):
                raise ModelFileError(f"{where}: a shared layer names the layer it is shared with")
            self.count(where)
            if first not in self._made or not isinstance(self._made[first], expected):
                raise ModelFileError(f"{where}: there is no layer {first[:60]!r} to share before")
            self._counter.leave()
            return self._made[first]
        part = super().read(spec, where, expected)
        self.begun(part, where)
        return part

    def begun(self, made: Any, where: str) -> None:
        """Register a module before its contents are read, so that they may refer to it."""
        if isinstance(made, Module):
            self._made[where] = made

    def special(self, value: Any, where: str) -> Any:
        """Parameters, which hold zeros until they get their values, constant tensors, and parts."""
        kind = value.get("type")
        if kind == "tensor":
            return tensor(plain.read(_TENSOR(value, where)["value"], where, super().special))
        if kind not in ("Parameter", "Buffer"):
            return super().special(value, where)
        held = _HELD(value, where)
        self._room -= prod(held["shape"])
        if self._room < 0:
            raise ModelFileError(f"{where}: the parameters are larger than their values")
        zeros = np.zeros(held["shape"], held["dtype"])
        return Parameter(zeros, held["role"]) if kind == "Parameter" else Buffer(zeros)


def to_spec(part: Module | Loss | Initializer) -> Spec:
    """The settings of a network or a loss as JSON: {"type": "Linear", "features": 256, …}.

    Values are in `state_dict` instead. Of a class of one's own the name and settings are written, never
    the code. Raises TypeError naming a setting that has no JSON form, or a class that is not
    known by its name, and ValueError for a parameter that two different layers share.
    """
    return described(part)[0]


@described.register
def _(part: Module) -> Described:
    _check_sharing(part)
    return written(part)


@described.register(Loss)
@described.register(Initializer)
def written(part: Module | Loss | Initializer) -> Described:
    """As `described`, whatever parameters two layers share."""
    writer = Writer()
    return writer.write(part, _name(type(part))), tuple(writer.own)


def _name(kind: type[Any]) -> str:
    bases = {"net": Module, "loss": Loss}
    return next((name for name, base in bases.items() if issubclass(kind, base)), "initializer")


def from_spec(spec: Any, parts: Sequence[type[Any]] = (), room: int = _ROOM) -> Module:
    """The network that `spec` describes, without parameters until `build`.

    parts: classes of one's own that are defined under another module name here.
    room:  elements of parameters that classes of one's own make in their constructors, at most.

    Raises ModelFileError saying what is wrong and where.
    """
    return part_from_spec(spec, Module, parts, room)  # type: ignore[no-any-return]


def loss_from_spec(spec: Any, parts: Sequence[type[Any]] = ()) -> Loss:
    """The loss that `spec` describes; raises ModelFileError saying what is wrong and where."""
    return part_from_spec(spec, Loss, parts)  # type: ignore[no-any-return]


def part_from_spec(
    spec: Any, expected: type[Any], parts: Sequence[type[Any]] = (), room: int = _ROOM
) -> Any:
    """The part of the expected class that `spec` describes."""
    where = _name(expected)
    try:
        return Reader(parts, room).read(spec, where, expected)
    except RecursionError:
        raise ModelFileError(f"{where}: the structure is nested too deeply") from None


def _check_sharing(net: Module) -> None:
    owners: dict[int, str] = {}
    for path, module in net.named_modules():
        for name, held in members(module, Parameter):
            if owners.setdefault(id(held), path) != path:
                raise ValueError(
                    f"layers {owners[id(held)]!r} and {path!r} share the parameter {name!r}, which "
                    "JSON cannot hold; use the same layer for both paths instead"
                )
