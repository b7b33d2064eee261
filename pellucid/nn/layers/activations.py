"""Activations as layers; formulas and sources are in `functional`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn import functional
from pellucid.nn.initialise import HeNormal, Initializer, LeCunNormal
from pellucid.nn.module import Module, Transparent


@dataclass(eq=False, repr=False)
class Identity(Transparent):
    """x."""

    def forward(self, x: Tensor) -> Tensor:
        """The input itself."""
        return functional.identity(x)


@dataclass(eq=False, repr=False)
class Step(Module):
    """1 where x ≥ 0, else 0. Its gradient is 0, so nothing before it can learn by descent."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.step`."""
        return functional.step(x)


@dataclass(eq=False, repr=False)
class Sigmoid(Module):
    """σ(x) = 1 / (1 + e^−x)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.sigmoid`."""
        return functional.sigmoid(x)


@dataclass(eq=False, repr=False)
class Tanh(Module):
    """tanh x."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.tanh`."""
        return functional.tanh(x)


@dataclass(eq=False, repr=False)
class _Rectifier(Module):
    """Passes about half of its input's variance, which He initialisation makes up for."""

    def suited(self) -> Initializer | None:
        """He normal."""
        return HeNormal()


@dataclass(eq=False, repr=False)
class ReLU(_Rectifier):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.relu`."""
        return functional.relu(x)


@dataclass(eq=False, repr=False)
class ReLU6(_Rectifier):
    """min(max(x, 0), 6) (Krizhevsky 2010; Sandler et al. 2018)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.relu6`."""
        return functional.relu6(x)


@dataclass(eq=False, repr=False)
class LeakyReLU(Module):
    """x where x > 0, slope · x elsewhere. slope: at least 0."""

    slope: float = 0.01

    def __post_init__(self) -> None:
        check.number(self, "slope", at_least=0)

    def suited(self) -> Initializer | None:
        """He normal for this slope."""
        return HeNormal(self.slope)

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.leaky_relu`."""
        return functional.leaky_relu(x, self.slope)


@dataclass(eq=False, repr=False)
class GELU(_Rectifier):
    """x Φ(x). approximate: "none" or "tanh"."""

    approximate: Literal["none", "tanh"] = "none"

    def __post_init__(self) -> None:
        check.choice(self, "approximate", "none", "tanh")

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.gelu` and `functional.gelu_tanh`."""
        return functional.gelu(x) if self.approximate == "none" else functional.gelu_tanh(x)


@dataclass(eq=False, repr=False)
class SiLU(_Rectifier):
    """x σ(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.silu`."""
        return functional.silu(x)


@dataclass(eq=False, repr=False)
class Softplus(_Rectifier):
    """log(1 + e^x)."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.softplus`."""
        return functional.softplus(x)


@dataclass(eq=False, repr=False)
class ELU(_Rectifier):
    """x where x > 0, α (e^x − 1) elsewhere. alpha: at least 0."""

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check.number(self, "alpha", at_least=0)

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.elu`."""
        return functional.elu(x, self.alpha)


@dataclass(eq=False, repr=False)
class SELU(Module):
    """1.0507 · ELU(x, 1.6733)."""

    def suited(self) -> Initializer | None:
        """LeCun normal."""
        return LeCunNormal()

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.selu`."""
        return functional.selu(x)


@dataclass(eq=False, repr=False)
class Mish(_Rectifier):
    """x tanh(softplus(x))."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.mish`."""
        return functional.mish(x)


@dataclass(eq=False, repr=False)
class _OverAxis(Module):
    axis: int = -1

    def check_axis(self, x: Tensor) -> None:
        if not -x.ndim <= self.axis < x.ndim:
            raise self.mismatch(f"an input with an axis {self.axis}", x)
        if self.axis % x.ndim == 0:
            raise ValueError(f"{type(self).__name__} over axis {self.axis} would mix the batch")


@dataclass(eq=False, repr=False)
class Softmax(_OverAxis):
    """e^x_i / Σ_j e^x_j along `axis`. The cross-entropy loss takes logits: leave it out there."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.softmax`."""
        self.check_axis(x)
        return functional.softmax(x, self.axis)


@dataclass(eq=False, repr=False)
class LogSoftmax(_OverAxis):
    """x_i − log Σ_j e^x_j along `axis`."""

    def forward(self, x: Tensor) -> Tensor:
        """See `functional.log_softmax`."""
        self.check_axis(x)
        return functional.log_softmax(x, self.axis)
