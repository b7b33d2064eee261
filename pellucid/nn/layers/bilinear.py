"""Bilinear: products of two vectors' features."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.initialise import Initializer, Zeros
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter
from pellucid.nn.scope import shape_text


@dataclass(eq=False, repr=False)
class Bilinear(Module):
    """y_k = Σ_ij l_i W_ijk r_j + b_k with l = left(x) and r = right(x).

    l: (batch, …, in1); r: (batch, …, in2), the other axes the same; y: (batch, …, features);
    W: (in1, in2, features), PyTorch's with the axes 2, 3, 1; b: (features,), starting at 0.

    features:    the length of y.
    left, right: what is made of x first, such as `Columns`; None takes x itself.
    bias:        whether there is a b.
    initializer: of W; None chooses the one that suits the layer which follows.
    """

    features: int
    left: Module | None = None
    right: Module | None = None
    bias: bool = True
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        check.count(self, "features")
        check.choice(self, "bias", True, False)
        for name, part in (("left", self.left), ("right", self.right)):
            if part is not None and not isinstance(part, Module):
                raise TypeError(f"Bilinear {name} is a module or None, got {check.brief(part)}")
        check.optional(self, "initializer", Initializer)

    def setup(self, x: Tensor) -> None:
        """W and b for what the two sides make of x."""
        left, right = self.sides(x)
        shape = (left.shape[-1], right.shape[-1], self.features)
        self.W: Parameter = self.parameter("W", shape, self.chosen(self.initializer))
        if self.bias:
            self.b: Parameter = self.parameter("b", (self.features,), Zeros(), "bias")

    def sides(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """l and r; raises ValueError unless they differ in the last axis only."""
        left = x if self.left is None else self.left(x)
        right = x if self.right is None else self.right(x)
        if left.ndim < 2 or left.shape[:-1] != right.shape[:-1]:
            raise self.mismatch(
                f"sides of one shape but for the last axis, left being {shape_text(left.shape)} "
                f"and right {shape_text(right.shape)}",
                x,
            )
        return left, right

    def forward(self, x: Tensor) -> Tensor:
        """The products of every pair of features, then one matrix product."""
        left, right = self.sides(x)
        first, second, _ = self.W.shape
        if (left.shape[-1], right.shape[-1]) != (first, second):
            raise self.mismatch(f"sides of {first} and {second} features", x)
        left, right = left.real(), right.real()
        pairs = left.expand_dims(-1) * right.expand_dims(-2)
        flat = pairs.reshape(*left.shape[:-1], first * second)
        y = flat @ self.W.reshape(first * second, self.features)
        return y + self.b if self.bias else y
