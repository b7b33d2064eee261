"""Linear: the layer that every other is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.initialise import Initializer, Zeros
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter


@dataclass(eq=False, repr=False)
class Linear(Module):
    """y = xW + b, for each row x of the batch.

    The course writes y = Wx + b with x a column; here the examples are the rows of one matrix, so W
    is the transpose of the course's.

    x: (batch, …, in); y: (batch, …, features); W: (in, features); b: (features,).

    features:    the length of y, at least 1.
    bias:        whether there is a b; it starts at 0.
    initializer: of W; None chooses the one that suits the layer which follows (see `initialise`).
    """

    features: int
    bias: bool = True
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        check.count(self, "features")
        if not isinstance(self.bias, bool):
            raise TypeError(
                f"Linear bias is True or False, got {check.brief(self.bias)}; "
                "the number of inputs is inferred, so Linear takes the number of outputs only"
            )
        check.optional(self, "initializer", Initializer)

    def setup(self, x: Tensor) -> None:
        """W and b for inputs of x's last length."""
        if x.ndim < 2:
            raise self.mismatch("(batch, inputs)", x)
        shape = (x.shape[-1], self.features)
        self.W: Parameter = self.parameter("W", shape, self.chosen(self.initializer))
        if self.bias:
            self.b: Parameter = self.parameter("b", (self.features,), Zeros(), "bias")

    def forward(self, x: Tensor) -> Tensor:
        """XW + b."""
        inputs = self.W.shape[0]
        if x.ndim < 2 or x.shape[-1] != inputs:
            middle = ", ".join(["batch", *map(str, x.shape[1:-1]), str(inputs)])
            raise self.mismatch(f"({middle})", x)
        y = x @ self.W
        return y + self.b if self.bias else y
