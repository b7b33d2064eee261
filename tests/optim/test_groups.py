"""Groups by path, frozen parameters, and wrappers around each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn, optim
from pellucid.graph import Array, Graph, Reference
from tests.optim.support import problem
from tests.optim.test_formulas import EVERY


def parameters() -> dict[str, nn.Parameter]:
    values, _, _ = problem(np.float64)
    roles = {"W": "weight", "b": "bias"}
    return {
        path: nn.Parameter(value, roles[path[-1]], path)  # type: ignore[arg-type]
        for path, value in values.items()
    }


def after(optimizer: optim.Optimizer, steps: int = 5, decay: float = 1.0) -> dict[str, Array]:
    """The parameters, averaged ones where there are any, after steps on decay · Σ w² / 2."""
    held = parameters()
    loss = sum(
        (p.square().sum() * (0.5 * decay) for p in held.values()), start=g.tensor(0.0, np.float64)
    )
    slots = optimizer.init(held)
    step = g.placeholder("step", (), np.int64)
    rate = g.tensor(optimizer.learning_rate, np.float64)
    updates = optimizer.update(held, optimizer.gradients(loss, held), slots, rate, step)
    Reference().build(Graph({"loss": loss.node}, updates)).run(steps, {"step": np.arange(steps)})
    found = {path: p.value for path, p in held.items()}
    return found | {path: s.value for path, s in optimizer.evaluated(slots).items()}


HIDDEN = (optim.Group("hidden.*", None),)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda o: o,
        lambda o: optim.Regularised(o, l1=0.1, l2=0.1, decay=0.1, max_norm=0.1, everything=True),
        lambda o: optim.Lookahead(o, 2),
        lambda o: optim.Accumulate(o, 2),
        lambda o: optim.MovingAverage(o, 0.5),
        lambda o: optim.StochasticAverage(optim.Clip(o, norm=0.1)),
        optim.SharpnessAware,
    ],
)
def test_what_is_frozen_stays(wrap: Callable[[optim.Optimizer], optim.Optimizer]) -> None:
    found = after(wrap(optim.Groups(optim.Adam(0.1), HIDDEN)))
    for path, start in problem(np.float64)[0].items():
        assert (found[path] == start).all() == path.startswith("hidden.")


def test_what_is_frozen_has_no_gradient_to_clip_by() -> None:
    """The norm is that of the others alone: one layer of two is as if it were the only one."""
    frozen = after(optim.Clip(optim.Groups(optim.SGD(0.1), HIDDEN), norm=0.1))
    held = {path: p for path, p in parameters().items() if path.startswith("output")}
    size = np.sqrt(sum((p.value**2).sum() for p in held.values()))
    for path, p in held.items():
        np.testing.assert_allclose(frozen[path], p.value * (1 - 5 * 0.01 / size), rtol=1e-4)


def test_each_group_keeps_scalars_of_its_own() -> None:
    both = after(optim.Groups(optim.Prodigy(), (optim.Group("hidden.*", optim.Prodigy()),)))
    one = after(optim.Groups(optim.Prodigy(), HIDDEN))
    for path in ("output.W", "output.b"):
        np.testing.assert_array_equal(both[path], one[path])


def test_averages_of_groups_are_evaluated() -> None:
    average = optim.MovingAverage(optim.SGD(0.5), 0.5)
    found = after(optim.Groups(optim.SGD(0.5), (optim.Group("*.b", average),)), steps=1)
    start = problem(np.float64)[0]
    np.testing.assert_allclose(found["output.W"], start["output.W"] * 0.5)
    np.testing.assert_allclose(found["output.b"], start["output.b"] * 0.75)


def test_penalties_are_of_weights_alone_unless_asked_for() -> None:
    for everything in (False, True):
        for one in ({"l1": 0.1}, {"l2": 0.1}, {"decay": 0.1}, {"max_norm": 1e-3}):
            found = after(
                optim.Regularised(optim.SGD(0.1), **one, everything=everything),  # type: ignore[arg-type]
                decay=0.0,
            )
            for path, start in problem(np.float64)[0].items():
                assert (found[path] != start).any() == (everything or path.endswith(".W"))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: optim.Group(3, optim.SGD()), TypeError, "Group pattern is text"),  # type: ignore[arg-type]
        (lambda: optim.Group("*", 0.1), TypeError, "Group optimizer is an optimizer or None"),  # type: ignore[arg-type]
        (lambda: optim.Groups(optim.SGD(), ("*.b",)), TypeError, "takes Group"),  # type: ignore[arg-type]
        (
            lambda: optim.Group("*", optim.Clip(optim.SharpnessAware(optim.SGD()), norm=1.0)),
            TypeError,
            "SharpnessAware goes around Groups",
        ),
        (
            lambda: after(optim.Lookahead(optim.Clip(optim.Lookahead(optim.SGD()), norm=1.0))),
            ValueError,
            "a Lookahead goes around another one for 'hidden.W'",
        ),
    ],
)
def test_what_does_not_go_together(
    make: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e400])
def test_every_number_has_its_range(value: float) -> None:
    tried = 0
    for optimizer in EVERY:
        for field in fields(optimizer):
            if field.init and type(getattr(optimizer, field.name)) is float:
                with pytest.raises(ValueError, match=field.name):
                    replace(optimizer, **{field.name: value})
                tried += 1
    assert tried > 60
