"""Residual: a block and a skip connection around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.graph import Tensor
from pellucid.nn.initialise import Initializer
from pellucid.nn.module import Module
from pellucid.nn.scope import shape_text


@dataclass(eq=False, repr=False)
class Residual(Module):
    """block(x) + x, or block(x) + projection(x) (He et al. 2015).

    block:      the module that learns what to add; keeps the shape unless there is a projection.
    projection: maps x to the block's output shape, for example a Linear without bias.
    """

    block: Module
    projection: Module | None = None

    def __post_init__(self) -> None:
        for name, part in (("block", self.block), ("projection", self.projection)):
            if not isinstance(part, Module) and (name == "block" or part is not None):
                raise TypeError(f"Residual {name} is a module, got a {type(part).__name__}")

    def suited(self) -> Initializer | None:
        """What suits the block."""
        return self.block.suited()

    def child_initializers(self, after: Initializer) -> Iterator[tuple[Module, Initializer]]:
        """Both feed what follows the sum."""
        for _, child in self.named_children():
            yield child, after

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the block and the skip connection."""
        learned = self.block(x)
        path = x if self.projection is None else self.projection(x)
        if learned.shape != path.shape:
            raise self.mismatch(
                f"a block whose output {shape_text(learned.shape)} has the shape of what goes "
                f"around it {shape_text(path.shape)} (add a projection)",
                x,
            )
        return learned + path
