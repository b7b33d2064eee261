"""PReLU: a rectifier whose slope is learned."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.nn.initialise import Constant, HeNormal, Initializer
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter


@dataclass(eq=False, repr=False)
class PReLU(Module):
    """x where x > 0, a · x elsewhere, with a learned for each feature (He et al. 2015, "Delving").

    x, y: (batch, …, features); a: (features,), of the role "norm", since decay would make it a ReLU.

    start: of every a, at least 0.
    """

    start: float = 0.25

    def __post_init__(self) -> None:
        check.number(self, "start", at_least=0)

    def suited(self) -> Initializer | None:
        """He normal for the slope at the start."""
        return HeNormal(self.start)

    def setup(self, x: Tensor) -> None:
        """A slope for each of x's features."""
        if x.ndim < 2:
            raise self.mismatch("(batch, …, features)", x)
        self.a: Parameter = self.parameter("a", (x.shape[-1],), Constant(self.start), "norm")

    def forward(self, x: Tensor) -> Tensor:
        """Both sides; at 0 the derivative is that of the negative side, as in PyTorch."""
        features = self.a.shape[0]
        if x.ndim < 2 or x.shape[-1] != features:
            middle = ", ".join(["batch", *map(str, x.shape[1:-1]), str(features)])
            raise self.mismatch(f"({middle})", x)
        return where(x > 0.0, x, x * self.a)
