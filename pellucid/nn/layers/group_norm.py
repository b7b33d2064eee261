"""GroupNorm and InstanceNorm: channels normalised within each example, apart from the batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor
from pellucid.graph.reductions import moments
from pellucid.nn.layers.norm import FeatureNorm, check_epsilon
from pellucid.nn.scope import label


@dataclass(eq=False, repr=False)
class GroupNorm(FeatureNorm):
    """γ (x − mean) / √(variance + ε) + β over each group of channels (Wu & He 2018, eq. 2 to 7).

    The mean and variance of an example are those of one group's channels at all positions, so they do
    not depend on the batch, and training and evaluation do the same.

    x: (batch, …, channels), channels a multiple of the groups; γ, β: (channels,). A group needs 2
    values or more.

    groups:  1 normalises all channels together; as many as channels is `InstanceNorm`.
    epsilon: added to the variance, more than 0 and less than 1.
    """

    groups: int = 32
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check.count(self, "groups")
        check_epsilon(self)

    def setup(self, x: Tensor) -> None:
        """γ and β; raises ValueError if the groups do not divide the channels."""
        super().setup(x)
        if x.shape[-1] % self.groups:
            raise ValueError(
                f"{label(self)} cannot divide {x.shape[-1]} channels into {self.groups} groups "
                "of one size"
            )

    def forward(self, x: Tensor) -> Tensor:
        """Each group normalised, then each channel scaled and shifted."""
        self.check_features(x)
        return normalised(self, x, self.groups, self.epsilon) * self.gamma + self.beta


@dataclass(eq=False, repr=False)
class InstanceNorm(FeatureNorm):
    """γ (x − mean) / √(variance + ε) + β over all positions of one channel (Ulyanov et al. 2016).

    x: (batch, …, channels) with 2 positions or more; γ, β: (channels,). The mean and variance are of
    each example and channel alone, so training and evaluation do the same.

    epsilon: added to the variance, more than 0 and less than 1.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_epsilon(self)

    def forward(self, x: Tensor) -> Tensor:
        """Each channel normalised, scaled and shifted."""
        self.check_features(x)
        return normalised(self, x, x.shape[-1], self.epsilon) * self.gamma + self.beta


def normalised(layer: FeatureNorm, x: Tensor, groups: int, epsilon: float) -> Tensor:
    """(x − mean) / √(variance + ε) of each example's groups of channels; ValueError for 1 value."""
    positions = math.prod(x.shape[1:-1])
    size = x.shape[-1] // groups if groups else 0
    if positions * size < 2:
        raise layer.mismatch("2 values or more in each group, to have a variance", x)
    parts = x.reshape(x.shape[0], positions, groups, size)
    rest, _, variance = moments(parts, (1, 3))
    return (rest * (variance + epsilon).rsqrt()).reshape(x.shape)
