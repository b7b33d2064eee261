"""Branches, dense connections, bilinear layers, upsampling and ready perceptrons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import nn
from pellucid.graph import Array
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import Peer, Weights, check_layer, check_native

RNG = np.random.default_rng(9)
ROWS = RNG.normal(size=(4, 5))
IMAGES = RNG.normal(size=(2, 3, 4, 2))
SEQUENCES = RNG.normal(size=(2, 3, 4))


def bilinear(x: torch.Tensor, w: Weights) -> torch.Tensor:
    weight = w["W"].permute(2, 0, 1)
    return F.bilinear(x[..., :2].contiguous(), x[..., 2:].contiguous(), weight, w["b"])


def resized(mode: str, factor: int) -> Peer:
    corners = None if mode == "nearest" else False

    def peer(x: torch.Tensor, w: Weights) -> torch.Tensor:
        moved = x.movedim(-1, 1)
        y = F.interpolate(moved, scale_factor=factor, mode=mode, align_corners=corners)
        return y.movedim(1, -1)

    return peer


def dense(x: torch.Tensor, w: Weights) -> torch.Tensor:
    one = torch.cat([x, torch.tanh(x @ w["0.block.0.W"] + w["0.block.0.b"])], -1)
    return torch.cat([one, one @ w["1.block.W"] + w["1.block.b"]], -1)


def mlp(x: torch.Tensor, w: Weights) -> torch.Tensor:
    for i in (0, 3):
        x = x @ w[f"hidden.{i}.W"] + w[f"hidden.{i}.b"]
        norm = f"hidden.{i + 1}"
        x = torch.tanh(F.layer_norm(x, (x.shape[1],), w[f"{norm}.gamma"], w[f"{norm}.beta"]))
    return x @ w["output.W"] + w["output.b"]


def residual_mlp(x: torch.Tensor, w: Weights) -> torch.Tensor:
    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ w[f"{name}.W"] + w[f"{name}.b"]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (6,), w[f"{name}.gamma"], w[f"{name}.beta"])

    x = linear(x, "input")
    for i in range(2):
        block = f"blocks.{i}.block"
        inner = torch.tanh(linear(norm(x, f"{block}.0"), f"{block}.1"))
        x = x + linear(inner, f"{block}.3")
    return linear(torch.tanh(norm(x, "head.0")), "output")


CASES: dict[str, tuple[Callable[[], nn.Module], Peer, Array]] = {
    "parallel": (
        lambda: nn.Parallel(nn.Linear(3), nn.Tanh(), last=nn.Columns(-1)),
        lambda x, w: torch.cat([x @ w["0.W"] + w["0.b"], torch.tanh(x), x[:, -1:]], -1),
        ROWS,
    ),
    "sum": (
        lambda: nn.Sum(left=nn.Linear(3), right=nn.Sequential(nn.Linear(3), nn.Tanh())),
        lambda x, w: (
            (x @ w["left.W"] + w["left.b"]) + torch.tanh(x @ w["right.0.W"] + w["right.0.b"])
        ),
        ROWS,
    ),
    "dense": (
        lambda: nn.Sequential(
            nn.DenseConnection(nn.Sequential(nn.Linear(3), nn.Tanh())),
            nn.DenseConnection(nn.Linear(2)),
        ),
        dense,
        ROWS,
    ),
    "bilinear": (lambda: nn.Bilinear(3, nn.Columns(0, 2), nn.Columns(2)), bilinear, ROWS),
    "bilinear in sequences": (
        lambda: nn.Bilinear(3, nn.Columns(0, 2), nn.Columns(2, 4)),
        bilinear,
        SEQUENCES,
    ),
    "quadratic": (
        lambda: nn.Bilinear(2, bias=False),
        lambda x, w: torch.einsum("ni,ijk,nj->nk", x, w["W"], x),
        ROWS,
    ),
    "reshape": (lambda: nn.Reshape((4, -1)), lambda x, w: x.reshape(2, 4, 6), IMAGES),
    "sequence of places": (
        lambda: nn.Sequential(nn.Reshape((-1, 2)), nn.Linear(3)),
        lambda x, w: x.reshape(2, 12, 2) @ w["1.W"] + w["1.b"],
        IMAGES,
    ),
    "learned slopes": (nn.PReLU, lambda x, w: F.prelu(x, w["a"]), ROWS),
    "learned slopes of images": (
        nn.PReLU,
        lambda x, w: F.prelu(x.movedim(-1, 1), w["a"]).movedim(1, -1),
        IMAGES,
    ),
    "nearest": (lambda: nn.Upsample(2), resized("nearest", 2), IMAGES),
    "nearest 3": (lambda: nn.Upsample(3), resized("nearest", 3), IMAGES),
    "nearest of sequences": (lambda: nn.Upsample(2), resized("nearest", 2), SEQUENCES),
    "linear": (lambda: nn.Upsample(2, "linear"), resized("bilinear", 2), IMAGES),
    "linear 3": (lambda: nn.Upsample(3, "linear"), resized("bilinear", 3), IMAGES),
    "linear of sequences": (lambda: nn.Upsample(4, "linear"), resized("linear", 4), SEQUENCES),
    "mlp": (lambda: nn.MLP([6, 4], 2, activation="tanh", norm="layer"), mlp, ROWS),
    "residual mlp": (
        lambda: nn.ResidualMLP(6, 2, 3, inner=7, activation="tanh", norm="layer"),
        residual_mlp,
        ROWS,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    make, peer, x = CASES[name]
    check_layer(make(), peer, x, by_torch)


NATIVE: dict[str, tuple[Callable[[], nn.Module], Array]] = {
    **{name: (make, x) for name, (make, _, x) in CASES.items()},
    "mlp with all": (
        lambda: nn.MLP([6], 2, activation="selu", norm="batch", dropout=0.3, input_dropout=0.1),
        ROWS,
    ),
    "residual mlp with all": (lambda: nn.ResidualMLP(6, 2, 3, dropout=0.2), ROWS),
    "embedded columns": (lambda: embedded(), np.concatenate([RNG.integers(0, 4, (4, 1)), ROWS], 1)),
}


def embedded() -> nn.Sequential:
    """A table whose first column is a category."""
    category = nn.Sequential(nn.Columns(0, 1), nn.Embedding(4, 3), nn.Flatten())
    return nn.Sequential(nn.Parallel(category, nn.Columns(1)), nn.Linear(2))


@pytest.mark.parametrize("name", NATIVE)
def test_runs_natively(name: str) -> None:
    make, x = NATIVE[name]
    # Before a norm biases change nothing; of their second derivatives only rounding would be compared.
    check_native(make(), x, twice=not name.endswith("with all"))


def test_an_mlp_of_no_hidden_layers_is_linear() -> None:
    net = nn.MLP([], 2).build(5)
    assert list(net.state_dict()) == ["output.W", "output.b"]
    w = net.state_dict()
    x = ROWS.astype(np.float32)
    np.testing.assert_allclose(
        net(x).numpy(), x @ w["output.W"] + w["output.b"], rtol=1e-5, atol=1e-6
    )


def test_how_ready_networks_read() -> None:
    assert repr(nn.MLP([8], 1, dropout=0.5)) == (
        "Sequential(\n    hidden=Sequential(\n        Linear(8),\n        ReLU(),\n"
        "        Dropout(),\n    ),\n    output=Linear(1),\n)"
    )
    assert nn.from_spec(nn.ResidualMLP(4, 1, 2).to_spec()).build(3).parameter_count() == (
        16 + (8 + 40 + 36) + 8 + 10
    )


def test_branches_are_named_and_can_be_reached() -> None:
    net = nn.Parallel(nn.ReLU(), wide=nn.Linear(3))
    assert len(net) == 2 and net["wide"] is net[1] and [*net] == [net[0], net[1]]
    assert repr(net) == "Parallel(\n    ReLU(),\n    wide=Linear(3),\n)"
    assert [name for name, _ in net.build(2).named_parameters()] == ["wide.W", "wide.b"]
    with pytest.raises(TypeError, match="Sum takes layers, got ReLU as layer '0': write it with"):
        nn.Sum(nn.ReLU)  # type: ignore[arg-type]


def test_what_follows_branches_decides_how_they_start() -> None:
    net = nn.Sequential(nn.Parallel(nn.Linear(400), nn.Linear(400)), nn.ReLU()).build(300)
    for _, parameter in net.named_parameters():
        if parameter.role == "weight":
            assert parameter.value.std() == pytest.approx((2 / 300) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    ("make", "x", "message"),
    [
        (
            lambda: nn.Sum(nn.Linear(2), nn.Linear(3)),
            ROWS,
            r"Sum 'a' expects branches whose outputs have one shape: '0' gives \(batch, 2\), "
            r"'1' gives \(batch, 3\)",
        ),
        (
            lambda: nn.Parallel(flat=nn.Flatten(), whole=nn.ReLU()),
            SEQUENCES,
            r"Parallel 'a' expects outputs of one shape but for the last axis: 'flat' gives "
            r"\(batch, 12\), 'whole' gives \(batch, 3, 4\)",
        ),
        (lambda: nn.Parallel(), ROWS, "Parallel 'a' has no branches"),
        (lambda: nn.Sum(), ROWS, "Sum 'a' has no branches"),
        (
            lambda: nn.DenseConnection(nn.Flatten()),
            SEQUENCES,
            r"DenseConnection 'a' expects a block that keeps .* output being \(batch, 12\)",
        ),
        (
            lambda: nn.Bilinear(2, left=nn.Flatten()),
            SEQUENCES,
            r"Bilinear 'a' expects sides of one shape .* left being \(batch, 12\) and right",
        ),
        (lambda: nn.Columns(5), ROWS, r"Columns 'a' expects an input that has columns 5 to None"),
        (lambda: nn.Columns(-6), ROWS, r"columns -6 to None, got \(batch, 5\)"),
        (lambda: nn.Columns(3, 3), ROWS, r"columns 3 to 3"),
        (lambda: nn.Columns(0), ROWS[0], r"columns 0 to None, got \(batch\)"),
        (
            lambda: nn.Reshape((2, 3)),
            ROWS,
            r"Reshape 'a' expects inputs whose values fill \(2, 3\), got \(batch, 5\)",
        ),
        (lambda: nn.Reshape((-1, 4)), ROWS, r"values fill \(-1, 4\), got \(batch, 5\)"),
        (lambda: nn.PReLU(), ROWS[0], r"PReLU 'a' expects \(batch, …, features\), got \(batch\)"),
        (lambda: nn.Upsample(2), ROWS, r"Upsample 'a' expects .* at least one spatial axis"),
    ],
)
def test_what_does_not_fit(make: Callable[[], nn.Module], x: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.Sequential(a=make())(x)


def test_sides_of_another_width() -> None:
    net = nn.Bilinear(2).build(5)
    with pytest.raises(ValueError, match=r"Bilinear expects sides of 5 and 5 features, got"):
        net(ROWS[:, :4].astype(np.float32))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.MLP([0], 1), ValueError, "Linear features is at least 1, got 0"),
        (lambda: nn.MLP(8, 1), TypeError, r"MLP widths is a sequence of widths"),  # type: ignore[arg-type]
        (lambda: nn.MLP([8], 1, activation="rely"), ValueError, "activation is one of 'relu', "),  # type: ignore[arg-type]
        (lambda: nn.MLP([8], 1, norm="group"), ValueError, "norm is one of 'batch', 'layer', "),  # type: ignore[arg-type]
        (lambda: nn.MLP([8], 1, dropout=1), ValueError, "Dropout rate is .* less than 1, got 1"),
        (lambda: nn.ResidualMLP(8, -1, 1), ValueError, "blocks is at least 0, got -1"),
        (lambda: nn.DenseConnection(3), TypeError, "block is a module, got 3"),  # type: ignore[arg-type]
        (lambda: nn.Bilinear(2, left=3), TypeError, "left is a module or None, got 3"),  # type: ignore[arg-type]
        (lambda: nn.Bilinear(2, initializer=3), TypeError, "is an Initializer, got 3"),  # type: ignore[arg-type]
        (lambda: nn.Columns(1.0), TypeError, "Columns start is an integer, got 1.0"),  # type: ignore[arg-type]
        (lambda: nn.Columns(None), TypeError, "Columns start is an integer, got None"),  # type: ignore[arg-type]
        (lambda: nn.Reshape(()), ValueError, "Reshape shape is"),
        (lambda: nn.Reshape((2, 0)), ValueError, "at least 1 on each axis"),
        (lambda: nn.Reshape((-1, -1)), ValueError, "-1 on one, got"),
        (lambda: nn.Reshape((2.0,)), TypeError, "Reshape shape is integers"),  # type: ignore[arg-type]
        (lambda: nn.PReLU(-1), ValueError, "PReLU start is at least 0"),
        (lambda: nn.Upsample(0), ValueError, "factor is at least 1"),
        (lambda: nn.Upsample(2, "cubic"), ValueError, "'nearest' or 'linear', got 'cubic'"),  # type: ignore[arg-type]
    ],
)
def test_settings_out_of_range(
    make: Callable[[], nn.Module], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()
