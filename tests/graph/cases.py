"""For each op: examples, and PyTorch's way of computing the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.graph import Array, Tensor
from tests.by_torch import F, torch

_rng = np.random.default_rng(42)


@dataclass(frozen=True)
class Case:
    """One application of an op.

    own, torch: the same function of the inputs.
    inputs:     float64 arrays away from kinks, cast to float32 for the forward comparison.
    tolerance:  relative, float32 against float32.
    """

    op: str
    own: Callable[..., Tensor]
    torch: Callable[..., torch.Tensor]
    inputs: tuple[Array, ...]
    tolerance: float = 1e-6
    note: str = ""


def normal(*shape: int) -> Array:
    return _rng.standard_normal(shape)


def positive(*shape: int) -> Array:
    return _rng.uniform(0.2, 3.0, shape)


def apart(*shape: int) -> Array:
    """Distinct values, at least 0.05 apart and from 0: no ties and no kinks nearby."""
    count = int(np.prod(shape))
    values = (_rng.permutation(count) - count // 2 + 0.5) * 0.1
    return values.reshape(shape)


def _apply(op: str, **attrs: Any) -> Callable[..., Tensor]:
    return lambda *xs: Tensor(g.apply(op, [x.node for x in xs], **attrs))


def _unary(op: str, function: Callable[..., torch.Tensor], x: Array, tol: float = 1e-6) -> Case:
    return Case(op, _apply(op), function, (x,), tol)


def _binary(op: str, function: Callable[..., torch.Tensor], x: Array, y: Array) -> Case:
    return Case(op, _apply(op), function, (x, y))


_S = (3, 5)
_AWAY = apart(*_S)
_CONDITION = np.array([[True, False, True, False, True]] * 3)
_PLACES = np.array([[2, 0], [1, 2], [2, 2]])


def normal_density(x: torch.Tensor) -> torch.Tensor:
    """φ(x)."""
    return torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)


ELEMENTWISE = (
    _unary("exp", lambda x: torch.exp(x), normal(*_S), 2e-6),
    _unary("log", lambda x: torch.log(x), positive(*_S), 2e-6),
    _unary("log1p", lambda x: torch.log1p(x), positive(*_S) - 1.1, 2e-6),
    _unary("expm1", lambda x: torch.expm1(x), normal(*_S), 2e-6),
    _unary("sqrt", lambda x: torch.sqrt(x), positive(*_S)),
    _unary("rsqrt", lambda x: torch.rsqrt(x), positive(*_S)),
    _unary("sin", lambda x: torch.sin(x), normal(*_S)),
    _unary("cos", lambda x: torch.cos(x), normal(*_S)),
    _unary("tanh", lambda x: torch.tanh(x), normal(*_S)),
    _unary("sigmoid", lambda x: torch.sigmoid(x), normal(*_S)),
    _unary("relu", lambda x: torch.relu(x), _AWAY),
    _unary("erf", lambda x: torch.erf(x), normal(*_S)),
    _unary("normal_pdf", normal_density, normal(*_S), 2e-6),
    _unary("normal_cdf", lambda x: torch.special.ndtr(x), normal(*_S), 2e-6),
    _unary("gelu", lambda x: F.gelu(x), normal(*_S), 2e-6),
    _unary("floor", lambda x: torch.floor(x), normal(*_S)),
    _unary("neg", lambda x: torch.neg(x), normal(*_S)),
    _unary("abs", lambda x: torch.abs(x), _AWAY),
    _unary("sign", lambda x: torch.sign(x), _AWAY),
    _unary("square", lambda x: torch.square(x), normal(*_S)),
    _unary("stop_gradient", lambda x: torch.detach(x), normal(*_S)),
    _binary("add", lambda x, y: torch.add(x, y), normal(*_S), normal(*_S)),
    _binary("sub", lambda x, y: torch.sub(x, y), normal(*_S), normal(*_S)),
    _binary("mul", lambda x, y: torch.mul(x, y), normal(*_S), normal(*_S)),
    _binary("div", lambda x, y: torch.div(x, y), normal(*_S), positive(*_S)),
    _binary("pow", lambda x, y: torch.pow(x, y), positive(*_S), normal(*_S)),
    _binary("maximum", lambda x, y: torch.maximum(x, y), _AWAY[:, ::-1].copy(), _AWAY + 0.03),
    _binary("minimum", lambda x, y: torch.minimum(x, y), _AWAY[:, ::-1].copy(), _AWAY + 0.03),
    Case(
        "pow",
        lambda x: x**3,
        lambda x: x**3,
        (normal(*_S),),
        note="negative base, whole exponent",
    ),
    Case(
        "where",
        lambda x, y: g.where(_CONDITION, x, y),
        lambda x, y: torch.where(torch.tensor(_CONDITION), x, y),
        (normal(*_S), normal(*_S)),
    ),
    Case(
        "cast",
        lambda x: x.cast(np.float32).cast(x.dtype),
        lambda x: x.to(torch.float32).to(x.dtype),
        (np.round(normal(*_S) * 64) / 64,),
    ),
)
REDUCE = tuple(
    Case(op, own, other, (apart(3, 4, 5),), 1e-6, str(axes))
    for axes in ((0,), (1, 2), (0, 2), (0, 1, 2))
    for op, own, other in (
        ("sum", _apply("sum", axes=axes), lambda x, a=axes: x.sum(a, keepdim=True)),
        ("max", _apply("max", axes=axes), lambda x, a=axes: x.amax(a, keepdim=True)),
    )
)


def _torch_pad(x: torch.Tensor) -> torch.Tensor:
    """pad((1, 0), (2, 3), interior=(2, 1), value=0) of a (3, 4) matrix."""
    out = torch.zeros(1 + 7 + 2, 0 + 7 + 3, dtype=x.dtype)
    out[1:8:3, 0:7:2] = x
    return out


MOVEMENT = (
    Case("reshape", lambda x: x.reshape(2, -1), lambda x: x.reshape(2, -1), (normal(3, 4),)),
    Case(
        "transpose",
        lambda x: x.transpose(2, 0, 1),
        lambda x: x.permute(2, 0, 1),
        (normal(2, 3, 4),),
    ),
    Case(
        "broadcast",
        lambda x: x.broadcast_to((5, 3, 4)),
        lambda x: x.expand(5, 3, 4),
        (normal(3, 1),),
    ),
    Case("slice", lambda x: x[1:6:2, 1:], lambda x: x[1:6:2, 1:], (normal(7, 4),)),
    Case(
        "pad",
        lambda x: x.pad((1, 0), (2, 3), interior=(2, 1)),
        _torch_pad,
        (normal(3, 4),),
    ),
    Case("flip", lambda x: x.flip((0, 2)), lambda x: x.flip(0, 2), (normal(2, 3, 4),)),
    Case(
        "concatenate",
        lambda x, y: g.concatenate([x, y, x], 1),
        lambda x, y: torch.cat([x, y, x], 1),
        (normal(2, 3), normal(2, 4)),
    ),
)
PRODUCT = tuple(
    Case("matmul", lambda a, b: a @ b, lambda a, b: a @ b, (normal(*a), normal(*b)), 1e-5, note)
    for note, a, b in (
        ("matrices", (3, 4), (4, 5)),
        ("vectors", (4,), (4,)),
        ("matrix, vector", (3, 4), (4,)),
        ("vector, matrix", (4,), (4, 5)),
        ("batches", (2, 3, 4), (2, 4, 5)),
        ("batch, matrix", (2, 3, 4), (4, 5)),
        ("matrix, batch", (3, 4), (2, 4, 5)),
        ("broadcast batches", (2, 1, 3, 4), (3, 4, 5)),
        ("batch, vector", (2, 3, 4), (4,)),
        ("vector, batch", (4,), (2, 4, 5)),
        ("nothing to sum", (3, 0), (0, 2)),
    )
)


def _torch_scatter(x: torch.Tensor) -> torch.Tensor:
    """Along axis 1 by a (3, 2) index, to length 4."""
    out = torch.zeros(2, 4, 5, dtype=x.dtype)
    return out.index_add(1, torch.tensor(_PLACES.reshape(-1)), x.reshape(2, 6, 5))


INDEX = (
    Case(
        "take",
        lambda x: x.take(_PLACES, 1),
        lambda x: x[:, torch.tensor(_PLACES)],
        (normal(2, 3, 5),),
    ),
    Case(
        "scatter_add",
        lambda x: x.scatter_add(_PLACES, 4, 1),
        _torch_scatter,
        (normal(2, 3, 2, 5),),
    ),
)


def _channels_first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def _torch_convolve(rank: int, **settings: Any) -> Callable[..., torch.Tensor]:
    """PyTorch's convolution with channels last and kernels (*kernel, channels, outputs)."""

    def apply(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        kernel = w.permute(rank + 1, rank, *range(rank))
        function = {1: F.conv1d, 2: F.conv2d}[rank]
        return function(_channels_first(x), kernel, **settings).movedim(1, -1)

    return apply


def _convolution(note: str, x: Array, w: Array, **settings: Any) -> Case:
    def own(x: Tensor, w: Tensor) -> Tensor:
        return g.convolve(x, w, **settings)

    op = "windows" if settings.get("groups", 1) == x.shape[-1] else "convolve"
    return Case(op, own, _torch_convolve(x.ndim - 2, **settings), (x, w), 1e-5, note)


WINDOWS = (
    Case(
        "windows",
        lambda x: g.windows(x, 3, 2),
        lambda x: x.unfold(1, 3, 2),
        (normal(2, 8, 3),),
        note="along one axis",
    ),
    Case(
        "windows",
        lambda x: g.windows(x, (2, 3), (1, 2), (2, 1)),
        lambda x: x.unfold(1, 3, 1)[..., ::2].unfold(2, 3, 2),
        (normal(2, 5, 7, 2),),
        note="two axes, one dilated",
    ),
    _convolution("one axis", normal(2, 9, 3), normal(3, 3, 4)),
    _convolution("two axes", normal(2, 6, 5, 3), normal(3, 2, 3, 4)),
    _convolution("stride", normal(2, 8, 7, 3), normal(3, 3, 3, 4), stride=(2, 3)),
    _convolution("long stride", normal(2, 9, 3), normal(2, 3, 4), stride=3),
    _convolution("dilation", normal(2, 9, 8, 2), normal(3, 2, 2, 3), dilation=(2, 3)),
    _convolution("both", normal(1, 11, 2), normal(3, 2, 3), stride=2, dilation=2),
    _convolution("groups", normal(2, 6, 6, 4), normal(3, 3, 2, 6), groups=2),
    _convolution("each channel", normal(2, 6, 6, 4), normal(3, 3, 1, 8), groups=4, stride=2),
    _convolution("one place", normal(2, 3, 3, 2), normal(3, 3, 2, 5)),
    _convolution("kernel of one", normal(2, 4, 4, 3), normal(1, 1, 3, 2), stride=2),
)
CASES = (*ELEMENTWISE, *REDUCE, *MOVEMENT, *PRODUCT, *INDEX, *WINDOWS)
