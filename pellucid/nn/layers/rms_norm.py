"""RMSNorm: each row divided by its root mean square."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.graph import Tensor
from pellucid.nn.initialise import Ones
from pellucid.nn.layers.norm import FeatureNorm, check_epsilon


@dataclass(eq=False, repr=False)
class RMSNorm(FeatureNorm):
    """γ x / √(mean x² + ε) over the features of each row: no mean is subtracted, and there is no β.

    Zhang & Sennrich 2019, eq. 4. x: (batch, …, features); γ: (features,), starting at 1.

    epsilon: added to the mean square, more than 0 and less than 1.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_epsilon(self)

    def setup(self, x: Tensor) -> None:
        """γ = 1 for x's features."""
        if x.ndim < 2:
            raise self.mismatch("(batch, …, features)", x)
        self.gamma = self.parameter("gamma", (x.shape[-1],), Ones(), "norm")

    def forward(self, x: Tensor) -> Tensor:
        """Each row at root mean square 1, then scaled."""
        self.check_features(x)
        x = x.real()
        return x * (x.square().mean(-1, keepdims=True) + self.epsilon).rsqrt() * self.gamma
