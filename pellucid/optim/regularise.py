"""Regularisers: penalties and constraints on weights, as a wrapper of any optimizer."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, maximum
from pellucid.optim.decay import decays
from pellucid.optim.lengths import lengths, scaled
from pellucid.optim.optimizer import Parameters, Slots, Updates
from pellucid.optim.wrapper import Wrapper, moved


@dataclass(frozen=True)
class Regularised(Wrapper):
    """An optimizer with penalties on weights; on biases and norms too if `everything`.

    L1      λ₁ ‖W‖₁,₁: adds λ₁ sign(W) to the gradient, or with `proximal` shrinks every weight by
            ηλ₁ towards 0 after the step, which leaves exact zeros (Daubechies et al. 2004)
    L2      λ₂ ‖W‖_F² / 2: adds λ₂W to the gradient; both together are the elastic net (Zou & Hastie
            2005)
    decay   W ← (1 − ηλ) W after the step, apart from the gradient (Loshchilov & Hutter 2019)
    max     each column of W (what feeds one unit) is scaled to at most this length (Srebro et al.
            2005)

    l1, l2, decay: at least 0. max_norm: more than 0, None for none.
    """

    l1: float = 0.0
    l2: float = 0.0
    decay: float = 0.0
    max_norm: float | None = None
    proximal: bool = False
    everything: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("l1", "l2", "decay"):
            check.number(self, name, at_least=0)
        if self.max_norm is not None:
            check.number(self, "max_norm", more_than=0)
        check.choice(self, "proximal", True, False)
        check.choice(self, "everything", True, False)

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """Penalised gradients, the step inside, then decay, shrinking and the constraint."""
        chosen = {p for p, w in parameters.items() if decays(w, self.everything)}
        penalised = {
            path: self._penalised(parameters[path], g) if path in chosen else g
            for path, g in gradients.items()
        }
        updates = self.optimizer.update(parameters, penalised, slots, learning_rate, step)
        for path, (state, after) in moved(parameters, updates).items():
            if path in chosen:
                updates[state] = self._after(parameters[path], after, learning_rate).node
        return updates

    def _penalised(self, w: Tensor, g: Tensor) -> Tensor:
        if self.l2:
            g = g + w * self.l2
        return g + w.sign() * self.l1 if self.l1 and not self.proximal else g

    def _after(self, w: Tensor, after: Tensor, learning_rate: Tensor) -> Tensor:
        rate = learning_rate.cast(w.dtype)
        if self.decay:
            after = after - w * (rate * self.decay)
        if self.l1 and self.proximal:
            after = after.sign() * maximum(after.abs() - rate * self.l1, 0.0)
        if self.max_norm is not None:
            axes = tuple(range(max(after.ndim - 1, 1)))
            size = lengths(after, axes)
            after = scaled(after, self.max_norm / maximum(size, self.max_norm))
        return after
