"""Parallel, Sum and Join: layers side by side, on the same input or each on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pellucid.graph import Tensor, concatenate
from pellucid.nn.initialise import Initializer
from pellucid.nn.inputs import apply, inputs_text
from pellucid.nn.layers.container import Container
from pellucid.nn.module import Module
from pellucid.nn.scope import label, shape_text


@dataclass(eq=False, repr=False, init=False)
class _Branches(Container):
    def child_initializers(self, after: Initializer) -> Iterator[tuple[Module, Initializer]]:
        """Every branch feeds what follows."""
        for _, child in self.named_children():
            yield child, after

    def branches(self, x: Any) -> dict[str, Tensor]:
        """The output of each branch by name; raises ValueError if there is none."""
        if not self.layers:
            raise ValueError(f"{label(self)} has no branches")
        return {name: apply(layer, x) for name, layer in self.layers.items()}

    def joined(self, outputs: dict[str, Tensor]) -> Tensor:
        """The outputs joined along the last axis; the other axes are equal."""
        first, *rest = outputs.values()
        if any(other.shape[:-1] != first.shape[:-1] for other in rest) or first.ndim < 2:
            raise _unlike(self, "outputs of one shape but for the last axis", outputs)
        return concatenate(list(outputs.values()), axis=-1)


@dataclass(eq=False, repr=False, init=False)
class Parallel(_Branches):
    """[f_1(x), …, f_k(x)]: each branch takes the input; outputs are joined along the last axis.

    As in Inception (Szegedy et al. 2015); the other axes of the outputs are the same. Branches are
    passed and named as the layers of a `Sequential`.
    """

    def forward(self, x: Any) -> Tensor:
        """The outputs side by side."""
        return self.joined(self.branches(x))


@dataclass(eq=False, repr=False, init=False)
class Sum(_Branches):
    """f_1(x) + … + f_k(x): each branch takes the input; their outputs are of one shape.

    Branches are passed and named as the layers of a `Sequential`.
    """

    def forward(self, x: Any) -> Tensor:
        """The sum, from the first branch to the last."""
        outputs = self.branches(x)
        first, *rest = outputs.values()
        if any(other.shape != first.shape for other in rest):
            raise _unlike(self, "branches whose outputs have one shape", outputs)
        for other in rest:
            first = first + other
        return first


@dataclass(eq=False, repr=False, init=False)
class Join(_Branches):
    """[f_1(x_1), …, f_k(x_k)]: each branch takes an input of its own.

    Outputs are joined along the last axis, as in `Parallel`. The first layer of a network of several
    inputs: a branch for each input of a tuple, in order, or one of each name of a dict. Branches are
    passed and named as the layers of a `Sequential`.
    """

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """The outputs side by side."""
        by_name = named if named else dict(zip(self.layers, inputs, strict=False))
        if set(by_name) != set(self.layers) or len(inputs) + len(named) != len(self.layers):
            raise ValueError(
                f"{label(self)} has branches for {inputs_text(self.layers)}, but got "
                f"{inputs_text(named or inputs)}"
            )
        return self.joined(
            {name: apply(layer, by_name[name]) for name, layer in self.layers.items()}
        )


def _unlike(module: Module, expected: str, outputs: dict[str, Tensor]) -> ValueError:
    shapes = ", ".join(f"{name!r} gives {shape_text(y.shape)}" for name, y in outputs.items())
    return ValueError(f"{label(module)} expects {expected}: {shapes}")
