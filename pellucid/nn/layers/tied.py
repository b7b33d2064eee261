"""TiedLinear: a linear layer that uses another layer's weights the other way round."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.initialise import Zeros
from pellucid.nn.layers.embedding import Embedding
from pellucid.nn.layers.linear import Linear
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter
from pellucid.nn.scope import label


@dataclass(eq=False, repr=False)
class TiedLinear(Module):
    """y = xWᵀ + b with the W of another layer, which learns from both uses.

    After an `Embedding` it gives the logits of a language model (Press & Wolf 2017); after a
    `Linear` it is the decoder of an autoencoder with tied weights. W is one parameter: it counts
    once and is saved once, at the path of the layer that comes first.

    x: (batch, …, features of the layer); y: (batch, …, inputs of the layer); b: (inputs,).

    layer: the `Linear` or `Embedding` whose W is used; in the same network, called before.
    bias:  whether there is a b of its own; it starts at 0.
    """

    layer: Module
    bias: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.layer, (Linear, Embedding)):
            raise TypeError(
                f"TiedLinear layer is a Linear or an Embedding, got a {type(self.layer).__name__}"
            )
        check.choice(self, "bias", True, False)

    def setup(self, x: Tensor) -> None:
        """b; W is the other layer's."""
        if self.bias:
            shape = (self.shared().shape[0],)
            self.b: Parameter = self.parameter("b", shape, Zeros(), "bias")

    def shared(self) -> Parameter:
        """The other layer's W; raises ValueError if it is not made yet."""
        weights = vars(self.layer).get("W")
        if not isinstance(weights, Parameter):
            raise ValueError(
                f"{label(self)} uses the weights of a {type(self.layer).__name__} that has none "
                "yet: that layer must be part of the network and come before"
            )
        return weights

    def forward(self, x: Tensor) -> Tensor:
        """XWᵀ + b."""
        w = self.shared()
        if x.ndim < 2 or x.shape[-1] != w.shape[1]:
            middle = ", ".join(["batch", *map(str, x.shape[1:-1]), str(w.shape[1])])
            raise self.mismatch(f"({middle})", x)
        y = x @ w.T
        return y + self.b if self.bias else y
