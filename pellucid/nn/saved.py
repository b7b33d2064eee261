"""Networks, losses and initialisers for `pickle`: the bytes of a model file, or settings as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pellucid import container, schema
from pellucid.errors import ModelFileError
from pellucid.graph import Array
from pellucid.nn.initialise import Initializer
from pellucid.nn.losses.base import Loss
from pellucid.nn.module import Module
from pellucid.nn.parameter import Buffer, Held, Parameter, Role
from pellucid.nn.registry import from_spec, part_from_spec, written
from pellucid.nn.tree import join, members
from pellucid.parts import Part, reduced
from pellucid.spec import described

Reduced = tuple[Any, ...]
"""A function and its arguments, as `pickle` takes them."""

_HELD = schema.record(
    module=schema.text(),
    name=schema.text(),
    kind=schema.one_of("Parameter", "Buffer"),
    role=schema.one_of("weight", "bias", "norm"),
    made=schema.flag,
    state=schema.text(),
    values=schema.text(),
)
_NETWORK = schema.record(
    net=schema.anything,
    built=schema.items(schema.text()),
    trained=schema.items(schema.text()),
    held=schema.items(_HELD),
)


@reduced.register
def _reduced_network(net: Module) -> Reduced:
    """The bytes of a network for `pickle`, and the classes of one's own in it."""
    return restored, packed(net)


def packed(net: Module) -> tuple[Any, ...]:
    """The bytes of a network, built or not, and the classes of one's own in it.

    Raises TypeError for a network whose settings do not tell its structure.
    """
    spec, own = written(net)
    modules = dict(net.named_modules())
    arrays = {path: held.value for path, held in net._named(Held)}
    known = {
        path
        for path, _ in from_spec(spec, own, sum(a.size for a in arrays.values())).named_modules()
    }
    unknown = [path for path in modules if path not in known]
    if unknown:
        raise TypeError(
            f"{type(net).__name__} holds the layer {unknown[0]!r}, which the settings of its layers do "
            "not tell: make it in a constructor, or keep it in an attribute of a class that is no "
            "dataclass"
        )
    details = {
        "net": spec,
        "built": [path for path, module in modules.items() if module._built],
        "trained": [path for path, module in modules.items() if module._trained],
        "held": [*_entries(modules)],
    }
    return container.pack(arrays, details, "network"), *own


def _entries(modules: dict[str, Module]) -> Iterator[dict[str, Any]]:
    """The attribute of each parameter and buffer, and the path under which it comes first."""
    first: dict[int, str] = {}
    for path, module in modules.items():
        for name, held in members(module, Held):
            there = first.setdefault(id(held), join(path, name))
            if there != join(path, name) and name not in vars(module):
                raise TypeError(
                    f"{type(module).__name__} keeps the parameter {there!r} in a list or dict as "
                    f"{name!r}, which a pickle cannot hold: keep it in an attribute"
                )
            yield {
                "module": path,
                "name": name,
                "kind": "Parameter" if isinstance(held, Parameter) else "Buffer",
                "role": held.role if isinstance(held, Parameter) else "weight",
                "made": name in vars(module).get("_made", ()),
                "state": held.state.name,
                "values": there,
            }


def restored(content: bytes, *own: type[Any]) -> Module:
    """The network of these bytes; raises ModelFileError for others."""
    arrays, details = container.unpack(content, "network", "The pickle")
    network = _NETWORK(details, "the network")
    net = from_spec(network["net"], own, sum(array.size for array in arrays.values()))
    modules = dict(net.named_modules())
    for path in network["built"]:
        module = _at(modules, path)
        module._built = True
        vars(module)["_made"] = ["_built"]
    for path in network["trained"]:
        _at(modules, path)._trained = True
    made: dict[str, Held] = {}
    for entry in network["held"]:
        module, name, first = _at(modules, entry["module"]), entry["name"], entry["values"]
        if entry["made"]:
            vars(module).setdefault("_made", []).append(name)
        if first in made:
            vars(module)[name] = made[first]
            continue
        array = arrays.pop(first, None)
        if array is None:
            raise ModelFileError(f"the network has no values of {first[:60]!r}")
        made[first] = _hold(module, name, array, entry)
    return net


def _hold(module: Module, name: str, array: Array, entry: Mapping[str, Any]) -> Held:
    """The parameter or buffer of this name; a new one if the structure has none."""
    held = dict(members(module, Held)).get(name)
    if held is not None:
        held.value = array
        held.state.name = entry["state"]
        return held
    made: Held
    if entry["kind"] == "Buffer":
        made = Buffer(array, entry["state"])
    else:
        made = Parameter(array, cast(Role, entry["role"]), entry["state"])
    vars(module)[name] = made
    return made


def _at(modules: dict[str, Module], path: str) -> Module:
    if path not in modules:
        raise ModelFileError(f"the network has no layer {path[:60]!r}")
    return modules[path]


@reduced.register(Loss)
@reduced.register(Initializer)
def _reduced_part(part: Loss | Initializer) -> Reduced:
    """The settings, and the classes of one's own in them, which `pickle` finds by their modules."""
    spec, own = described(part)
    return restored_part, (json.dumps(spec), *own)


def restored_part(text: str, *own: type[Any]) -> Any:
    """The part of these settings; raises ModelFileError for others."""
    return part_from_spec(schema.parse(text), Part, own)
