"""What was built can be pickled and copied: the same bits, the same sharing, in another process too."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

import pellucid as pel
from benchmarks.file_samples import rows_of, samples, use_arrays
from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile import compile as compiled
from pellucid.compile.program import NativeProgram
from pellucid.container import unpack
from pellucid.optim.wrapper import Wrapper
from pellucid.parts import library
from pellucid.train.model import Model
from tests.train import own_parts

T = TypeVar("T")


def again(thing: T) -> T:
    found: T = pickle.loads(pickle.dumps(thing))  # noqa: S301
    return found


def same(first: nn.Module, second: nn.Module) -> None:
    """Structure, values, names and what is built are equal, and no memory is shared."""
    assert repr(second) == repr(first) and type(second) is type(first)
    assert [m._built for _, m in second.named_modules()] == [
        m._built for _, m in first.named_modules()
    ]
    held, other = (list(net._named(nn.parameter.Held)) for net in (first, second))
    assert [path for path, _ in other] == [path for path, _ in held]
    for (_, a), (_, b) in zip(held, other, strict=True):
        assert type(b) is type(a) and b.dtype == a.dtype and b.state.name == a.state.name
        assert getattr(b, "role", None) == getattr(a, "role", None)
        assert b.value.tobytes() == a.value.tobytes() and b.state is not a.state
        assert not np.shares_memory(a.value, b.value)


@pytest.mark.parametrize(
    "sample", [s for s in samples() if s.use is use_arrays], ids=lambda s: s.name
)
def test_models_of_every_layer(sample: Any) -> None:
    arrays, details = unpack(sample.content, "model", "it")
    model = Model.from_parts(arrays, details, "it")
    for found in (again(model), copy.deepcopy(model)):
        same(model.net, found.net)
        assert (found.to_json(), found.classes) == (model.to_json(), model.classes)
        x = rows_of(model.members[0].kinds, 3)
        outputs, others = (m.members[0].outputs(x) for m in (model, found))
        assert outputs.tobytes() == others.tobytes()
    same(model.net, again(model.net))
    same(model.net, copy.deepcopy(model.net))


class Gain(nn.Module):
    """A layer of one's own that is no dataclass, with a parameter from setup."""

    def setup(self, x: pel.Tensor) -> None:
        self.gain = self.parameter("gain", (x.shape[-1],), nn.Normal())

    def forward(self, x: pel.Tensor) -> pel.Tensor:
        return x * self.gain


def test_a_trained_network_knows_that_it_was_and_can_be_drawn_anew() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    net = nn.Sequential(Gain(), nn.Linear(2))
    pel.fit(net, (x, (x[:, 0] > 0).astype(int)), epochs=1, progress=False)
    for found in (again(net), copy.deepcopy(net)):
        assert found._trained and not found.forget()._built
        same(found.build(2), nn.Sequential(Gain(), nn.Linear(2)).build(2))
    assert net.to_spec() == nn.Sequential(Gain(), nn.Linear(2)).to_spec()


def test_networks_that_are_not_built_and_half_built() -> None:
    half = nn.Sequential(nn.Linear(3).build(2), nn.BatchNorm(), nn.Linear(4))
    for net in (nn.MLP([3], 2), half, nn.Sequential(), nn.Linear(2).build(3, dtype=np.float64)):
        same(net, again(net))
        same(net, copy.deepcopy(net))
    same(half.build(2), again(half))


def test_statistics_shared_parts_and_changed_weights() -> None:
    layer, norm = nn.Linear(3), nn.BatchNorm()
    net = nn.Sequential(layer, norm, nn.Residual(layer), nn.TiedLinear(layer)).build(3)
    norm.running_mean.value = np.array([1.0, 2.0, 3.0])
    layer.W.value = np.full((3, 3), 7.0)
    for found in (again(net), copy.deepcopy(net)):
        same(net, found)
        first, second, way, tied = found
        assert isinstance(first, nn.Linear) and isinstance(second, nn.BatchNorm)
        assert isinstance(way, nn.Residual) and isinstance(tied, nn.TiedLinear)
        assert way.block is first and tied.layer is first
        assert second.running_mean.value.tolist() == [1.0, 2.0, 3.0]
        first.W.value = np.zeros((3, 3))
        assert (layer.W.value == 7.0).all()


def test_a_parameter_of_two_layers() -> None:
    first, second = nn.Linear(3).build(3), nn.Linear(3)
    second.W = first.W
    net = nn.Sequential(first, second).build(3)
    for found in (again(net), copy.deepcopy(net)):
        same(net, found)
        one, other = found
        assert isinstance(one, nn.Linear) and isinstance(other, nn.Linear)
        assert other.W is one.W and other.b is not one.b


def test_networks_of_ones_own() -> None:
    for net in (
        own_parts.Mixed(4),
        own_parts.Mixed(4).build(3, seed=3),
        own_parts.Scaled().build(2),
    ):
        for found in (again(net), copy.deepcopy(net)):
            same(net, found)
    first = own_parts.Mixed(4).build(3)
    second = again(first)
    assert second.twice[0] is second.first
    assert second(own_parts.X).numpy().tobytes() == first(own_parts.X).numpy().tobytes()
    assert copy.copy(first).first is first.first


class Backwards(nn.Module):
    """A network whose attributes are not in the order of their names."""

    def __init__(self) -> None:
        self.z = nn.Linear(3)
        self.b = nn.Linear(3)
        self.a = [self.z, self.b]

    def forward(self, x: g.Tensor) -> g.Tensor:
        return self.b(self.z(x))


def test_attributes_keep_their_order() -> None:
    """Parameters come in that order, and a layer is shared with the first that has it."""
    same(Backwards().build(3), again(Backwards().build(3)))


def test_every_loss_optimizer_schedule_and_initialiser() -> None:
    needs: dict[str, dict[str, Any]] = {"MilestoneRate": {"at": (1, 2)}}
    plain = [
        kind(**needs.get(kind.__name__, {}))
        for kind in library(nn.Loss, nn.Initializer, optim.Schedule, optim.Optimizer).values()
        if not issubclass(kind, Wrapper)
    ]
    wrappers = [kind for kind in library(optim.Optimizer).values() if issubclass(kind, Wrapper)]
    plain += [kind(optim.Adam(0.5)) for kind in wrappers if kind is not optim.Clip]
    several = [
        optim.Clip(optim.Regularised(optim.Adam(), l1=0.1), norm=1.0),
        optim.Groups(
            optim.SGD(), groups=(optim.Group("*.b", None), optim.Group("a", optim.Adam()))
        ),
        nn.CrossEntropy(class_weights=(1.0, 2.0), reduction="sum"),
        own_parts.Sharper(factor=3.0),
        own_parts.Even(2.0),
        own_parts.Signs(),
    ]
    for part in (*plain, *several):
        for found in (again(part), copy.copy(part), copy.deepcopy(part)):
            assert found == part and type(found) is type(part)
    assert vars(again(own_parts.Halving(3.0))) == {"at": 3.0}


def _double(x: g.Tensor) -> g.Tensor:
    return x * 2.0


@compiled
def decorated(x: g.Tensor) -> g.Tensor:
    """x + 1."""
    return x + 1.0


def test_compiled_functions_and_programs() -> None:
    x = np.arange(3, dtype=np.float32)
    assert again(decorated) is decorated
    for made in (compiled(_double), compiled(pel.tensor(2.0).maximum)):
        before = made(x)
        np.testing.assert_array_equal(again(made)(x), before)
    state = g.State(x, "w")
    graph = g.Graph({"y": (g.read(state) * 2.0).node}, {state: (g.read(state) + 1.0).node})
    for program in (NativeProgram(graph), g.Reference().build(graph)):
        found = again(program)
        np.testing.assert_array_equal(found.run(2)["y"][1], program.run(2)["y"][1])
        state.value = x


def test_graphs_with_every_kind_of_attribute() -> None:
    x = g.placeholder("x", (2, 5, 5, 1))
    w = pel.variable(np.random.default_rng(0).normal(size=(3, 3, 1, 2)).astype(np.float32), "w")
    y = g.convolve(x.pad((0, 1, 1, 0), (0, 1, 1, 0), value=-0.0), w, 2)
    noise = g.normal(y.shape, seed=3, step=g.placeholder("k", (), np.int64))
    y = g.where(y > 0, y, y * 0.1) + noise + g.iota(y.shape, 1, np.int32) - float("inf") * 0.0
    graph = g.Graph({"y": y.node, "z": g.softmax(y.reshape(2, -1)).node})
    found = again(graph)
    g.verify(found)
    feeds = {"x": np.ones((1, 2, 5, 5, 1), np.float32), "k": np.array([4])}
    for name, values in g.Reference().build(graph).run(1, feeds).items():
        assert g.Reference().build(found).run(1, feeds)[name].tobytes() == values.tobytes()
    assert found.nodes[-1].origin == graph.nodes[-1].origin


def test_a_copy_of_what_reads_no_state_is_the_node() -> None:
    x = g.placeholder("x", (3,)) * 2.0 + np.arange(3, dtype=np.float32)
    for found in (copy.copy(x), copy.deepcopy(x), again(x)):
        assert found.node is x.node and found is not x
    assert copy.deepcopy(x.node) is x.node and copy.copy(x.node) is x.node


@pytest.mark.parametrize("way", [copy.deepcopy, again])
def test_what_is_copied_together_stays_together(way: Callable[[Any], Any]) -> None:
    state = g.State(np.array([1.0, 2.0]), "w")
    y = g.read(state) * 3.0
    for things in ([y, state, y + 1.0], [state, y, y + 1.0]):
        found = way(things)
        new = next(one for one in found if isinstance(one, g.State))
        tensors = [one for one in found if isinstance(one, g.Tensor)]
        new.value = np.array([10.0, 20.0])
        assert [t.tolist() for t in tensors] == [[30.0, 60.0], [31.0, 61.0]]
        assert state.value.tolist() == [1.0, 2.0] and y.tolist() == [3.0, 6.0]
        assert new.name == "w" and not np.shares_memory(new.value, state.value)
    assert copy.copy(y).node is y.node
    assert not np.shares_memory(copy.copy(state).value, state.value)


def test_a_layer_that_keeps_a_tensor_of_its_parameter() -> None:
    class Keeps(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([1.0, 2.0])
            self.scaled = self.w * 2.0

        def forward(self, x: g.Tensor) -> g.Tensor:
            return x * self.scaled

    first = Keeps()
    second = copy.deepcopy(first)
    second.w.value = np.array([5.0, 6.0])
    assert (second.scaled.tolist(), first.scaled.tolist()) == ([10.0, 12.0], [2.0, 4.0])
    with pytest.raises(TypeError, match="Keeps scaled is a Tensor"):
        pickle.dumps(first)


@dataclass(eq=False, repr=False)
class Late(nn.Module):
    """A layer that makes another in `setup`."""

    features: int = 2

    def setup(self, x: g.Tensor) -> None:
        self.inner = nn.Linear(self.features)

    def forward(self, x: g.Tensor) -> g.Tensor:
        return self.inner(x)


def test_what_settings_do_not_tell_is_refused() -> None:
    same(Late(), again(Late()))
    with pytest.raises(TypeError, match="Late holds the layer 'inner', which the settings"):
        pickle.dumps(Late().build(3))


def fitted(out: Path | None = None) -> pel.Run:
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    net = nn.Sequential(nn.Linear(4), nn.BatchNorm(), nn.ReLU(), nn.Linear(2))
    return pel.fit(net, (x, (x[:, 0] > 0).astype(int)), epochs=2, seed=5, out=out, progress=False)


def test_runs() -> None:
    run = fitted()
    for found in (again(run), copy.deepcopy(run)):
        assert (found.history, found.reasons) == (run.history, run.reasons)
        assert found.model.details == run.model.details and found.model.details["seed"] == 5
        same(run.model.net, found.model.net)
    table = {"x": np.arange(40.0), "y": np.arange(40) % 2 == 0}
    made = pel.fit_table(table, "y", epochs=1, progress=False)
    assert again(made).run.model.predict(table).tolist() == made.run.model.predict(table).tolist()


def predicted(model: Model, x: Any) -> bytes:
    """What a worker does."""
    return model.predict_proba(x).tobytes()


def test_another_process_predicts_the_same() -> None:
    run, x = fitted(), np.ones((4, 3), np.float32)
    own = own_parts.fit_here()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(predicted, (run.model, x)) == predicted(run.model, x)
        assert pool.apply(predicted, (own, x)) == predicted(own, x)


def test_joblib_keeps_models(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    run, x = fitted(), np.ones((4, 3), np.float32)
    joblib.dump(run, tmp_path / "run")
    assert predicted(joblib.load(tmp_path / "run").model, x) == predicted(run.model, x)
