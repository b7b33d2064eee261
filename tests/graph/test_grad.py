"""`grad`: structures, orders, sharing and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from tests.by_torch import ByTorch, torch
from tests.graph.support import assert_gradient, check_gradients


def test_structures() -> None:
    a, b = g.variable([1.0, 2]), g.variable(3.0)
    loss = (a * b).sum()
    assert g.grad(loss, a).tolist() == [3, 3]
    assert [d.tolist() for d in g.grad(loss, [a, b])] == [[3, 3], 3]
    assert [d.tolist() for d in g.grad(loss, (b, a, b))] == [3, [3, 3], 3]
    assert {k: d.tolist() for k, d in g.grad(loss, {"a": a, 7: b}).items()} == {"a": [3, 3], 7: 3}
    assert g.grad(loss, []) == [] and g.grad(loss, {}) == {}


def test_gradients_are_tensors_of_the_shape_and_type_of_each() -> None:
    a = g.variable(np.ones((2, 1), np.float32))
    b = g.variable(np.ones((3,), np.float64))
    for w, d in zip((a, b), g.grad((a * b).exp().sum(), [a, b]), strict=True):
        assert (d.shape, d.dtype) == (w.shape, w.dtype)


def test_unconnected_is_zero() -> None:
    a, b = g.variable([1.0, 2]), g.variable(np.ones((2, 3)))
    assert g.grad(a.sum(), b).tolist() == [[0, 0, 0]] * 2
    assert g.grad(a.sum(), [b, a])[0].dtype == np.float64
    through = a.cast(np.int32).cast(np.float32).sum()
    assert g.grad(through, a).tolist() == [0, 0]
    assert g.grad((a.floor() + a.sign()).sum(), a).tolist() == [0, 0]


def test_the_loss_itself_and_what_lies_between() -> None:
    x = g.variable(3.0)
    y = x * x
    z = y.exp()
    loss = z * y
    assert g.grad(loss, loss).item() == 1
    assert g.grad(loss, x).item() == pytest.approx(np.exp(9) * (1 + 9) * 6)
    assert g.grad(loss, y).item() == pytest.approx(np.exp(9) * (1 + 9))
    assert g.grad(loss, z).item() == 9
    # Each is as if it were an input: both ways from y are counted, and x is reached through y.
    by_y, by_x = g.grad(loss, [y, x])
    assert by_x.item() == pytest.approx(by_y.item() * 6)


def test_stop_gradient() -> None:
    x = g.variable([1.0, 2])
    assert g.grad((x.stop_gradient() * x).sum(), x).tolist() == [1, 2]
    assert g.grad(x.stop_gradient().sum(), x).tolist() == [0, 0]
    stopped = x.stop_gradient()
    assert g.grad((stopped * x).sum(), stopped).tolist() == [1, 2]


def test_an_input_used_many_times() -> None:
    x = g.variable(2.0)
    assert g.grad(x * x * x + x + x, x).item() == 14
    total = x
    for _ in range(40):
        total = total + total  # 2⁴⁰ paths
    assert g.grad(total, x).item() == 2.0**40
    w = g.variable(np.random.default_rng(0).standard_normal((3, 3)))
    check_gradients(lambda m: m @ m.T @ m + m * m.sum(0), [w.numpy()])


def test_of_a_gradient_norm(by_torch: ByTorch) -> None:
    """Gradient penalties differentiate the length of a gradient."""
    rng = np.random.default_rng(0)
    x = g.variable(rng.standard_normal((5, 3)))
    w, v = g.variable(rng.standard_normal((3, 4))), g.variable(rng.standard_normal((4,)))
    y = (x @ w).tanh() @ v
    slope = g.grad(y.sum(), x)
    penalty = ((slope.square().sum(1) + 1e-8).sqrt() - 1).square().mean()
    assert_gradient(penalty, [x, w, v])

    def gradients(*at: torch.Tensor) -> list[torch.Tensor]:
        x, w, v = (t.requires_grad_() for t in at)
        slope = torch.autograd.grad((torch.tanh(x @ w) @ v).sum(), x, create_graph=True)[0]
        penalty = ((slope.square().sum(1) + 1e-8).sqrt() - 1).square().mean()
        return list(torch.autograd.grad(penalty, [x, w, v]))

    expected = by_torch(gradients, x.numpy(), w.numpy(), v.numpy())
    for found, wanted in zip(g.grad(penalty, [x, w, v]), expected, strict=True):
        wanted.check(found.numpy(), rtol=1e-10, atol=1e-12)


def test_higher_orders() -> None:
    x = g.variable(np.array(0.7))
    sine, cosine = np.sin(0.7), np.cos(0.7)
    value = x.sin()
    for expected in (cosine, -sine, -cosine, sine, cosine, -sine):
        value = g.grad(value, x)
        assert value.item() == pytest.approx(expected, rel=1e-12)
    y = g.variable(np.array(1.3))
    assert g.grad(g.grad(y**4, y), y).item() == pytest.approx(12 * 1.3**2)


def test_hessian_of_a_quadratic_form() -> None:
    rng = np.random.default_rng(1)
    m = rng.standard_normal((4, 4))
    x = g.variable(rng.standard_normal(4))
    first = g.grad(x @ g.tensor(m) @ x, x)
    rows = [g.grad(first[i], x).numpy() for i in range(4)]
    np.testing.assert_allclose(rows, m + m.T, rtol=1e-12)


def test_gradient_descent_finds_the_least_squares_solution() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    w = g.variable(np.zeros(3))
    loss = (g.tensor(x) @ w - y).square().mean()
    update = {w.node.attrs["state"]: (w - 0.1 * g.grad(loss, w)).node}
    losses = g.executor().build(g.Graph({"loss": loss.node}, update)).run(500)["loss"]
    assert (np.diff(losses) <= 1e-15).all()
    np.testing.assert_allclose(w.numpy(), np.linalg.lstsq(x, y)[0], rtol=1e-8)


@pytest.mark.parametrize(
    ("loss", "wrt", "error", "text"),
    [
        (g.ones((2,)), g.ones(()), ValueError, r"a scalar, got float32\[2\]; reduce it first"),
        (g.tensor(1), g.ones(()), ValueError, r"floats, got int64\[\]"),
        (g.ones(()), g.tensor(1), TypeError, r"with respect to int64\[\]; cast it"),
        (g.ones(()), [g.ones(()), 1.0], TypeError, "grad takes tensors, got float"),
        (1.0, g.ones(()), TypeError, "grad takes tensors, got float"),
        (g.ones(()), [[g.ones(())]], TypeError, "grad takes tensors, got list"),
    ],
)
def test_refusals(loss: Any, wrt: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        g.grad(loss, wrt)
