"""Philox against its published vectors, the statistics of what is drawn, and repeatability."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pellucid import graph as g
from pellucid.graph import Tensor
from pellucid.graph.philox import philox, random_words

# Random123 1.14, tests/kat_vectors, "philox4x32 10": counter, key, result.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip
DRAWS: dict[str, Callable[..., Tensor]] = {
    "uniform": g.uniform,
    "normal": g.normal,
    "bernoulli": lambda shape, **at: g.bernoulli(shape, 0.3, **at),
}
each_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_known_answers(counter: str, key: str, result: str) -> None:
    c0, c1, c2, c3 = (np.array([word], np.uint32) for word in words(counter))
    k0, k1 = words(key)
    assert [int(word[0]) for word in philox((c0, c1, c2, c3), (k0, k1))] == words(result)


def test_which_counter_gives_which_word() -> None:
    """The words lie where `random_words` says: counter (block, draw, step, step >> 32)."""
    seed, step, draw = 0x1234_5678_9ABC, 0x7_0000_0003, 9
    found = random_words(10, seed, step, draw)
    for i in range(10):
        counter = (i // 4, draw, step & 0xFFFFFFFF, step >> 32)
        c0, c1, c2, c3 = (np.array([word], np.uint32) for word in counter)
        block = philox((c0, c1, c2, c3), (seed & 0xFFFFFFFF, seed >> 32))
        assert found[i] == block[i % 4][0]


def test_uniform_is_uniform() -> None:
    x = g.uniform((200_000,), seed=11).numpy()
    assert x.dtype == np.float32 and x.min() >= 0 and x.max() < 1
    assert stats.kstest(x, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.01
    assert len(np.unique(x)) > 198_000


def test_normal_is_normal() -> None:
    for dtype in ("float32", "float64"):
        x = g.normal((200_001,), seed=12, dtype=dtype).numpy()
        assert x.dtype == dtype and np.isfinite(x).all()
        assert stats.kstest(x, "norm").pvalue > 0.01
        assert abs(np.corrcoef(x[:-1:2], x[1::2])[0, 1]) < 0.01
        assert abs(float(np.mean(x.astype(float) ** 4)) - 3) < 0.05


@pytest.mark.parametrize("probability", [0.0, 0.001, 0.3, 0.5, 0.999, 1.0])
def test_bernoulli_has_its_probability(probability: float) -> None:
    count = 200_000
    hits = int(g.bernoulli((count,), probability, seed=13).numpy().sum())
    assert stats.binomtest(hits, count, probability).pvalue > 0.01


@each_draw
def test_another_seed_step_or_draw_is_independent(draw: Callable[..., Tensor]) -> None:
    shape = (20_000,)
    base = draw(shape, seed=1, step=2, draw=3).numpy().astype(float)
    others: list[dict[str, int]] = [
        {"seed": 2, "step": 2, "draw": 3},
        {"seed": 1 + 2**32, "step": 2, "draw": 3},
        {"seed": -1, "step": 2, "draw": 3},
        {"seed": 1, "step": 3, "draw": 3},
        {"seed": 1, "step": 2 + 2**32, "draw": 3},
        {"seed": 1, "step": 2, "draw": 4},
        {"seed": 3, "step": 2, "draw": 1},
    ]
    for at in others:
        other = draw(shape, **at).numpy().astype(float)
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.03


@each_draw
def test_running_twice_draws_the_same(draw: Callable[..., Tensor]) -> None:
    x = draw((5, 7), seed=3, step=4)
    first = x.numpy()
    np.testing.assert_array_equal(first, x.numpy())
    np.testing.assert_array_equal(first, draw((5, 7), seed=3, step=4).numpy())
    assert draw((5, 7), seed=3, step=4).node is x.node
    both = (x == x).all()
    assert bool(both) and bool(both)
    # A shorter draw is the beginning of a longer one, whatever the shape.
    np.testing.assert_array_equal(draw((12,), seed=3, step=4).numpy(), first.reshape(-1)[:12])


@each_draw
def test_the_step_can_be_an_input_or_a_state(draw: Callable[..., Tensor]) -> None:
    step = g.placeholder("step", (), np.int64)
    count = g.variable(np.array(5, np.int64), "count")
    state = count.node.attrs["state"]
    outputs = {"a": draw((6,), seed=9, step=step).node, "b": draw((6,), seed=9, step=count).node}
    program = g.executor().build(g.Graph(outputs, {state: (count + 1).node}))
    found = program.run(3, {"step": np.array([5, 6, 7])})
    np.testing.assert_array_equal(found["a"], found["b"])
    np.testing.assert_array_equal(found["a"][1], draw((6,), seed=9, step=6).numpy())
    assert not np.array_equal(found["a"][0], found["a"][1]) or draw is DRAWS["bernoulli"]


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (2, 3, 5), 7])
def test_shapes(shape: Any) -> None:
    expected = (7,) if shape == 7 else shape
    for draw in DRAWS.values():
        assert draw(shape, seed=0).shape == draw(shape, seed=0).numpy().shape == expected


def test_draws_are_constant_to_grad() -> None:
    w = g.variable(2.0)
    noise = g.normal((), seed=1)
    assert g.grad(w * noise, w).item() == noise.item()
    assert g.grad(w * noise, noise).item() == 2


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: g.uniform((2,), seed=1.5), TypeError, r"seed and step are integers, got float32"),
        (lambda: g.uniform((2,), seed=g.arange(2)), TypeError, r"got int64\[2\]"),
        (
            lambda: g.uniform((2,), seed=0, dtype="int32"),
            TypeError,
            "float32 or float64, got int32",
        ),
        (lambda: g.normal((-2,), seed=0), ValueError, r"lengths of at least 0, got \(-2,\)"),
        (lambda: g.bernoulli((2,), 1.5, seed=0), ValueError, "probability from 0 to 1, got 1.5"),
        (lambda: g.bernoulli((2,), float("nan"), seed=0), ValueError, "probability from 0 to 1"),
        (lambda: g.uniform((2,), seed=0, draw=-1), ValueError, "draw number from 0 to"),
        (lambda: g.uniform((2,), seed=0, draw=2**32), ValueError, "draw number from 0 to"),
    ],
)
def test_what_is_refused(make: Callable[[], Tensor], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()
