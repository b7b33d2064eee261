"""Normalisation: activations brought to mean 0 and variance 1, then scaled and shifted.

Features are the last axis. γ and β have the role "norm", so regularisers leave them alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid import check
from pellucid.graph import Tensor
from pellucid.graph.reductions import moments
from pellucid.nn.initialise import Ones, Zeros
from pellucid.nn.mode import ForwardPass, forward_pass, training_pass
from pellucid.nn.module import Module, Transparent
from pellucid.nn.parameter import Buffer, Parameter


def check_epsilon(part: Module) -> None:
    """Raise unless `part.epsilon` is small, so that a number of features does not pass for it."""
    try:
        check.number(part, "epsilon", more_than=0, less_than=1)
    except ValueError as error:
        raise ValueError(
            f"{error}; the number of features is inferred, so it is left out"
        ) from None


@dataclass(eq=False, repr=False)
class FeatureNorm(Transparent, abstract=True):
    """The base of layers that scale and shift each feature after normalising."""

    def setup(self, x: Tensor) -> None:
        """γ = 1 and β = 0 for x's features."""
        if x.ndim < 2:
            raise self.mismatch("(batch, …, features)", x)
        features = (x.shape[-1],)
        self.gamma: Parameter = self.parameter("gamma", features, Ones(), "norm")
        self.beta: Parameter = self.parameter("beta", features, Zeros(), "norm")

    def check_features(self, x: Tensor) -> None:
        """Raise ValueError unless x has as many features as γ."""
        features = self.gamma.shape[0]
        if x.ndim < 2 or x.shape[-1] != features:
            middle = ", ".join(["batch", *map(str, x.shape[1:-1]), str(features)])
            raise self.mismatch(f"({middle})", x)


@dataclass(eq=False, repr=False)
class LayerNorm(FeatureNorm):
    """γ (x − mean) / √(variance + ε) + β over the features of each row (Ba et al. 2016).

    epsilon: added to the variance, more than 0 and less than 1.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_epsilon(self)

    def forward(self, x: Tensor) -> Tensor:
        """Each row normalised."""
        self.check_features(x)
        rest, _, variance = moments(x, x.ndim - 1)
        return rest * (variance + self.epsilon).rsqrt() * self.gamma + self.beta


@dataclass(eq=False, repr=False)
class BatchNorm(FeatureNorm):
    """γ (x − mean) / √(variance + ε) + β, feature by feature (Ioffe & Szegedy 2015).

    In training the mean and variance are those of the batch (and of all axes but the last), and the
    running ones move: running ← (1 − momentum) running + momentum · batch, with the variance of the
    batch divided by n − 1, as in PyTorch. In evaluation the running ones are used, so the result
    for a row does not depend on the rows beside it. Needs 2 values of each feature in training.

    momentum: how far running statistics move each step, more than 0 and at most 1.
    epsilon:  added to the variance, more than 0 and less than 1.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if isinstance(self.momentum, int) and self.momentum > 1:
            raise ValueError(
                f"BatchNorm momentum is more than 0 and at most 1, got {check.brief(self.momentum)}; "
                "the number of features is inferred, so it is left out"
            )
        check.number(self, "momentum", more_than=0, at_most=1)
        check_epsilon(self)

    def setup(self, x: Tensor) -> None:
        """γ, β, and running statistics of mean 0 and variance 1."""
        super().setup(x)
        features = x.shape[-1]
        self.running_mean: Buffer = self.buffer("running_mean", np.zeros(features))
        self.running_variance: Buffer = self.buffer("running_variance", np.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """Each feature normalised, by the batch in training and by the running statistics else."""
        self.check_features(x)
        current = training_pass()
        if current is None:
            mean, variance = _now(self.running_mean), _now(self.running_variance)
            return (x - mean) * (self.gamma * (variance + self.epsilon).rsqrt()) + self.beta
        axes = tuple(range(x.ndim - 1))
        count = math.prod(x.shape[:-1])
        if count < 2:
            raise self.mismatch(
                "2 rows or more in training, to have a variance (GroupNorm takes one)", x
            )
        rest, mean, variance = moments(x, axes)
        self._move(current, self.running_mean, mean)
        self._move(current, self.running_variance, variance * (count / (count - 1)))
        return rest * (variance + self.epsilon).rsqrt() * self.gamma + self.beta

    def _move(self, current: ForwardPass, running: Buffer, batch: Tensor) -> None:
        before = current.current(running.state)
        batch = batch.reshape(running.shape).cast(running.dtype)
        momentum = current.momentum
        share = self.momentum if momentum is None else momentum.cast(running.dtype)
        after = before * (1.0 - share) + batch * share
        current.updates[running.state] = after.node


def _now(running: Buffer) -> Tensor:
    """A running statistic as it is, in a step with what the step has made of it."""
    seen = forward_pass()
    if seen is None or seen.around is None:
        return running
    return seen.current(running.state).stop_gradient()
