"""The workloads in PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn

from benchmarks.steps.workloads import Array, Layer, Workload, batches, data, weights

MODES = ("eager", "fused", "compile")
functional = nn.functional
Kind = TypeVar("Kind", bound=nn.Module)


class _Shortcut(nn.Module):
    def __init__(self, features: int, stride: int) -> None:
        super().__init__()
        self.features, self.stride = features, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.features - x.shape[1]))


class _Residual(nn.Module):
    def __init__(self, path: nn.Module, way: nn.Module) -> None:
        super().__init__()
        self.path, self.way = path, way

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.path(x) + self.way(x)
        return outputs


class _Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) if x.ndim == 4 else x.mean(1)


class _Last(nn.Module):
    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last: torch.Tensor = self.lstm(x)[0][:, -1]
        return last


class _Block(nn.Module):
    """A pre-norm transformer block with exact GELU."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.qkv = nn.LayerNorm(width), nn.Linear(width, 3 * width)
        self.out, self.norm2 = nn.Linear(width, width), nn.LayerNorm(width)
        self.wide, self.back = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        parts = self.qkv(self.norm1(x)).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, width))
        hidden = functional.gelu(self.wide(self.norm2(x)))
        added: torch.Tensor = x + self.back(hidden)
        return added


def network(layers: Sequence[Layer], values: Iterator[Array]) -> nn.Sequential:
    """The layers with these values."""
    return nn.Sequential(*(_layer(name, settings, values) for name, *settings in layers))


def _layer(name: str, settings: list[Any], values: Iterator[Array]) -> nn.Module:
    if name == "linear":
        w = next(values)
        return _filled(nn.Linear(*w.shape), weight=w.T, bias=next(values))
    if name == "batchnorm":
        gamma = next(values)
        return _filled(_Norm(len(gamma)), weight=gamma, bias=next(values))
    if name == "conv":
        features, size, stride, pad, groups = settings
        w = next(values)
        made = nn.Conv2d(w.shape[2] * groups, features, size, stride, pad, groups=groups)
        return _filled(made, weight=w.transpose(3, 2, 0, 1), bias=next(values))
    if name == "downconv":
        w, (_, size, stride, pad) = next(values), settings
        down = nn.Conv2d(w.shape[2], w.shape[3], size, stride, pad, bias=False)
        return _filled(down, weight=w.transpose(3, 2, 0, 1))
    if name == "upconv":
        w, (_, size, stride, pad) = next(values), settings
        up = nn.ConvTranspose2d(w.shape[2], w.shape[3], size, stride, pad, bias=False)
        return _filled(up, weight=w.transpose(2, 3, 0, 1))
    if name == "lstm":
        x, h, b = next(values), next(values), next(values)
        lstm = nn.LSTM(x.shape[0], settings[0], batch_first=True)
        _filled(lstm, weight_ih_l0=x.T, weight_hh_l0=h.T, bias_ih_l0=b, bias_hh_l0=b * 0)
        # Trained too, its second bias would make the bias learn twice as fast as the others'.
        lstm.bias_hh_l0.requires_grad_(False)
        return _Last(lstm)
    if name == "transformer":
        return _transformer(settings[0], [next(values) for _ in range(12)])
    if name == "residual":
        path = network(settings[0], values)
        return _Residual(path, network(settings[1], values) if settings[1] else nn.Identity())
    plain: dict[str, Callable[..., nn.Module]] = {
        "relu": nn.ReLU,
        "dropout": nn.Dropout,
        "maxpool": nn.MaxPool2d,
        "flatten": _Flatten,
        "mean": _Mean,
        "shortcut": _Shortcut,
        "tanh": nn.Tanh,
        "leaky": nn.LeakyReLU,
        "reshape": _Reshape,
    }
    return plain[name](*settings)


class _Norm(nn.BatchNorm1d):
    """Batch norm over rows or images."""

    def _check_input_dim(self, input: torch.Tensor) -> None:  # noqa: A002
        pass


class _Flatten(nn.Module):
    """Places before channels, as the others flatten."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class _Reshape(nn.Module):
    """An image of a row, pixels before channels."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(len(x), *self.shape).permute(0, 3, 1, 2)


def _filled(module: Kind, **values: Array) -> Kind:
    with torch.no_grad():
        for name, value in values.items():
            getattr(module, name).copy_(torch.from_numpy(value.copy()))
    return module


def _transformer(heads: int, v: list[Array]) -> nn.Module:
    block = _Block(len(v[0]), heads)
    _filled(block.norm1, weight=v[0], bias=v[1])
    _filled(block.qkv, weight=v[2].T, bias=v[4])
    _filled(block.out, weight=v[3].T, bias=v[5])
    _filled(block.norm2, weight=v[6], bias=v[7])
    _filled(block.wide, weight=v[8].T, bias=v[9])
    _filled(block.back, weight=v[10].T, bias=v[11])
    return block


class Peer:
    """One workload in one of PyTorch's ways."""

    def __init__(self, work: Workload, mode: str, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.work = work
        values = iter(weights(work))
        self.net = network(work.layers, values)
        self.critic = network(work.against, values)
        x, y = data(work)
        self.x = torch.from_numpy(x)
        if x.ndim == 4:
            self.x = self.x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
            self.net = self.net.to(memory_format=torch.channels_last)
            self.critic = self.critic.to(memory_format=torch.channels_last)
        self.y = torch.from_numpy(y) if work.against else torch.from_numpy(y).long()
        self.fused = mode == "fused"
        self._make_optimizers()
        self.net.train(not work.predicts)
        compiled = mode == "compile"
        self.forward = torch.compile(self._loss) if compiled else self._loss
        self.generate = torch.compile(self.net) if compiled else self.net
        self.judge = torch.compile(self.critic) if compiled else self.critic

    def _make_optimizers(self) -> None:
        betas = self.work.beta1, 0.999
        adam = partial(torch.optim.Adam, lr=self.work.rate, betas=betas, fused=self.fused)
        self.adam = adam(self.net.parameters())
        self.critic_adam = adam(self.critic.parameters()) if self.work.against else None

    def double(self) -> None:
        """Compute in float64 from here on."""
        self.net.double()
        self.critic.double()
        self.x = self.x.double()
        self.y = self.y.double() if self.work.against else self.y
        self._make_optimizers()

    def _loss(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(self.net(self.x[rows]), self.y[rows])

    def run(self, steps: int) -> list[float]:
        """Train; returns the losses."""
        rows = torch.from_numpy(batches(self.work, steps)).long()
        if self.work.predicts:
            with torch.inference_mode():
                return [float(self.forward(row)) for row in rows]
        if self.work.against:
            return [float(loss) for loss in self._adversarial(rows)]
        losses: list[torch.Tensor] = []
        for step in range(steps):
            self.adam.zero_grad()
            loss = self.forward(rows[step])
            loss.backward()
            self.adam.step()
            losses.append(loss.detach())
        return [float(loss) for loss in losses]

    def _adversarial(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """The discriminator on real and made images, then the generator through it."""
        assert self.critic_adam is not None
        ones = torch.ones((self.work.batch, 1), dtype=self.x.dtype)
        zeros, loss = torch.zeros_like(ones), functional.binary_cross_entropy_with_logits
        losses: list[torch.Tensor] = []
        for row in rows:
            fake = self.generate(self.y[row])
            self.critic_adam.zero_grad()
            told = loss(self.judge(self.x[row]), ones) + loss(self.judge(fake.detach()), zeros)
            told.backward()
            self.critic_adam.step()
            self.adam.zero_grad()
            fooled = loss(self.judge(fake), ones)
            fooled.backward()
            self.adam.step()
            losses.append(told.detach() + fooled.detach())
        return losses

    def seconds(self, steps: int) -> float:
        """Seconds that so many steps take."""
        began = time.perf_counter()
        self.run(steps)
        return time.perf_counter() - began
