"""Inputs of a network: one array, or a tree of them, as tuples and dicts of names hold them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pellucid.graph import Tensor
from pellucid.nn.scope import label
from pellucid.nn.tree import Layer


def is_tree(inputs: Any) -> bool:
    """Whether these are several inputs: a dict, or a tuple that holds arrays, tensors or trees.

    A tuple of numbers, or of tuples of numbers, is one array; a dict of nothing is no inputs.
    """
    if isinstance(inputs, Mapping):
        return len(inputs) > 0
    if not isinstance(inputs, tuple):
        return False
    return any(is_tree(item) or len(getattr(item, "shape", ())) > 0 for item in inputs)


def mapped(function: Callable[[str, Any], Any], inputs: Any, name: str = "x") -> Any:
    """The same tree with function(name, leaf) for each leaf.

    One input is named `name`, those of a tree by their way in it: `x.0`, `x.user`. Names of a
    dict are visited in sorted order.
    """
    if not is_tree(inputs):
        return function(name, inputs)
    if isinstance(inputs, Mapping):
        return {key: mapped(function, inputs[key], f"{name}.{key}") for key in sorted(inputs)}
    return tuple(mapped(function, item, f"{name}.{i}") for i, item in enumerate(inputs))


def leaves(inputs: Any, name: str = "x") -> dict[str, Any]:
    """The leaves of a tree by name, in order."""
    by_name: dict[str, Any] = {}
    mapped(by_name.__setitem__, inputs, name)
    return by_name


def taken(inputs: Any, rows: Any) -> Any:
    """These rows of inputs."""
    return mapped(lambda _, array: array[rows], inputs)


def apply(module: Layer, inputs: Any) -> Tensor:
    """The output of a module for its inputs.

    A tuple is passed as arguments, a dict as keywords: forward(self, a, b). A forward(self, inputs)
    that takes one argument gets the tuple or dict itself. Raises TypeError if neither fits.
    """
    ways: list[tuple[tuple[Any, ...], Mapping[str, Any]]] = [((inputs,), {})]
    if is_tree(inputs):
        ways.insert(0, ((), inputs) if isinstance(inputs, Mapping) else (inputs, {}))
    signature = inspect.signature(module.forward)
    for arguments, named in ways:
        try:
            signature.bind(*arguments, **named)
        except TypeError:
            continue
        return module(*arguments, **named)
    raise TypeError(
        f"{label(module)} got {inputs_text(inputs)}, but its method is forward{signature}: "
        "it takes an argument for each input of a tuple, or one of each name of a dict"
    )


def inputs_text(inputs: Any) -> str:
    """How many inputs, and their names: "the inputs 'item' and 'user'"."""
    if isinstance(inputs, (Mapping, tuple)) and not inputs:
        return "no input"
    if not is_tree(inputs) and not isinstance(inputs, tuple):
        return "one input"
    if not isinstance(inputs, Mapping):
        return f"{len(inputs)} inputs"
    names = [repr(name) for name in sorted(inputs)]
    if len(names) == 1:
        return f"the input {names[0]}"
    return f"the inputs {', '.join(names[:-1])} and {names[-1]}"
