"""Modules: paths, building, state, sharing, modes, summaries, and what errors say."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
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


def test_paths() -> None:
    net = small().build(3)
    assert [name for name, _ in net.named_parameters()] == [
        "hidden.0.W",
        "hidden.0.b",
        "hidden.1.gamma",
        "hidden.1.beta",
        "output.W",
        "output.b",
    ]
    assert [name for name, _ in net.named_buffers()] == [
        "hidden.1.running_mean",
        "hidden.1.running_variance",
    ]
    modules = [name for name, _ in net.named_modules()]
    assert modules == ["", "hidden", "hidden.0", "hidden.1", "hidden.2", "output"]
    assert {p.role for _, p in net.named_parameters()} == {"weight", "bias", "norm"}
    assert all(p.state.name == name for name, p in net.named_parameters())
    assert net.parameter_count() == 3 * 8 + 8 + 16 + 16 + 2
    assert net.parameter_count() == sum(p.size for p in net.parameters())


def test_a_network_of_ones_own() -> None:
    net = Own()
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    y = net(x)
    assert [name for name, _ in net.named_parameters()] == [
        "scale",
        "blocks.0.W",
        "blocks.0.b",
        "blocks.1.W",
        "blocks.1.b",
        "heads.left.W",
        "heads.left.b",
        "heads.right.W",
        "heads.right.b",
    ]
    at = net.state_dict()
    hidden = x
    for i in range(2):
        hidden = np.tanh(hidden @ at[f"blocks.{i}.W"] + at[f"blocks.{i}.b"])
    out = sum(hidden @ at[f"heads.{s}.W"] + at[f"heads.{s}.b"] for s in ("left", "right"))
    np.testing.assert_allclose(y.numpy(), 2 * out, rtol=1e-5, atol=1e-6)
    gradients = g.grad(y.sum(), dict(net.named_parameters()))
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients.values())
    assert repr(net).startswith("Own(\n    blocks.0=Linear(4),")


def test_draws_depend_on_seed_and_path_only() -> None:
    first = small().build(3, seed=7).state_dict()
    again = small().build(3, seed=7).state_dict()
    other = small().build(3, seed=8).state_dict()
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["hidden.0.W"] != other["hidden.0.W"]).all()
    more = nn.Sequential(
        {"extra": nn.Linear(3), "hidden": small()["hidden"], "output": nn.Linear(2)}
    )
    np.testing.assert_array_equal(
        more.build(3, seed=7).state_dict()["hidden.0.W"], first["hidden.0.W"]
    )


def test_first_call_builds_with_seed_zero() -> None:
    called, built = small(), small().build(3)
    called(np.zeros((2, 3), np.float32))
    for name, value in called.state_dict().items():
        np.testing.assert_array_equal(value, built.state_dict()[name])


def test_building_again_keeps_what_is_there() -> None:
    net = small().build(3, seed=1)
    before = net.state_dict()
    net.build(3, seed=2)
    assert all((before[name] == value).all() for name, value in net.state_dict().items())


def test_build_from_an_example_and_in_float64() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2)).build(np.zeros((5, 2, 3)), dtype=np.float64)
    assert net.state_dict()["1.W"].shape == (6, 2)
    assert net.state_dict()["1.W"].dtype == np.float64
    assert nn.Sequential(nn.Flatten(), nn.Linear(2)).build((2, 3)).state_dict()["1.W"].shape == (
        6,
        2,
    )
    assert nn.Linear(2).build(np.int64(3)).parameter_count() == 8  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(None, 3), -1, (2.5,), "3", None, (True,)])
def test_build_refuses_other_shapes(shape: Any) -> None:
    with pytest.raises(ValueError, match="an input shape is made of integers"):
        nn.Linear(2).build(shape)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_build_refuses_other_seeds(seed: Any) -> None:
    with pytest.raises(ValueError, match="a seed is an integer of at least 0"):
        nn.Linear(2).build(3, seed)


def test_unbuilt_networks_say_so() -> None:
    net = small()
    for ask in (net.parameters, net.state_dict, net.parameter_count):
        with pytest.raises(ValueError, match=r"Linear 'hidden.0' has no parameters yet"):
            ask()
    with pytest.raises(AttributeError, match=r"no attribute 'W'; parameters are made by build"):
        _ = nn.Linear(2).W
    with pytest.raises(AttributeError, match=r"'Linear' has no attribute 'weight'$"):
        _ = nn.Linear(2).build(1).weight  # type: ignore[attr-defined]
    assert nn.ReLU().parameters() == []


def test_a_layer_that_is_never_used_has_no_parameters() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Linear(2), nn.Linear(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    assert list(Spare().build(4).state_dict()) == ["used.W", "used.b"]


def test_shape_errors_name_layer_and_shapes() -> None:
    net = nn.Sequential(hidden1=nn.Linear(128), hidden2=nn.Linear(4)).build(3)
    with pytest.raises(ValueError, match=r"^Linear 'hidden1' expects \(batch, 3\), got \(batch, 5"):
        net(np.zeros((2, 5)))
    shrunk = nn.Sequential(hidden1=nn.Linear(64), hidden2=net["hidden2"])
    message = r"^Linear 'hidden2' expects \(batch, 128\), got \(batch, 64\)"
    with pytest.raises(ValueError, match=message):
        shrunk(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"^Linear expects \(batch, 3\)"):
        net["hidden1"](np.zeros((2, 5)))


def test_errors_inside_a_layer_are_located_once() -> None:
    class Wrong(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x

    with pytest.raises(ValueError, match="matmul") as caught:
        nn.Sequential(nn.Sequential(Wrong()))(np.zeros((2, 3)))
    assert caught.value.__notes__ == ["in Wrong '0.0', given (batch, 3)"]


def test_forward_returns_a_tensor() -> None:
    class Wrong(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return [x]  # type: ignore[return-value]

    with pytest.raises(TypeError, match="forward returned a list, not a Tensor"):
        Wrong()(np.zeros((2, 3)))
    with pytest.raises(NotImplementedError, match=r"Module has no forward"):
        nn.Module()(np.zeros((2, 3)))


def test_a_failed_call_leaves_nothing_behind() -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("no")

    first = nn.Linear(4)
    with pytest.raises(ValueError, match="no"):
        nn.Sequential(first, nn.BatchNorm(), Fails())(np.zeros((2, 30)))
    net = nn.Sequential(first, nn.ReLU())
    assert net(np.zeros((2, 3))).shape == (2, 4)
    assert first.W.shape == (3, 4)


def test_parameters_in_a_local_layer_are_refused() -> None:
    class Local(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.Linear(3)(nn.ReLU()(x))

    with pytest.raises(ValueError, match="Linear has parameters but is not part of Local"):
        Local()(np.zeros((2, 3)))


def test_layers_made_in_setup() -> None:
    class Square(nn.Module):
        def setup(self, x: Tensor) -> None:
            self.inner = nn.Linear(x.shape[-1])
            self.shift: nn.Parameter = self.parameter("shift", x.shape[1:], nn.Ones(), "bias")

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) + self.shift

    net = nn.Sequential(Square()).build(3)
    assert sorted(net.state_dict()) == ["0.inner.W", "0.inner.b", "0.shift"]


def test_state_dict_is_a_copy_and_loads() -> None:
    net, other = small().build(3, seed=1), small().build(3, seed=2)
    before = net.state_dict()
    before["output.b"][:] = 9.0
    assert (net.state_dict()["output.b"] == 0).all()
    other.load_state_dict(before)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    net.load_state_dict(before)
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())


def test_loading_is_all_or_nothing() -> None:
    net = small().build(3)
    before = net.state_dict()
    wrong = {name: value + 1 for name, value in before.items()}
    wrong["extra"] = wrong.pop("output.b")
    wrong["output.W"] = np.zeros((3, 2), np.float32)
    wrong["hidden.0.b"] = np.zeros(8, np.int64)
    with pytest.raises(ValueError, match="do not fit the network") as caught:
        net.load_state_dict(wrong)
    for part in (
        "output.b is missing",
        "extra is unexpected",
        "output.W has shape (8, 2), got (3, 2)",
        "hidden.0.b holds float32, got int64",
    ):
        assert part in str(caught.value)
    assert all((before[name] == value).all() for name, value in net.state_dict().items())


def test_building_from_values_draws_nothing() -> None:
    net = small().build(3, seed=5)
    values = net.state_dict()
    again = small().build(3, values=values)
    assert all((values[name] == value).all() for name, value in again.state_dict().items())
    huge = nn.Sequential(hidden=nn.Linear(10**12))
    with pytest.raises(ValueError, match=r"'hidden.W' has shape \(3, 1000000000000\), got"):
        huge.build(3, values={"hidden.W": np.zeros((3, 8)), "hidden.b": np.zeros(8)})
    with pytest.raises(ValueError, match=r"parameter 'hidden.0.b' is missing"):
        small().build(3, values={"hidden.0.W": values["hidden.0.W"]})
    with pytest.raises(ValueError, match="extra is unexpected"):
        small().build(3, values={**values, "extra": np.zeros(1)})
    with pytest.raises(ValueError, match=r"running_mean is missing"):
        small().build(3, values={n: v for n, v in values.items() if "mean" not in n})


def test_a_parameter_set_before_is_kept() -> None:
    W = nn.Parameter(np.ones((3, 2), np.float32))
    layer = nn.Linear(2)
    layer.W = W
    assert layer.build(3).W is W
    other = nn.Linear(2)
    other.W = W
    with pytest.raises(ValueError, match=r"W was set with shape \(3, 2\), this input needs \(4, 2"):
        other.build(4)


def test_shared_parameters_count_once() -> None:
    layer = nn.Linear(3)
    net = nn.Sequential(layer, nn.Tanh(), layer).build(3)
    assert list(net.state_dict()) == ["0.W", "0.b"]
    assert net.parameter_count() == 12
    assert sum(row.parameters for row in net.summary(3).rows) == 12
    first, second = nn.Linear(3), nn.Linear(3)
    tied = nn.Sequential(first, second)
    first.build(3)
    second.W = first.W
    tied.build(3)
    assert list(tied.state_dict()) == ["0.W", "0.b", "1.b"]


def test_copies_are_separate() -> None:
    layer = nn.Linear(3)
    net = nn.Sequential(layer, nn.BatchNorm(), layer).build(3, seed=1)
    twin = copy.deepcopy(net)
    assert twin.parameter_count() == net.parameter_count()
    twin.parameters()[0].value[:] = 0.0
    assert np.abs(net.state_dict()["0.W"]).max() > 0
    assert np.abs(twin(np.ones((2, 3))).numpy()).max() == 0.0
    assert copy.deepcopy(small()).build(3).parameter_count() == 66


def test_sequential_as_a_container() -> None:
    net = small()
    hidden = net["hidden"]
    assert isinstance(hidden, nn.Sequential)
    assert len(hidden) == 3
    assert net[0] is hidden
    assert net[-1] is net["output"]
    assert [type(layer).__name__ for layer in hidden] == ["Linear", "BatchNorm", "ReLU"]
    empty = nn.Sequential()
    x = g.tensor(np.ones((2, 2)))
    assert empty
    assert empty(x).node is x.node


@pytest.mark.parametrize(
    ("layers", "named", "message"),
    [
        ([nn.ReLU], {}, "got ReLU as layer '0': write it with brackets"),
        ([nn.functional.relu], {}, "got function as layer '0'"),
        ([[nn.ReLU()]], {}, "got list as layer '0'"),
        ([{"a.b": nn.ReLU()}], {}, "a layer's name is text without"),
        ([{"": nn.ReLU()}], {}, "a layer's name is text without"),
        ([{0: nn.ReLU()}], {}, "a layer's name is text without"),
        ([{"a": nn.ReLU()}], {"a": nn.ReLU()}, "two layers named 'a'"),
    ],
)
def test_sequential_refuses(layers: list[Any], named: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        nn.Sequential(*layers, **named)


def test_representation() -> None:
    net = nn.Sequential(nn.Linear(3, bias=False), nn.Sequential(nn.GELU("tanh")), out=nn.Linear(1))
    expected = (
        "Sequential(\n    Linear(3, bias=False),\n    Sequential(\n"
        "        GELU(approximate='tanh'),\n    ),\n    out=Linear(1),\n)"
    )
    assert repr(net) == expected
    assert repr(nn.Sequential()) == "Sequential()"
    assert repr(nn.Residual(nn.ReLU())) == "Residual(ReLU())"
    assert repr(nn.Linear(2, initializer=nn.Zeros())) == "Linear(2, initializer=Zeros())"


def test_summary() -> None:
    summary = small().summary(3)
    assert [(r.path, r.layer, r.output_shape, r.parameters) for r in summary.rows] == [
        ("hidden.0", "Linear(8)", (8,), 32),
        ("hidden.1", "BatchNorm()", (8,), 16),
        ("hidden.2", "ReLU()", (8,), 0),
        ("output", "Linear(2)", (2,), 18),
    ]
    lines = str(summary).splitlines()
    assert lines[2].split() == ["hidden.0", "Linear(8)", "(batch,", "8)", "32"]
    assert lines[-1].split() == ["total", "66"]
    own = Own().summary(3)
    assert [row.path for row in own.rows][-1] == ""
    assert own.rows[-1].parameters == 1


def test_modes() -> None:
    assert not nn.is_training()
    assert nn.forward_pass() is None
    with nn.training() as outer:
        assert nn.is_training()
        with nn.evaluation() as inner:
            assert not nn.is_training()
            assert nn.forward_pass() is inner
        assert nn.forward_pass() is outer
    with pytest.raises(RuntimeError, match="stop"), nn.training():
        raise RuntimeError("stop")
    assert not nn.is_training()


def test_modes_take_int64_scalars() -> None:
    with nn.training(seed=g.placeholder("seed", (), np.int64), step=3) as forward:
        assert forward.step.item() == 3
    for wrong in (g.zeros((2,), np.int64), g.zeros((), np.float32)):
        with pytest.raises(TypeError, match="step is an int64 scalar"), nn.training(step=wrong):
            pass


def test_activations_are_kept_by_path() -> None:
    net = small().build(3)
    x = np.ones((2, 3), np.float32)
    with nn.evaluation() as seen:
        y = net(x)
        net(x)
    paths = ["hidden.0", "hidden.1", "hidden.2", "hidden", "output", ""]
    assert list(seen.activations) == [*paths, *(f"{path}#2" for path in paths)]
    assert seen.activations[""].node is y.node
    np.testing.assert_array_equal(
        seen.activations["hidden.2"].numpy(), np.maximum(seen.activations["hidden.1"].numpy(), 0)
    )


def test_own_random_layers_draw_afresh() -> None:
    class Noise(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            current = nn.forward_pass()
            if current is None or not current.training:
                return x
            return x + current.normal(x.shape) * 0.1 + current.uniform(x.shape)

    net = nn.Sequential(Noise(), Noise())
    x = g.zeros((4, 5))
    np.testing.assert_array_equal(net(x).numpy(), np.zeros((4, 5)))
    with nn.training(seed=1) as forward:
        net(x)
    first, total = (forward.activations[path].numpy() for path in ("0", "1"))
    assert (np.abs(total - 2 * first) > 1e-6).all()


def test_parameters_hold_floats() -> None:
    assert nn.Parameter([1.0, 2.0]).dtype == np.float32
    assert nn.Parameter(np.zeros(2)).dtype == np.float64
    with pytest.raises(TypeError, match="a parameter holds floats, got int64"):
        nn.Parameter([1, 2])
    with pytest.raises(RuntimeError, match="Linear makes its parameters while it is called"):
        nn.Linear(2).setup(g.zeros((1, 2)))
