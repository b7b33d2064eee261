"""DenseConnection: the output of a block beside its input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, concatenate
from pellucid.nn.initialise import Initializer
from pellucid.nn.module import Module, Transparent
from pellucid.nn.scope import shape_text


@dataclass(eq=False, repr=False)
class DenseConnection(Transparent):
    """[x, block(x)] along the last axis: DenseNet's connection (Huang et al. 2017, eq. 2).

    Several one after another let each block see the features of all before it; the width grows by
    what each block gives.

    block: its output has x's shape but for the last axis.
    """

    block: Module

    def __post_init__(self) -> None:
        if not isinstance(self.block, Module):
            raise TypeError(f"DenseConnection block is a module, got {check.brief(self.block)}")

    def child_initializers(self, after: Initializer) -> Iterator[tuple[Module, Initializer]]:
        """The block feeds what follows."""
        yield self.block, after

    def forward(self, x: Tensor) -> Tensor:
        """Old and new features side by side."""
        new = self.block(x)
        if new.ndim < 2 or new.shape[:-1] != x.shape[:-1]:
            raise self.mismatch(
                "a block that keeps every axis but the last, its output being "
                f"{shape_text(new.shape)}",
                x,
            )
        return concatenate([x, new], axis=-1)
