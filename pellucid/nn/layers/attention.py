"""Attention: each position of a sequence attends to the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, iota, softmax, where
from pellucid.graph.dtype import INT32
from pellucid.nn.initialise import GlorotUniform, Zeros
from pellucid.nn.layers.dropout import dropped
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter
from pellucid.nn.scope import label


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """softmax(Q Kᵀ / √d) V (Vaswani et al. 2017, eq. 1).

    query: (…, L, d); key: (…, S, d); value: (…, S, m); the result: (…, L, m). Queries of one sequence
    and keys and values of another make it cross-attention.

    mask:    bool, broadcasts to (…, L, S): where it is false, a position is not attended to. A query
             that attends to none gives 0. Of sequences of lengths n padded to S, it is
             `(iota((batch, 1, S), 2, "int32") < n.reshape(batch, 1, 1))`.
    causal:  position i attends to positions 0 … i only.
    dropout: the part of the weights that is left out in training.

    Raises TypeError if the mask is not bool, ValueError if it does not broadcast to (…, L, S).
    """
    scores = (query * (1.0 / math.sqrt(query.shape[-1]))) @ key.swap_axes(-1, -2)
    shape = scores.shape
    if causal:
        before = iota(shape[-2:], 1, INT32) <= iota(shape[-2:], 0, INT32)
        scores = where(before, scores, -math.inf)
    if mask is None:
        return dropped(softmax(scores), dropout) @ value
    if mask.dtype.kind != "b":
        raise TypeError(f"an attention mask is bool, true where to look; got {mask.dtype.name}")
    try:
        seen = mask.broadcast_to(shape)
    except ValueError:
        raise ValueError(
            f"an attention mask of shape {mask.shape} does not broadcast to the scores' {shape}"
        ) from None
    # The least number, not −∞: the softmax of a row without a position is finite, then 0.
    least = float(np.finfo(scores.dtype).min)
    weights = where(seen, softmax(where(seen, scores, least)), 0.0)
    return dropped(weights, dropout) @ value


@dataclass(eq=False, repr=False)
class MultiHeadAttention(Module):
    """Concat(head_1 … head_h) W_out, head_i = attention(xW_i^Q, xW_i^K, xW_i^V): self-attention.

    Vaswani et al. 2017, section 3.2.2. The projections of all heads are one product with `W_in`,
    whose columns are Q, K and V, each head by head, as in PyTorch.

    x, y: (batch, length, features), features a multiple of the heads;
    W_in: (features, 3 · features); b_in: (3 · features,);
    W_out: (features, features); b_out: (features,).

    heads:   how many, at least 1.
    causal:  a position attends to itself and to those before it only.
    dropout: the part of the attention weights left out in training, at least 0 and less than 1.
    bias:    whether there are b_in and b_out; they start at 0. Weights are Glorot uniform.
    """

    heads: int
    causal: bool = False
    dropout: float = 0.0
    bias: bool = True

    def __post_init__(self) -> None:
        check.count(self, "heads")
        check.choice(self, "causal", True, False)
        check.number(self, "dropout", at_least=0, less_than=1)
        check.choice(self, "bias", True, False)

    def setup(self, x: Tensor) -> None:
        """The four parameters; raises ValueError if the heads do not divide the features."""
        if x.ndim != 3 or 0 in x.shape[1:]:
            raise self.mismatch("(batch, length, features)", x)
        width = x.shape[-1]
        if width % self.heads:
            raise ValueError(
                f"{label(self)} cannot divide {width} features among {self.heads} heads"
            )
        self.W_in: Parameter = self.parameter("W_in", (width, 3 * width), GlorotUniform())
        self.W_out: Parameter = self.parameter("W_out", (width, width), GlorotUniform())
        if self.bias:
            self.b_in: Parameter = self.parameter("b_in", (3 * width,), Zeros(), "bias")
            self.b_out: Parameter = self.parameter("b_out", (width,), Zeros(), "bias")

    def forward(self, x: Tensor) -> Tensor:
        """The values of all heads, weighted by attention, then projected."""
        width = self.W_out.shape[0]
        if x.ndim != 3 or x.shape[-1] != width or not x.shape[1]:
            raise self.mismatch(f"(batch, length, {width})", x)
        batch, length, _ = x.shape
        projected = x @ self.W_in
        if self.bias:
            projected = projected + self.b_in
        heads = (batch, length, 3, self.heads, width // self.heads)
        parts = projected.reshape(heads).transpose(2, 0, 3, 1, 4)
        query, key, value = (parts[i] for i in range(3))
        seen = attention(query, key, value, causal=self.causal, dropout=self.dropout)
        y = seen.transpose(0, 2, 1, 3).reshape(batch, length, width) @ self.W_out
        return y + self.b_out if self.bias else y
