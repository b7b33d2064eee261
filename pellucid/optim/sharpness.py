"""Sharpness-aware minimisation: the gradient where the loss nearby is largest."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.graph.node import substituted
from pellucid.optim.lengths import length, scaled
from pellucid.optim.optimizer import Parameters
from pellucid.optim.wrapper import Wrapper


@dataclass(frozen=True)
class SharpnessAware(Wrapper):
    """The gradient where the loss nearby is largest: g = ∇L(W + ρ ∇L(W) / ‖∇L(W)‖).

    Sharpness-aware minimisation (Foret et al. 2021, eq. 2 and 3); ‖ ‖ is over all parameters. A
    step computes the loss twice, on the same batch and with the same draws.

    radius: ρ, more than 0; 0.05 by default.
    """

    radius: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "radius", more_than=0)

    def gradients(self, loss: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The gradients at the perturbed parameters."""
        gradients = self.optimizer.gradients(loss, parameters)
        size = length(gradients.values())
        scale = where(size.equal(0.0), 0.0, self.radius / where(size.equal(0.0), 1.0, size))
        moved = {
            path: (w + scaled(gradients[path], scale)).stop_gradient() + (w - w.stop_gradient())
            for path, w in parameters.items()
        }
        away = {parameters[path].node: tensor.node for path, tensor in moved.items()}
        return self.optimizer.gradients(Tensor(substituted(loss.node, away)), parameters)
