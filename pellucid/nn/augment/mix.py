"""Mixup and CutMix: examples mixed with others of the batch, and their targets with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid import check
from pellucid.graph import Array, Tensor, tensor, where
from pellucid.graph.dtype import INT32
from pellucid.nn.augment.base import Augmentation, ImageAugmentation, between, for_each
from pellucid.nn.augment.erase import box
from pellucid.nn.mode import ForwardPass

_STEPS = 1024


@dataclass(eq=False, repr=False)
class Mixup(Augmentation):
    """x_i ← λ_i x_i + (1 − λ_i) x_j, λ_i ~ Beta(α, α), j the next row (Zhang et al. 2018).

    The batch is shuffled already, so the next row (the first, after the last) is a random one. The
    loss of the pass is mixed alike, λ_i l(o_i, y_i) + (1 − λ_i) l(o_i, y_j): every `Loss` called
    in a training pass sees to that by itself; see `nn.mixed` for a function of one's own.

    alpha: α, more than 0: .2 for large sets, 1 (uniform λ) for CIFAR-10.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        check.number(self, "alpha", more_than=0)

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """Each row mixed with the next."""
        share = beta(draws, x, self.alpha)
        partner = next_rows(x.shape[0])
        draws.mix(partner, share)
        own = for_each(share, x)
        return x * own + x.take(partner) * (1.0 - own)


@dataclass(eq=False, repr=False)
class CutMix(ImageAugmentation):
    """A box of each image is that of the next one, and the targets are mixed by its area.

    Yun et al. 2019: λ ~ Beta(α, α), a box of √(1 − λ) of each side is centred at a random point and
    cut off at the borders, and λ becomes the part of the image outside of it. The loss is mixed as
    by `Mixup`.

    alpha: α, more than 0; the paper's is 1.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check.number(self, "alpha", more_than=0)

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """A box of each image from the next."""
        height, width = x.shape[1:3]
        side = (1.0 - beta(draws, x, self.alpha)).sqrt()
        rows, columns = (side * height).floor(), (side * width).floor()
        top = between(draws, x, 0, height).floor() - (rows * 0.5).floor()
        left = between(draws, x, 0, width).floor() - (columns * 0.5).floor()
        cut = box(x, top, left, rows, columns)
        partner = next_rows(x.shape[0])
        draws.mix(partner, 1.0 - cut.cast(x.dtype).mean((1, 2, 3)))
        return where(cut, x.take(partner), x)


def next_rows(count: int) -> Tensor:
    """1, 2, … count − 1, 0."""
    return tensor((np.arange(count) + 1) % count, INT32)


def beta(draws: ForwardPass, x: Tensor, alpha: float) -> Tensor:
    """A fresh number for each example from Beta(α, α), (batch,): a table of quantiles."""
    table = tensor(quantiles(alpha), x.dtype)
    at = between(draws, x, 0, _STEPS)
    low = at.floor()
    index = low.cast(INT32)
    rest = at - low
    return table.take(index) * (1.0 - rest) + table.take(index + 1) * rest


def quantiles(alpha: float, steps: int = _STEPS) -> Array:
    """The quantiles of Beta(α, α) at 0, 1/steps, … 1.

    The density is integrated over t = x^p, p = min(α, 1), in which it is t^(α/p − 1) (1 − x)^(α − 1)
    up to a factor: bounded from 0 to x = ½. The other half follows by symmetry.
    """
    power = min(alpha, 1.0)
    t = np.linspace(0.0, 0.5**power, 20_001)
    x = t ** (1.0 / power)
    # For α > 1 times 4^(α − 1), so that large powers do not vanish.
    value = ((1.0 - x) if alpha <= 1 else 4.0 * x * (1.0 - x)) ** (alpha - 1.0)
    total = np.concatenate([[0.0], np.cumsum((value[1:] + value[:-1]) * 0.5)])
    below = np.interp(np.arange(steps // 2 + 1) / steps, total / (2.0 * total[-1]), t)
    lower = below ** (1.0 / power)
    return np.concatenate([lower, 1.0 - lower[-2::-1]])
