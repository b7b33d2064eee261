"""Watched training is, bit for bit, training without probes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile import Native
from pellucid.graph import Tensor
from pellucid.train.loop.engine import Engine
from pellucid.train.loop.problem import Settings
from pellucid.train.probes import Extremes, Histogram, Key, Moments, Norm, Probe
from pellucid.train.records import Record
from pellucid.train.steps.supervised import Watching, supervised_problem
from pellucid.train.steps.trace import StepTrace
from pellucid.train.watch import Watch
from tests.nn.random_stacks import random_layers

RNG = np.random.default_rng(0)
FLAT = RNG.standard_normal((40, 6)).astype(np.float32)
SEQUENCES = RNG.standard_normal((40, 4, 3)).astype(np.float32)
IMAGES = RNG.standard_normal((40, 5, 5, 2)).astype(np.float32)
CODES = RNG.integers(0, 3, 40).astype(np.int32)
PROBES: tuple[Probe, ...] = (
    Norm("gradients"),
    Norm("activations"),
    Moments("updates"),
    Extremes("activation_gradients"),
    Histogram("parameters", 4),
)
Make = Callable[[], nn.Module]
BATCH = 8


def _residual() -> nn.Module:
    path = nn.Sequential(nn.Linear(6), nn.ReLU(), nn.Linear(6))
    return nn.Sequential(nn.Residual(path), nn.Linear(3))


def _images() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(4, 3), nn.BatchNorm(), nn.ReLU(), nn.GlobalAveragePool(), nn.Linear(3))
    )


def _random(seed: int) -> tuple[Make, Any]:
    """A random stack of layers that ends in three outputs, and inputs for it."""
    layers, _ = random_layers(np.random.default_rng(seed), (4, 3), 0)
    specs = [layer.to_spec() for layer in layers]

    def make() -> nn.Module:
        return nn.Sequential(*map(nn.from_spec, specs), nn.Flatten(), nn.Linear(3))

    return make, SEQUENCES


CASES: dict[str, tuple[tuple[Make, Any], optim.Optimizer]] = {
    "batch norm, dropout": (
        (lambda: nn.MLP([8], 3, norm="batch", dropout=0.3), FLAT),
        optim.AdamW(0.01),
    ),
    "lstm": (
        (lambda: nn.Sequential(nn.LSTM(5, output="last"), nn.Linear(3)), SEQUENCES),
        optim.Clip(optim.Adam(), 1.0),
    ),
    "residual": ((_residual, FLAT), optim.MovingAverage(optim.SGD(0.1, momentum=0.9), 0.9)),
    "images": ((_images, IMAGES), optim.RMSprop(0.01)),
    **{f"random {seed}": (_random(seed), optim.Adam(0.01)) for seed in (1, 3)},
}


def trained(
    case: str, probes: Sequence[Probe], every: int = 3
) -> tuple[dict[str, bytes], list[Record]]:
    """Every state and every loss after some epochs, and what the probes gave."""
    (make, x), optimizer = CASES[case]
    settings = Settings(BATCH, epochs=3, seed=3)
    problem = supervised_problem(
        *(make().build(x[:1]), nn.CrossEntropy(), optimizer, (x, CODES), None, None, settings),
        watching=Watching(probes=probes, probe_every=every),
    )
    with g.using(Native()):
        engine = Engine(problem, settings)
        engine.run()
    values = {name: state.value.tobytes() for name, state in engine.programs.states.items()}
    own = [r for r in engine.records if r.name.startswith(("batches.", "train."))]
    assert len(own) >= 6
    values |= {f"{r.step} {r.name}": np.array(r.value).tobytes() for r in own}
    return values, [r for r in engine.records if r not in own and r.name != "learning_rate"]


@pytest.mark.parametrize("case", CASES)
def test_the_same_bits(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_THREADS", "1")
    alone, none = trained(case, ())
    monkeypatch.setenv("PELLUCID_THREADS", "2")
    watched, records = trained(case, PROBES)
    assert watched == alone and not none
    steps = 3 * len(CODES) // BATCH
    assert {record.step for record in records} == set(range(0, steps, 3))


def test_probes_that_run_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the instrumented step would leave other bits it does not replace the plain one."""
    alone, _ = trained("batch norm, dropout", ())
    _, wanted = trained("batch norm, dropout", PROBES)
    outcomes: list[bool] = []

    def other_bits(watch: Watch, *args: Any) -> None:
        before = [state.value.copy() for state in watch._step.graph.updates]
        compare(watch, *args)
        states = watch._step.graph.updates
        assert all(map(np.array_equal, before, [state.value for state in states]))
        outcomes.append(bool(watch._replaces))

    compare = Watch._compare
    monkeypatch.setattr(Watch, "_compare", other_bits)
    monkeypatch.setattr("pellucid.train.watch._same", lambda one, other: False)
    watched, records = trained("batch norm, dropout", PROBES)
    assert outcomes == [False]
    assert watched == alone
    assert [(r.step, r.path, r.name) for r in records] == [(r.step, r.path, r.name) for r in wanted]
    for found, right in zip(records, wanted, strict=True):
        np.testing.assert_allclose(found.value, right.value, 1e-5, 1e-6)


def test_chunks_of_steps_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = trained("residual", PROBES, 2)
    monkeypatch.setattr("pellucid.train.loop.engine.CHUNK_SECONDS", 0.0)
    _, single = trained("residual", PROBES, 2)
    assert single == whole


def test_what_a_probe_sees_is_the_step_before_its_update() -> None:
    """The loss of the step itself, and parameters as they were."""

    def seen(trace: StepTrace) -> dict[Key, Tensor]:
        after = trace.parameters["output.W"] + trace.updates["output.W"]
        return {
            "seen": trace.loss,
            "first": trace.parameters["output.W"].sum(),
            "last": after.sum(),
        }

    _, records = trained("batch norm, dropout", [seen], 1)
    first = [r.value for r in records if r.name == "first"]
    last = [r.value for r in records if r.name == "last"]
    np.testing.assert_allclose(first[1:], last[:-1], 1e-5)
    assert len(set(first)) == len(first) == 15


def test_a_probe_of_nothing() -> None:
    assert trained("residual", [lambda trace: {}]) == trained("residual", [])
