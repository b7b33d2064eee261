"""What a training step computes, for probes to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.graph import Tensor, grad
from pellucid.graph.once import once


@dataclass(frozen=True)
class StepTrace:
    """The tensors of one training step.

    loss:        the loss before the update, a scalar; the sum of the losses where there are several.
    outputs:     the output of each network at its last call, by the network's name ("" of a single
                 one).
    activations: the output of each layer by its path, such as "0" or "hidden.2"; a layer that is
                 called again appears as "hidden.2#2".
    parameters:  each parameter before the update, by path, such as "hidden.2.W".
    gradients:   ∂L/∂θ of each parameter that is trained, by path; of several updates in one step the
                 last.
    updates:     θ after the step minus θ before it, by path.
    """

    loss: Tensor
    outputs: Mapping[str, Tensor]
    activations: Mapping[str, Tensor]
    parameters: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]
    updates: Mapping[str, Tensor]

    @once
    def activation_gradients(self) -> Mapping[str, Tensor]:
        """∂L/∂a of each layer's output a, by path."""
        return grad(self.loss, dict(self.activations))
