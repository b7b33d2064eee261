"""Networks, losses and initialisers for `pickle`: the bytes of a model file, or settings as text."""

from __future__ import annotations

import json
from typing import Any

from pellucid import container, schema
from pellucid.errors import ModelFileError
from pellucid.nn.initialise import Initializer
from pellucid.nn.loss import Loss
from pellucid.nn.module import Module
from pellucid.nn.parameter import Buffer, Held, Parameter
from pellucid.nn.registry import described, from_spec, part_from_spec
from pellucid.nn.tree import join, members

Saved = tuple[Any, ...]

_HELD = schema.record(
    module=schema.text(),
    name=schema.text(),
    kind=schema.one_of("Parameter", "Buffer"),
    role=schema.one_of("weight", "bias", "norm"),
    state=schema.text(),
)
_NETWORK = schema.record(
    net=schema.anything, built=schema.items(schema.text()), held=schema.items(_HELD)
)


def saved(net: Module) -> Saved:
    """The bytes of a network, built or not, and the classes of one's own in it.

    Raises TypeError for one whose structure its settings do not tell.
    """
    spec, own = described(net)
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
        "held": [
            _entry(path, name, held)
            for path, module in modules.items()
            for name, held in members(module, Held)
            if join(path, name) in arrays
        ],
    }
    return container.pack(arrays, details, "network"), *own


def _entry(module: str, name: str, held: Held) -> dict[str, str]:
    kind = "Parameter" if isinstance(held, Parameter) else "Buffer"
    role = held.role if isinstance(held, Parameter) else "weight"
    entry = {"module": module, "name": name, "kind": kind, "role": role}
    return {**entry, "state": held.state.name}


def restored(content: bytes, *own: type[Any]) -> Module:
    """The network of these bytes; raises ModelFileError for others."""
    arrays, details = container.unpack(content, "network", "The pickle")
    found = _NETWORK(details, "the network")
    net = from_spec(found["net"], own, sum(array.size for array in arrays.values()))
    modules = dict(net.named_modules())
    for path in found["built"]:
        _at(modules, path)._built = True
    for entry in found["held"]:
        module, name = _at(modules, entry["module"]), entry["name"]
        array = arrays.pop(join(entry["module"], name), None)
        if array is None:
            raise ModelFileError(f"the network has no values of {name[:60]!r}")
        there = dict(members(module, Held)).get(name)
        if there is not None:
            there.value = array
            there.state.name = entry["state"]
        elif entry["kind"] == "Buffer":
            vars(module)[name] = Buffer(array, entry["state"])
        else:
            vars(module)[name] = Parameter(array, entry["role"], entry["state"])
    return net


def _at(modules: dict[str, Module], path: str) -> Module:
    if path not in modules:
        raise ModelFileError(f"the network has no layer {path[:60]!r}")
    return modules[path]


def saved_part(part: Loss | Initializer) -> Saved:
    """The settings, and the classes of one's own in them, which `pickle` finds by their modules."""
    spec, own = described(part)
    return json.dumps(spec), isinstance(part, Loss), *own


def restored_part(text: str, is_loss: bool, *own: type[Any]) -> Loss | Initializer:
    """The part of these settings; raises ModelFileError for others."""
    expected = Loss if is_loss else Initializer
    found: Loss | Initializer = part_from_spec(schema.parse(text), expected, own)
    return found
