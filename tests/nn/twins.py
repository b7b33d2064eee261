"""Networks of layers as PyTorch computes them: the same structure, walked with its functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pellucid import nn
from tests.by_torch import F, torch

Weights = Mapping[str, "torch.Tensor"]
Step = Callable[["torch.Tensor"], "torch.Tensor"]


class InTraining(nn.Module):
    """A network in training mode wherever it is called."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def forward(self, x: Any) -> Any:
        with nn.training():
            return self.net(x)


def twin(net: nn.Module, path: str = "") -> Callable[[torch.Tensor, Weights], torch.Tensor]:
    """The function of (x, weights) that the network is; batch norm by the batch."""

    def run(x: torch.Tensor, w: Weights) -> torch.Tensor:
        return _walk(net, path, w)(x)

    return run


def _walk(layer: Any, path: str, w: Weights) -> Step:
    start = f"{path}." if path else ""
    if isinstance(layer, nn.Sequential):
        steps = [_walk(part, f"{start}{name}", w) for name, part in layer.layers.items()]

        def through(x: torch.Tensor) -> torch.Tensor:
            for step in steps:
                x = step(x)
            return x

        return through
    if isinstance(layer, nn.Residual):
        block = _walk(layer.block, f"{start}block", w)
        way = layer.projection and _walk(layer.projection, f"{start}projection", w)
        return lambda x: block(x) + (way(x) if way else x)
    return lambda x: _LAYERS[type(layer)](layer, x, {k: w.get(start + k) for k in _NAMES})


_NAMES = ("W", "b", "gamma", "beta")


def _conv(layer: Any, x: torch.Tensor, at: Any) -> torch.Tensor:
    kernel = at["W"].permute(3, 2, 0, 1)
    padding = layer.padding if layer.padding != "valid" else 0
    y = F.conv2d(x.movedim(-1, 1), kernel, at["b"], layer.stride, padding, groups=layer.groups)
    return y.movedim(1, -1)


def _norm(layer: Any, x: torch.Tensor, at: Any) -> torch.Tensor:
    flat = x.reshape(-1, x.shape[-1])
    y = F.batch_norm(flat, None, None, at["gamma"], at["beta"], training=True, eps=layer.epsilon)
    return y.reshape(x.shape)


def _pool(function: str) -> Any:
    def run(layer: Any, x: torch.Tensor, at: Any) -> torch.Tensor:
        padding = 0 if layer.padding == "valid" else layer.padding
        y = getattr(F, function)(x.movedim(-1, 1), layer.size, layer.stride, padding)
        return y.movedim(1, -1)

    return run


def _padded(layer: Any, x: torch.Tensor, at: Any) -> torch.Tensor:
    seen = x[:, :: layer.stride, :: layer.stride]
    return F.pad(seen, (0, layer.features - x.shape[-1]))


_LAYERS: dict[type[nn.Module], Callable[[Any, torch.Tensor, Any], torch.Tensor]] = {
    nn.BatchNorm: _norm,
    nn.Conv2d: _conv,
    nn.Linear: lambda layer, x, at: x @ at["W"] + at["b"],
    nn.ReLU: lambda layer, x, at: F.relu(x),
    nn.ReLU6: lambda layer, x, at: F.relu6(x),
    nn.Tanh: lambda layer, x, at: torch.tanh(x),
    nn.Flatten: lambda layer, x, at: x.reshape(len(x), -1),
    nn.GlobalAveragePool: lambda layer, x, at: x.mean((1, 2)),
    nn.MaxPool2d: _pool("max_pool2d"),
    nn.AveragePool2d: _pool("avg_pool2d"),
    nn.PaddedShortcut: _padded,
    nn.Dropout: lambda layer, x, at: x,
}
