"""Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pellucid.graph import Tensor
from pellucid.limits import spend
from pellucid.nn.initialise import Initializer
from pellucid.nn.inputs import apply
from pellucid.nn.layers.container import Container
from pellucid.nn.module import Module


@dataclass(eq=False, repr=False, init=False)
class Sequential(Container):
    """f_L(… f_2(f_1(x))): each layer takes the output of the one before.

    Layers come in order and are named by their position, `Sequential(Linear(8), ReLU())`, by keyword,
    `Sequential(hidden=Linear(8), output=Linear(1))`, or as a dict. A layer passed twice is one layer
    used twice. `net[0]`, `net["hidden"]`, `len(net)` and iteration see the layers. The first layer may
    take several inputs, which are then those of the network.
    """

    def suited(self) -> Initializer | None:
        """What suits the first layer that is not looked through."""
        spend(len(self.layers))
        kinds = (layer.suited() for layer in self.layers.values())
        return next((kind for kind in kinds if kind is not None), None)

    def child_initializers(self, after: Initializer) -> Iterator[tuple[Module, Initializer]]:
        """For each layer what suits the one that follows it."""
        following = after
        for layer in reversed(self.layers.values()):
            yield layer, following
            following = layer.suited() or following
        yield from super().child_initializers(after)

    def forward(self, x: Any) -> Tensor:
        """Each layer in turn."""
        for layer in self.layers.values():
            x = apply(layer, x)
        return x  # type: ignore[no-any-return]
