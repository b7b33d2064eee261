"""The pre-norm transformer block and its feed-forward part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.initialise import GlorotUniform, Initializer, Zeros
from pellucid.nn.layers.activations import GELU
from pellucid.nn.layers.attention import MultiHeadAttention
from pellucid.nn.layers.dropout import dropped, dropped_path
from pellucid.nn.layers.norm import FeatureNorm, LayerNorm
from pellucid.nn.layers.rms_norm import RMSNorm
from pellucid.nn.module import Module, Transparent
from pellucid.nn.parameter import Parameter


@dataclass(eq=False, repr=False)
class FeedForward(Module):
    """activation(xW_in + b_in) W_out + b_out, position by position (Vaswani et al. 2017, eq. 2).

    x, y: (batch, …, features); W_in: (features, expansion · features) and W_out the other way.

    expansion:  how many times wider it is inside, at least 1.
    dropout:    the part of the inner units left out in training, at least 0 and less than 1.
    activation: a layer without parameters; None is GELU.
    """

    expansion: int = 4
    dropout: float = 0.0
    activation: Module | None = None

    def __post_init__(self) -> None:
        check.count(self, "expansion")
        check.number(self, "dropout", at_least=0, less_than=1)
        if self.activation is not None and not isinstance(self.activation, Module):
            raise TypeError(
                f"FeedForward activation is a layer, got {check.brief(self.activation)}"
            )

    def setup(self, x: Tensor) -> None:
        """W_in as suits the activation, W_out Glorot uniform, biases 0."""
        if x.ndim < 2:
            raise self.mismatch("(batch, …, features)", x)
        width, inner = x.shape[-1], x.shape[-1] * self.expansion
        suited = (self.activation or GELU()).suited() or GlorotUniform()
        self.W_in: Parameter = self.parameter("W_in", (width, inner), suited)
        self.b_in: Parameter = self.parameter("b_in", (inner,), Zeros(), "bias")
        self.W_out: Parameter = self.parameter("W_out", (inner, width), GlorotUniform())
        self.b_out: Parameter = self.parameter("b_out", (width,), Zeros(), "bias")

    def forward(self, x: Tensor) -> Tensor:
        """Two linear layers with an activation between them."""
        width = self.W_in.shape[0]
        if x.ndim < 2 or x.shape[-1] != width:
            middle = ", ".join(["batch", *map(str, x.shape[1:-1]), str(width)])
            raise self.mismatch(f"({middle})", x)
        inner = (self.activation or GELU())(x @ self.W_in + self.b_in)
        return dropped(inner, self.dropout) @ self.W_out + self.b_out


@dataclass(eq=False, repr=False)
class TransformerBlock(Transparent):
    """a = x + attention(norm(x)); y = a + feed_forward(norm(a)): the pre-norm form.

    Vaswani et al. 2017 with the normalisation inside the residual branches (Xiong et al. 2020),
    which trains without a warm-up. After the last block comes one more norm.

    x, y: (batch, length, features), features a multiple of the heads.

    heads:     of the attention.
    expansion: how many times wider the feed-forward part is inside.
    dropout:   left out of the attention weights, of the inner units and of both branches' results.
    drop_path: the chance that a branch is left out for an example (stochastic depth).
    causal:    a position attends to itself and to those before it only.
    norm:      "layer" (LayerNorm) or "rms" (RMSNorm).
    """

    heads: int
    expansion: int = 4
    dropout: float = 0.0
    drop_path: float = 0.0
    causal: bool = False
    norm: Literal["layer", "rms"] = "layer"

    def __post_init__(self) -> None:
        check.count(self, "heads")
        check.count(self, "expansion")
        check.number(self, "dropout", at_least=0, less_than=1)
        check.number(self, "drop_path", at_least=0, less_than=1)
        check.choice(self, "causal", True, False)
        check.choice(self, "norm", "layer", "rms")
        kind: type[FeatureNorm] = LayerNorm if self.norm == "layer" else RMSNorm
        self.norm1 = kind()
        self.attention = MultiHeadAttention(self.heads, self.causal, self.dropout)
        self.norm2 = kind()
        self.feed_forward = FeedForward(self.expansion, self.dropout)

    def child_initializers(self, after: Initializer) -> Iterator[tuple[Module, Initializer]]:
        """The parts choose their own."""
        return iter(())

    def forward(self, x: Tensor) -> Tensor:
        """Both residual branches."""
        if x.ndim != 3 or 0 in x.shape[1:]:
            raise self.mismatch("(batch, length, features)", x)
        x = x + self._kept(self.attention(self.norm1(x)))
        return x + self._kept(self.feed_forward(self.norm2(x)))

    def _kept(self, branch: Tensor) -> Tensor:
        return dropped_path(dropped(branch, self.dropout), self.drop_path)
