"""Every probe of the library beside NumPy, from a forward and backward pass written out here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn, optim
from pellucid.graph import Array, Graph, Tensor, concatenate
from pellucid.train.probes import (
    Extremes,
    Histogram,
    Key,
    Measured,
    Moments,
    Norm,
    Of,
    Probe,
    Sparsity,
    gathered,
)
from pellucid.train.steps.step import Step
from pellucid.train.steps.supervised import supervised_step
from pellucid.train.steps.trace import StepTrace

RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 5)).astype(np.float32)
Y = RNG.standard_normal((7, 2)).astype(np.float32)
RATE = 0.1
KINDS: tuple[Of, ...] = (
    "activations",
    "gradients",
    "parameters",
    "updates",
    "activation_gradients",
)


def network() -> nn.Sequential:
    """5-6-2 with a ReLU, of fixed weights."""
    net = nn.Sequential(nn.Linear(6), nn.ReLU(), nn.Linear(2)).build(X[:1])
    for number, (_, parameter) in enumerate(net.named_parameters()):
        held = parameter.state
        held.value = np.asarray(np.random.default_rng(number).standard_normal(held.value.shape))
    return net


def by_hand(net: nn.Module) -> dict[Of, dict[str, Array]]:
    """All that a trace holds of a step of gradient descent on the mean squared error."""
    theta = {path: p.state.value.astype(np.float64) for path, p in net.named_parameters()}
    x, y = X.astype(np.float64), Y.astype(np.float64)
    z = x @ theta["0.W"] + theta["0.b"]
    h = np.maximum(z, 0)
    out = h @ theta["2.W"] + theta["2.b"]
    d_out = 2 * (out - y) / y.size
    d_h = d_out @ theta["2.W"].T
    d_z = d_h * (z > 0)
    slopes = {"0.W": x.T @ d_z, "0.b": d_z.sum(0), "2.W": h.T @ d_out, "2.b": d_out.sum(0)}
    return {
        "activations": {"0": z, "1": h, "2": out, "": out},
        "gradients": slopes,
        "parameters": theta,
        "updates": {path: -RATE * slope for path, slope in slopes.items()},
        "activation_gradients": {"0": d_z, "1": d_h, "2": d_out, "": d_out},
    }


def measured(probes: Sequence[Probe], net: nn.Module) -> dict[tuple[str, str], Array]:
    """What probes give in the first step of training with all rows."""
    loss, descent = nn.MeanSquaredError(), optim.SGD(learning_rate=RATE)
    step = supervised_step(net, loss, descent, (X, Y), len(X), 0)
    values = gathered(tuple(probes), step.trace)
    graph = Graph({f"{i}": value.node for i, value in enumerate(values.values())})
    feeds = {
        "rows": np.arange(len(X), dtype=np.int32)[None],
        "learning_rate": np.array([RATE], np.float32),
        "step": np.array([0]),
    }
    fed = {name: feeds[name] for name in graph.inputs}
    found = g.executor().build(graph).run(1, fed)
    return {key: found[str(i)][0] for i, key in enumerate(values)}


def measures(x: Array) -> dict[str, Any]:
    """The library's measures of one tensor, in NumPy."""
    counts, edges = np.histogram(x, 8)
    return {
        "norm": np.sqrt((x**2).sum()),
        "mean": x.mean(),
        "deviation": x.std(),
        "min": x.min(),
        "max": x.max(),
        "sparsity": (x == 0).mean(),
        "histogram": [edges[0], edges[-1], *counts],
    }


@pytest.mark.parametrize("of", KINDS)
def test_each_measure_of_each_kind_of_tensor(of: Of) -> None:
    net = network()
    tensors = by_hand(net)[of]
    found = measured([Norm(of), Moments(of), Extremes(of), Sparsity(of), Histogram(of, 8)], net)
    kind = of.removesuffix("s") if of != "activations" else "activation"
    assert {path for path, _ in found} == set(tensors)
    for (path, name), value in found.items():
        wanted = measures(tensors[path])[name.removeprefix(f"{kind}.")]
        np.testing.assert_allclose(value, wanted, 2e-5, 2e-6, err_msg=f"{path} {name}")


@pytest.mark.parametrize("x", [[np.nan, 1, 2, np.inf, -np.inf, 1.5], [np.nan] * 3, [3.0] * 7])
@pytest.mark.parametrize("ends", [(None, None), (1.25, 1.75)])
def test_histograms_of_what_is_not_finite_and_of_equal_elements(
    x: list[float], ends: tuple[float | None, float | None]
) -> None:
    """Infinities are outside of the range, NaN is nowhere."""
    probe = Histogram(bins=4, low=ends[0], high=ends[1])
    given = np.array(x, np.float32)
    low, high, *counts = pel.compile(lambda t: probe.measure(t)["histogram"])(given)
    finite, known = given[np.isfinite(given)], given[~np.isnan(given)]
    wanted: tuple[Any, Any] = ends if ends[0] is not None else (np.nan, np.nan)
    if ends[0] is None and len(finite):
        wanted = finite.min(), finite.max()
    np.testing.assert_equal([low, high], wanted)
    assert sum(counts) == len(known)
    if low < high:
        # NumPy counts within the range alone, the last bin with its end.
        inside = known[(known >= low) & (known <= high)]
        expected = np.histogram(inside, 4, (low, high))[0]
        expected[0] += (known < low).sum()
        expected[-1] += (known > high).sum()
        assert counts == expected.tolist()


class Share(Measured):
    """A probe of one's own: how many elements are above 0, and how many there are."""

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        above = g.where(x > 0.0, 1.0, 0.0)
        return {"above": above.mean(), "both": concatenate([above.sum().reshape(1)] * 2)}


def test_probes_of_ones_own() -> None:
    net = network()

    def distance(trace: StepTrace) -> dict[Key, Tensor]:
        error = trace.outputs[""] - trace.activations["2"]
        return {"error": error.abs().max(), ("2", "loss"): trace.loss * 2.0}

    found = measured([distance, Share("activations")], net)
    tensors = by_hand(net)
    out = tensors["activations"]["2"]
    assert found["", "error"] == 0
    np.testing.assert_allclose(found["2", "loss"], 2 * ((out - Y) ** 2).mean(), 1e-5)
    for path, x in tensors["activations"].items():
        np.testing.assert_allclose(found[path, "activation.above"], (x > 0).mean(), 1e-6)
        assert found[path, "activation.both"].tolist() == [(x > 0).sum()] * 2


@pytest.mark.parametrize(
    ("probe", "error"),
    [
        (lambda trace: trace.loss, "returns tensors by name, got tensor"),
        (lambda trace: {"loss": 1.0}, "gives 1.0 as 'loss', no Tensor"),
        (lambda trace: {"all": trace.parameters["0.W"]}, r"float32\[5, 6\] as 'all'; a value is"),
        (lambda trace: {"all": g.zeros(5000)}, r"at most 4,096: reduce it"),
    ],
)
def test_probes_that_give_no_small_tensors(probe: Probe, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        measured([probe], network())


def test_settings_of_probes() -> None:
    with pytest.raises(ValueError, match="Norm of is"):
        Norm("weights")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Histogram takes low and high, or neither"):
        Histogram(low=1.0)
    with pytest.raises(ValueError, match="Histogram high is more than 1"):
        Histogram(low=1.0, high=1.0)
    with pytest.raises(ValueError, match="Histogram bins is at most 4,094"):
        Histogram(bins=5000)


def test_a_step_of_several_networks() -> None:
    """Paths begin with the name of a network."""

    def step(step: Step, x: Tensor) -> None:
        fake = nets["generator"](step.normal((4, 2)))
        told = nets["critic"](fake)
        step.minimise(told.square().mean(), nets["generator"], optim.SGD(0.1))
        step.minimise((told - 1.0).square().mean(), nets["critic"], optim.SGD(0.1))

    nets = {"generator": nn.Sequential(nn.Linear(3)), "critic": nn.Sequential(nn.Linear(1))}
    probes = [Norm("gradients"), Norm("activations")]
    settings: dict[str, Any] = {"epochs": 1, "batch_size": 4, "progress": False}
    run = pel.fit_step(step, nets, X, probes=probes, probe_every=1, **settings)
    names = {(r.path, r.name) for r in run.log}
    assert {("generator.0.W", "gradient.norm"), ("critic.0.b", "gradient.norm")} <= names
    assert {("generator.0", "activation.norm"), ("critic.0", "activation.norm")} <= names
