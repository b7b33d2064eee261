"""Networks that several tests use."""

from __future__ import annotations

from pellucid import nn
from pellucid.graph import Tensor


def small() -> nn.Sequential:
    return nn.Sequential(
        hidden=nn.Sequential(nn.Linear(8), nn.BatchNorm(), nn.ReLU()), output=nn.Linear(2)
    )


class Own(nn.Module):
    """A network of one's own, with layers in a list, a dict, and a parameter."""

    def __init__(self) -> None:
        self.blocks = [nn.Linear(4), nn.Linear(4)]
        self.heads = {"left": nn.Linear(1), "right": nn.Linear(1)}
        self.scale = nn.Parameter(2.0, name="scale")

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x).tanh()
        return (self.heads["left"](x) + self.heads["right"](x)) * self.scale
