"""The graphs of training and evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import nn
from pellucid.compile import work
from pellucid.train import step as module
from pellucid.train.step import Evaluator

rng = np.random.default_rng(0)


@pytest.mark.parametrize("most", [1, 100_000, 10**12])
def test_a_call_of_a_large_network_takes_few_rows(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing interrupts a call, so none may take long; the results are those of one call."""
    monkeypatch.setattr(module, "_CALL_WORK", most)
    x = rng.normal(size=(50, 20)).astype(np.float32)
    y = rng.integers(0, 3, 50).astype(np.int32)
    net = nn.MLP([30], 3).build(x)
    evaluator = Evaluator(net, nn.CrossEntropy(), (x, y))
    sizes = {rows: work(graph) for _, rows, _, graph, _ in evaluator._parts}
    assert all(done <= most or rows == 1 for rows, done in sizes.items())
    assert sum(rows * chunks for _, rows, chunks, _, _ in evaluator._parts) == 50
    outputs, loss = evaluator.run()
    np.testing.assert_allclose(outputs, net(x).numpy(), rtol=1e-5, atol=1e-6)
    assert loss == pytest.approx(float(nn.CrossEntropy()(net(x), y)), rel=1e-5)
