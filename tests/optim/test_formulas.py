"""Optimizers that PyTorch does not have, against their papers' formulas in NumPy float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile import Native
from pellucid.graph import Array, Executor, Graph, Reference
from pellucid.parts import library
from tests.optim.support import STEPS, problem, run_own

Vectors = dict[str, Array]
Rule = Callable[[int, Vectors, Vectors, dict[str, Vectors], float], None]


def slopes(w: Vectors, x: Array, y: Array) -> Vectors:
    """The gradient of the small network's loss."""
    hidden = np.tanh(x @ w["hidden.W"] + w["hidden.b"])
    out = 2 * (hidden @ w["output.W"] + w["output.b"] - y) / y.size
    back = (out @ w["output.W"].T) * (1 - hidden**2)
    return {
        "hidden.W": x.T @ back,
        "hidden.b": back.sum(0),
        "output.W": hidden.T @ out,
        "output.b": out.sum(0),
    }


def expected(rule: Rule, rates: Array) -> list[Vectors]:
    """The parameters after each step of a rule."""
    values, x, y = problem(np.float64)
    w = {path: value.copy() for path, value in values.items()}
    slots: dict[str, Vectors] = {}
    history: list[Vectors] = []
    for k in range(STEPS):
        rule(k, w, slopes(w, x, y), slots, float(rates[k]))
        history.append({path: value.copy() for path, value in w.items()})
    return history


def slot(slots: dict[str, Vectors], name: str, w: Vectors, start: bool = False) -> Vectors:
    return slots.setdefault(
        name, {p: (v.copy() if start else np.zeros_like(v)) for p, v in w.items()}
    )


def lion(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    m = slot(slots, "m", w)
    for p in w:
        w[p] -= rate * (np.sign(0.9 * m[p] + 0.1 * d[p]) + 0.1 * w[p])
        m[p] = 0.99 * m[p] + 0.01 * d[p]


def lamb(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    m, v = slot(slots, "m", w), slot(slots, "v", w)
    for p in w:
        m[p] = 0.9 * m[p] + 0.1 * d[p]
        v[p] = 0.999 * v[p] + 0.001 * d[p] ** 2
        change = m[p] / (1 - 0.9 ** (k + 1)) / (np.sqrt(v[p] / (1 - 0.999 ** (k + 1))) + 1e-6)
        change += 0.01 * w[p]
        size, length = np.linalg.norm(w[p]), np.linalg.norm(change)
        w[p] -= rate * (size / length if size and length else 1.0) * change


def free(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    z, x = slot(slots, "z", w, True), slot(slots, "x", w, True)
    for p in w:
        z[p] -= rate * (d[p] + 0.01 * w[p])
        x[p] += (z[p] - x[p]) / (k + 1)
        w[p] = 0.1 * z[p] + 0.9 * x[p]


def free_adam(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    z, x, v = slot(slots, "z", w, True), slot(slots, "x", w, True), slot(slots, "v", w)
    for p in w:
        v[p] = 0.999 * v[p] + 0.001 * d[p] ** 2
        z[p] -= rate * d[p] / (np.sqrt(v[p] / (1 - 0.999 ** (k + 1))) + 1e-8)
        x[p] += (z[p] - x[p]) / (k + 1)
        w[p] = 0.1 * z[p] + 0.9 * x[p]


def prodigy(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    m, v, s = (slot(slots, name, w) for name in "mvs")
    start = slot(slots, "start", w, True)
    scalars = slots.setdefault("scalars", {"d": np.array(1e-3), "r": np.array(0.0)})
    size, root = float(scalars["d"]), 0.999**0.5
    along = sum(float((d[p] * (start[p] - w[p])).sum()) for p in w)
    scalars["r"] = root * scalars["r"] + (1 - root) * rate * size**2 * along
    for p in w:
        m[p] = 0.9 * m[p] + 0.1 * size * d[p]
        v[p] = 0.999 * v[p] + 0.001 * size**2 * d[p] ** 2
        s[p] = root * s[p] + (1 - root) * rate * size**2 * d[p]
        w[p] -= rate * size * m[p] / (np.sqrt(v[p]) + size * 1e-8)
    total = sum(float(np.abs(s[p]).sum()) for p in w)
    scalars["d"] = np.maximum(size, scalars["r"] / total)


def clipped(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    length = np.sqrt(sum((d[p] ** 2).sum() for p in w))
    for p in w:
        w[p] -= rate * np.clip(d[p] * min(1.0, 0.3 / length), -0.05, 0.05)


def accumulated(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    total = slot(slots, "sum", w)
    for p in w:
        total[p] += d[p]
        if k % 3 == 2:
            w[p] -= rate * total[p] / 3
            total[p][...] = 0


def lookahead(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    slow = slot(slots, "slow", w, True)
    for p in w:
        w[p] -= rate * d[p]
        if k % 5 == 4:
            slow[p] += 0.5 * (w[p] - slow[p])
            w[p] = slow[p].copy()


def regularised(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    for p in w:
        before = w[p].copy()
        w[p] = before - rate * (d[p] + 0.02 * before) - rate * 0.1 * before
        w[p] = np.sign(w[p]) * np.maximum(np.abs(w[p]) - rate * 0.05, 0)
        axes = tuple(range(max(w[p].ndim - 1, 1)))
        size = np.sqrt((w[p] ** 2).sum(axes, keepdims=True))
        w[p] = w[p] * np.minimum(0.8 / np.maximum(size, 1e-300), 1.0)


def elastic(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    for p in w:
        w[p] -= rate * (d[p] + 0.02 * w[p] + 0.01 * np.sign(w[p]))


def sharp(k: int, w: Vectors, d: Vectors, slots: dict[str, Vectors], rate: float) -> None:
    _, x, y = problem(np.float64)
    length = np.sqrt(sum((d[p] ** 2).sum() for p in w))
    away = {p: w[p] + 0.1 * d[p] / length for p in w}
    for p, slope in slopes(away, x, y).items():
        w[p] -= rate * slope


CASES: dict[str, tuple[optim.Optimizer, Rule]] = {
    "lion": (optim.Lion(0.002, weight_decay=0.1), lion),
    "lamb": (optim.LAMB(0.01, weight_decay=0.01), lamb),
    "schedule-free": (optim.ScheduleFreeSGD(0.5, weight_decay=0.01), free),
    "schedule-free adam": (optim.ScheduleFreeAdamW(0.02), free_adam),
    "prodigy": (optim.Prodigy(first=1e-3), prodigy),
    "clip": (optim.Clip(optim.SGD(0.5), norm=0.3, value=0.05), clipped),
    "accumulate": (optim.Accumulate(optim.SGD(0.3), 3), accumulated),
    "lookahead": (optim.Lookahead(optim.SGD(0.3)), lookahead),
    "regularised": (
        optim.Regularised(optim.SGD(0.1), l1=0.05, l2=0.02, decay=0.1, max_norm=0.8, proximal=True),
        regularised,
    ),
    "elastic net": (optim.Regularised(optim.SGD(0.1), l1=0.01, l2=0.02), elastic),
    "sharpness-aware": (optim.SharpnessAware(optim.SGD(0.2), 0.1), sharp),
}


@pytest.mark.parametrize("executor", [Reference(), Native()], ids=["reference", "native"])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_paper(name: str, executor: Executor) -> None:
    own, rule = CASES[name]
    rates = own.learning_rate * (1 + np.sin(np.arange(STEPS))) * 0.5 + 1e-4
    found, losses = run_own(own, rates, np.float64, executor)
    assert losses[-1] < losses[0]
    for k, (mine, theirs) in enumerate(zip(found, expected(rule, rates), strict=True)):
        for path, value in theirs.items():
            np.testing.assert_allclose(
                mine[path], value, rtol=1e-8, atol=1e-10, err_msg=f"{path}, step {k}"
            )


def step_of(optimizer: optim.Optimizer) -> tuple[Graph, dict[str, Array]]:
    """A float32 step as a graph, and what ten steps are fed."""
    values, x, y = problem(np.float32)
    parameters = {path: nn.Parameter(value, name=path) for path, value in values.items()}
    hidden = (g.tensor(x) @ parameters["hidden.W"] + parameters["hidden.b"]).tanh()
    loss = (hidden @ parameters["output.W"] + parameters["output.b"] - y).square().mean()
    rate, step = g.placeholder("learning_rate", ()), g.placeholder("step", (), np.int64)
    slots = optimizer.init(parameters)
    slopes_now = optimizer.gradients(loss, parameters)
    graph = Graph({"loss": loss.node}, optimizer.update(parameters, slopes_now, slots, rate, step))
    rates = np.full(10, optimizer.learning_rate, np.float32)
    return graph, {"learning_rate": rates, "step": np.arange(10)}


OTHERS = [
    optim.LBFGS(0.3, history=3),
    optim.MovingAverage(optim.SGD(0.1), 0.9),
    optim.StochasticAverage(optim.SGD(0.1), 4),
    optim.Groups(optim.SGD(0.1), (optim.Group("*.b", optim.Adam(0.01)),)),
    optim.Groups(optim.AdamW(0.01), (optim.Group("*", optim.Muon(), dimensions=2),)),
    optim.Groups(
        optim.Prodigy(),
        (
            optim.Group("hidden.b", None),
            optim.Group("hidden.*", optim.Prodigy(0.5)),
            optim.Group("*.b", optim.MovingAverage(optim.SGD(0.1))),
        ),
    ),
]
EVERY = [
    *(case[0] for case in CASES.values()),
    optim.SGD(0.1, momentum=0.9, nesterov=True),
    optim.Adam(),
    optim.AdamW(decay_all=True),
    optim.AMSGrad(),
    optim.Adamax(),
    optim.NAdam(),
    optim.RAdam(),
    optim.Adagrad(),
    optim.RMSprop(momentum=0.5, centred=True),
    optim.Adadelta(),
    optim.Muon(weight_decay=0.1, scale="match_rms_adamw"),
    *OTHERS,
]


@pytest.mark.parametrize("optimizer", OTHERS, ids=lambda o: type(o).__name__)
def test_runs_natively(optimizer: optim.Optimizer) -> None:
    graph, feeds = step_of(optimizer)
    wanted = {name: feeds[name] for name in graph.inputs}
    before = [state.value.copy() for state in graph.updates]
    losses = Reference().build(graph).run(10, wanted)["loss"]
    for state, value in zip(graph.updates, before, strict=True):
        state.value = value
    np.testing.assert_allclose(Native().build(graph).run(10, wanted)["loss"], losses, rtol=2e-4)


@pytest.mark.parametrize("optimizer", EVERY, ids=lambda o: type(o).__name__)
def test_settings_survive_json(optimizer: optim.Optimizer) -> None:
    import json

    again = optim.from_spec(json.loads(json.dumps(optim.to_spec(optimizer))))
    assert again == optimizer


def test_every_optimizer_is_among_those_tested() -> None:
    tested = {type(optimizer) for optimizer in EVERY}
    public = [getattr(optim, name) for name in optim.__all__]
    kinds = {o for o in public if isinstance(o, type) and issubclass(o, optim.Optimizer)}
    assert kinds - {optim.Optimizer} == tested == set(library(optim.Optimizer).values())


def test_averages_are_what_is_evaluated() -> None:
    for average, shares in (
        (optim.MovingAverage(optim.SGD(0.2), 0.75), lambda k: 0.25),
        (optim.StochasticAverage(optim.SGD(0.2), 3), lambda k: 1 / max(k - 2, 1)),
    ):
        values, _, _ = problem(np.float64)
        parameters = {path: nn.Parameter(value, name=path) for path, value in values.items()}
        loss = sum((p.square().sum() for p in parameters.values()), start=g.tensor(0.0, np.float64))
        slots = average.init(parameters)
        rate, step = (
            g.placeholder("learning_rate", (), np.float64),
            g.placeholder("step", (), np.int64),
        )
        updates = average.update(parameters, g.grad(loss, parameters), slots, rate, step)
        program = Reference().build(Graph({}, updates))
        expected_mean = {path: value.copy() for path, value in values.items()}
        w = {path: value.copy() for path, value in values.items()}
        for k in range(8):
            program.run(1, {"learning_rate": np.array([0.2]), "step": np.array([k])})
            for path in w:
                w[path] = w[path] * 0.6
                expected_mean[path] += (w[path] - expected_mean[path]) * shares(k)
        held = average.evaluated(slots)
        assert set(held) == set(values)
        for path, mean in expected_mean.items():
            np.testing.assert_allclose(held[path].value, mean, rtol=1e-12)


def test_l1_by_proximal_steps_leaves_exact_zeros() -> None:
    w = nn.Parameter(np.array([0.5, -0.02, 0.3]), name="w")
    b = nn.Parameter(np.array([0.5, -0.02, 0.3]), "bias", "b")
    optimizer = optim.Regularised(optim.SGD(0.1), l1=1.0, proximal=True)
    parameters = {"w": w, "b": b}
    none = {path: p * 0.0 for path, p in parameters.items()}
    rate, step = g.tensor(0.1, np.float64), g.tensor(0, np.int64)
    updates = optimizer.update(parameters, none, optimizer.init(parameters), rate, step)
    Reference().build(Graph({}, updates)).run(1, {})
    np.testing.assert_allclose(w.value, [0.4, 0.0, 0.2])
    np.testing.assert_array_equal(b.value, [0.5, -0.02, 0.3])


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: optim.Clip(optim.SGD(0.1)), "norm or a value"),
        (lambda: optim.Clip(optim.SGD(0.1), norm=0.0), "norm"),
        (lambda: optim.Accumulate(optim.SGD(0.1), 0), "steps"),
        (lambda: optim.MovingAverage(optim.SGD(0.1), 1.0), "decay"),
        (lambda: optim.StochasticAverage(optim.SGD(0.1), -1), "start"),
        (lambda: optim.Lookahead(optim.SGD(0.1), alpha=0), "alpha"),
        (lambda: optim.Regularised(optim.SGD(0.1), l1=-1), "l1"),
        (lambda: optim.Regularised(optim.SGD(0.1), max_norm=0), "max_norm"),
        (lambda: optim.SharpnessAware(optim.SGD(0.1), 0), "radius"),
        (lambda: optim.LBFGS(history=0), "history"),
        (lambda: optim.Prodigy(first=0), "first"),
        (lambda: optim.Lion(beta1=1), "beta1"),
        (lambda: optim.RMSprop(alpha=1), "alpha"),
        (lambda: optim.Adadelta(rho=-0.1), "rho"),
        (lambda: optim.NAdam(momentum_decay=-1), "momentum_decay"),
    ],
)
def test_settings_out_of_range(make: Callable[[], optim.Optimizer], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        make()


def test_a_pattern_that_matches_nothing_names_what_there_is() -> None:
    groups = optim.Groups(optim.SGD(0.1), (optim.Group("hiden.*", optim.Adam()),))
    parameters = {"hidden.W": nn.Parameter(np.ones(2)), "output.W": nn.Parameter(np.ones(2))}
    with pytest.raises(ValueError, match=r"hiden\.\*.*'hidden\.W'"):
        groups.init(parameters)


def test_a_wrapper_goes_around_an_optimizer() -> None:
    with pytest.raises(TypeError, match="Lookahead goes around an optimizer"):
        optim.Lookahead(0.1)  # type: ignore[arg-type]
