"""Convolutions and pooling against PyTorch: values, first and second gradients, and bad input."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from pellucid import nn
from pellucid.compile import Native
from pellucid.graph import Array, Graph, Reference, Tensor, grad, read
from pellucid.graph.node import State
from tests.by_torch import ByTorch, F, torch

Twin = Callable[..., "torch.Tensor"]


even_windows = pytest.mark.filterwarnings("ignore:Using padding='same'")


def channels_first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def kernel(w: torch.Tensor) -> torch.Tensor:
    """(*kernel, in, out) as PyTorch's (out, in, *kernel)."""
    rank = w.ndim - 2
    return w.permute(rank + 1, rank, *range(rank))


def compare(
    layer: nn.Module, shape: Sequence[int], twin: Twin, by_torch: ByTorch, tolerance: float = 1e-9
) -> None:
    """Values, gradients and gradients of gradients, in float64, by both executors."""
    dice = np.random.default_rng(0)
    # No two values alike, so that no maximum is tied.
    count = int(np.prod(shape))
    x = np.asarray(dice.permutation(count).reshape(shape) / count - 0.5)
    layer.build(x[:1], seed=1, dtype=np.float64)
    held = [p.state for _, p in layer.named_parameters()]
    for state in held:
        state.value = np.asarray(dice.normal(size=state.value.shape))
    given = State(x, "x")
    at = [read(given), *map(read, held)]
    y = layer(at[0])
    weights = dice.normal(size=y.shape)
    slopes = grad((y * weights).sum(), at)
    bends = grad(
        sum((s.square().sum() for s in slopes), start=Tensor(slopes[0].node).sum() * 0.0), at
    )
    outputs = {"y": y, **{f"g{i}": s for i, s in enumerate(slopes)}}
    outputs |= {f"h{i}": s for i, s in enumerate(bends)}
    graph = Graph({name: tensor.node for name, tensor in outputs.items()})

    expected = by_torch(partial(derivatives, twin), weights, x, *(state.value for state in held))
    for build in (Reference().build(graph), Native().build(graph)):
        found = build.run(1)
        for name, wanted in zip(outputs, expected, strict=True):
            scale = max(wanted.largest, 1e-3)
            wanted.check(found[name][0], tolerance, tolerance * scale, name)


def derivatives(twin: Twin, weights: torch.Tensor, *at: torch.Tensor) -> list[torch.Tensor]:
    """The twin's values, its gradients and the gradients of their squared length."""
    x, *parameters = (each.requires_grad_() for each in at)
    out = twin(channels_first(x), *parameters).movedim(1, -1)
    first = torch.autograd.grad((out * weights).sum(), at, create_graph=True)
    total = torch.stack([(s**2).sum() for s in first]).sum()
    second: Sequence[torch.Tensor | None] = [None] * len(at)
    if total.requires_grad:
        second = torch.autograd.grad(total, at, allow_unused=True)
    bends = [torch.zeros_like(x) if d is None else d for x, d in zip(at, second, strict=True)]
    return [out, *first, *bends]


@even_windows
@pytest.mark.parametrize("padding", [0, 1, "same", (2, 1)])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
def test_conv2d(padding: Any, stride: Any, by_torch: ByTorch) -> None:
    if padding == "same" and stride != 1:
        pytest.skip("PyTorch has no strided same padding; see test_same_padding")
    layer = nn.Conv2d(4, (3, 2), stride=stride, padding=padding)
    compare(
        layer, (2, 7, 6, 3), lambda x, w, b: F.conv2d(x, kernel(w), b, stride, padding), by_torch
    )


@pytest.mark.parametrize(("dilation", "groups"), [(2, 1), ((1, 2), 2), (1, 4), (2, 4)])
def test_conv2d_dilated_and_grouped(dilation: Any, groups: int, by_torch: ByTorch) -> None:
    layer = nn.Conv2d(8, 3, dilation=dilation, groups=groups, bias=False)
    compare(
        layer,
        (2, 8, 7, 4),
        lambda x, w: F.conv2d(x, kernel(w), dilation=dilation, groups=groups),
        by_torch,
    )


@pytest.mark.parametrize(("stride", "groups"), [(1, 1), (2, 1), (3, 2)])
def test_conv1d(stride: int, groups: int, by_torch: ByTorch) -> None:
    layer = nn.Conv1d(4, 5, stride=stride, padding=2, groups=groups)
    twin: Twin = lambda x, w, b: F.conv1d(x, kernel(w), b, stride, 2, groups=groups)  # noqa: E731
    compare(layer, (3, 11, 2), twin, by_torch)


@pytest.mark.parametrize(
    ("stride", "padding", "extra"), [(1, 0, 0), (2, 1, 1), ((2, 3), 0, 0), (2, 2, 0)]
)
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose2d(
    stride: Any, padding: int, extra: int, groups: int, by_torch: ByTorch
) -> None:
    layer = nn.ConvTranspose2d(
        6, 3, stride=stride, padding=padding, output_padding=extra, groups=groups
    )

    def twin(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        # Theirs is (in, out / groups, *kernel), with the inputs of all groups side by side.
        each = w.reshape(3, 3, 4 // groups, groups, 6 // groups)
        theirs = each.permute(3, 2, 4, 0, 1).reshape(4, 6 // groups, 3, 3)
        return F.conv_transpose2d(x, theirs, b, stride, padding, extra, groups)

    compare(layer, (2, 5, 4, 4), twin, by_torch)


@even_windows
def test_same_padding_gives_the_rounded_up_share(by_torch: ByTorch) -> None:
    for length, size, stride in itertools.product((5, 6, 7), (1, 2, 3, 4), (1, 2, 3)):
        layer = nn.Conv1d(2, size, stride=stride, padding="same")
        assert layer.build((length, 3))(np.zeros((1, length, 3), np.float32)).shape == (
            1,
            -(-length // stride),
            2,
        )
        if stride == 1:
            twin: Twin = lambda x, w, b: F.conv1d(x, kernel(w), b, padding="same")  # noqa: E731
            compare(nn.Conv1d(2, size, padding="same"), (2, length, 3), twin, by_torch)


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), 0)]
)
def test_pooling(size: Any, stride: Any, padding: int, by_torch: ByTorch) -> None:
    shape = (2, 8, 7, 3)
    compare(
        nn.MaxPool2d(size, stride, padding),
        shape,
        lambda x: F.max_pool2d(x, size, stride, padding),
        by_torch,
    )
    compare(
        nn.AveragePool2d(size, stride, padding),
        shape,
        lambda x: F.avg_pool2d(x, size, stride, padding),
        by_torch,
    )


def test_pooling_of_sequences(by_torch: ByTorch) -> None:
    compare(nn.MaxPool1d(3, 2), (2, 9, 4), lambda x: F.max_pool1d(x, 3, 2), by_torch)
    compare(nn.AveragePool1d(2), (2, 9, 4), lambda x: F.avg_pool1d(x, 2), by_torch)


def test_the_first_of_equal_values_wins(by_torch: ByTorch) -> None:
    x = np.array([[0, 1, 1, 1, 0, 0, 0, 1]], np.float32).reshape(1, 2, 4, 1)
    given = Tensor(read(State(x, "x")).node)
    mine = grad(nn.MaxPool2d(2)(given).sum(), [given])[0].numpy()

    def peer(x: torch.Tensor) -> list[torch.Tensor]:
        pooled = F.max_pool2d(channels_first(x.requires_grad_()), 2)
        return list(torch.autograd.grad(pooled.sum(), x))

    (expected,) = by_torch(peer, x)
    expected.check(mine)


def test_averages_over_all_places_and_over_grids(by_torch: ByTorch) -> None:
    compare(nn.GlobalAveragePool(), (2, 5, 4, 3), lambda x: x.mean((2, 3)), by_torch)
    for size in (1, 3, (2, 5)):
        compare(
            nn.AdaptiveAveragePool2d(size),
            (2, 7, 8, 3),
            lambda x, s=size: F.adaptive_avg_pool2d(x, s),
            by_torch,
        )


def test_the_largest_of_all_places_and_of_grids(by_torch: ByTorch) -> None:
    compare(nn.GlobalMaxPool(), (2, 5, 4, 3), lambda x: x.amax((2, 3)), by_torch)
    compare(nn.GlobalMaxPool(), (2, 7, 3), lambda x: x.amax(2), by_torch)
    for size in (1, 3, (2, 5)):
        compare(
            nn.AdaptiveMaxPool2d(size),
            (2, 7, 8, 3),
            lambda x, s=size: F.adaptive_max_pool2d(x, s),
            by_torch,
        )


@pytest.mark.parametrize(
    ("make", "shape", "part"),
    [
        (
            lambda: nn.Conv2d(4, 9),
            (8, 8, 3),
            r"covers 9 × 9, more than its padded input \(batch, 8, 8, 3\)",
        ),
        (lambda: nn.Conv2d(4), (8, 8), r"Conv2d.*\(batch, height, width, channels\)"),
        (lambda: nn.Conv2d(4, groups=2), (8, 8, 3), "3 channels into 2 groups"),
        (
            lambda: nn.MaxPool2d(9),
            (8, 8, 3),
            r"MaxPool2d.* window of 9 × 9, larger than .* 8, 8, 3\)",
        ),
        (lambda: nn.GlobalMaxPool(), (3,), "GlobalMaxPool"),
        (lambda: nn.AdaptiveMaxPool2d(), (8, 3), "AdaptiveMaxPool2d"),
        (lambda: nn.AveragePool2d(), (8, 3), "AveragePool2d"),
        (lambda: nn.GlobalAveragePool(), (3,), "GlobalAveragePool"),
    ],
)
def test_inputs_that_do_not_fit(make: Callable[[], nn.Module], shape: Any, part: str) -> None:
    net = nn.Sequential(body=nn.Sequential(make()))
    with pytest.raises(ValueError, match=part) as caught:
        net.build(shape)
    assert "body.0" in str(caught.value) + "".join(getattr(caught.value, "__notes__", []))


def test_channels_other_than_those_it_was_built_for() -> None:
    layer = nn.Conv2d(2).build((5, 5, 3))
    with pytest.raises(ValueError, match=r"Conv2d.*3.*\(batch, 5, 5, 4\)"):
        layer(np.zeros((1, 5, 5, 4), np.float32))


@pytest.mark.parametrize(
    ("make", "kind", "part"),
    [
        (lambda: nn.Conv2d(0), ValueError, "features"),
        (lambda: nn.Conv2d(4, 0), ValueError, "kernel_size"),
        (lambda: nn.Conv2d(4, (3, 3, 3)), ValueError, "kernel_size"),
        (lambda: nn.Conv2d(4, "3"), TypeError, "kernel_size"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(4, stride=0), ValueError, "stride"),
        (lambda: nn.Conv2d(4, padding="full"), ValueError, "padding"),
        (lambda: nn.Conv2d(4, padding=-1), ValueError, "padding"),
        (lambda: nn.Conv2d(4, groups=3), ValueError, "groups"),
        (lambda: nn.Conv1d(4, dilation=0), ValueError, "dilation"),
        (lambda: nn.ConvTranspose2d(4, stride=2, output_padding=2), ValueError, "output_padding"),
        (lambda: nn.MaxPool2d(0), ValueError, "size"),
        (lambda: nn.AdaptiveAveragePool2d(0), ValueError, "size"),
        (lambda: nn.AdaptiveMaxPool2d(0), ValueError, "size"),
    ],
)
def test_settings_out_of_range(make: Callable[[], Any], kind: type[Exception], part: str) -> None:
    with pytest.raises(kind, match=part):
        make()


def trained(net: nn.Module, x: Array, y: Array) -> None:
    """A step of training is the same by both executors."""
    from pellucid import optim
    from pellucid.train.steps.supervised import supervised_step

    net.build(x[:1], seed=0)
    step = supervised_step(net, nn.CrossEntropy(), optim.SGD(learning_rate=0.1), (x, y), 4, 0)
    feeds: dict[str, Array] = {
        "rows": np.arange(8, dtype=np.int32).reshape(2, 4),
        "learning_rate": np.full(2, 0.1, np.float32),
        "step": np.arange(2),
    }
    feeds = {name: feeds[name] for name in step.graph.inputs}
    before = {name: state.value.copy() for name, state in step.states.items()}
    losses = Reference().build(step.graph).run(2, feeds)["loss"]
    after = {name: state.value.copy() for name, state in step.states.items()}
    for name, state in step.states.items():
        state.value = before[name]
    np.testing.assert_allclose(Native().build(step.graph).run(2, feeds)["loss"], losses, rtol=1e-4)
    for name, state in step.states.items():
        np.testing.assert_allclose(state.value, after[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_a_small_network_trains_natively() -> None:
    dice = np.random.default_rng(0)
    x = dice.normal(size=(8, 8, 8, 3)).astype(np.float32)
    y = dice.integers(0, 3, 8).astype(np.int32)
    net = nn.Sequential(
        nn.Conv2d(8, padding="same", bias=False),
        nn.BatchNorm(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, groups=8, padding=1, stride=2),
        nn.ReLU(),
        nn.Conv2d(12, 1),
        nn.GlobalAveragePool(),
        nn.Linear(3),
    )
    trained(net, x, y)
