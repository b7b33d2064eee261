"""The workloads of `benchmarks.step` are the same network in every library."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.step import aligned, page
from benchmarks.steps import own, sklearn_peer
from benchmarks.steps.workloads import NOISE, WORKLOADS, batches, data, weights
from tests.by_torch import ByTorch


@pytest.mark.parametrize(
    "name",
    [
        *("mlp-small", "mlp-deep", "mlp-table", "mlp-mnist", "cnn-small", "transformer"),
        "resnet20-predict-1",
    ],
)
def test_pytorch_and_pellucid_have_the_same_losses(name: str, by_torch: ByTorch) -> None:
    work = WORKLOADS[name].without_dropout()
    mine = own.Peer(work, "native", 1).run(4)

    def run(*arguments: object) -> list[list[float]]:
        from benchmarks.steps import torch_peer

        return [torch_peer.Peer(work, "fused", 1).run(4)]

    (theirs,) = by_torch(run, batches(work, 4), *data(work), *weights(work))
    theirs.check(np.array(mine), rtol=1e-4)


@pytest.mark.parametrize("name", ["mlp-small", "mlp-table"])
def test_scikit_learn_and_pellucid_have_the_same_losses(name: str) -> None:
    mine = own.Peer(WORKLOADS[name], "native", 1).run(20)
    theirs = sklearn_peer.Peer(WORKLOADS[name], "partial_fit", 1).run(20)
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)


@pytest.mark.parametrize("name", ["mlp-deep", "mlp-mnist", "cnn-small", "lstm", "dcgan"])
def test_scikit_learn_says_what_it_cannot(name: str) -> None:
    with pytest.raises(NotImplementedError, match="plain perceptrons"):
        sklearn_peer.Peer(WORKLOADS[name], "partial_fit", 1)


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_weights_fit_the_network(name: str) -> None:
    work = WORKLOADS[name]
    net = own.network(work.layers).build((NOISE,) if work.against else work.shape)
    nets = [net, own.network(work.against).build(work.shape)] if work.against else [net]
    shapes = [parameter.shape for each in nets for _, parameter in each.named_parameters()]
    assert shapes == [value.shape for value in weights(work)]
    assert data(work)[0].shape[1:] == work.shape
    assert batches(work, 3).shape == (3, work.batch)


def test_a_page_names_the_best_peer() -> None:
    row: dict[str, object] = {
        "workload": "w",
        "microseconds": {"pellucid": 10.0, "torch eager": 40.0, "jax scan": 25.0},
        "best_peer": "jax scan",
        "best_peer_ratio": 2.5,
        "torch_ratio": 4.0,
        "share_of_peak": 0.5,
        "losses": ["jax scan: the same losses over 20 steps (1.0e-06)"],
    }
    text = "\n".join(page(row))
    assert "2.50 (jax scan)" in text and "4.00" in text and "50% of FMA peak" in text


def test_numbers_stand_to_the_right() -> None:
    assert aligned([("a", "1"), ("bcd", "23")]) == ["a     1", "bcd  23"]
