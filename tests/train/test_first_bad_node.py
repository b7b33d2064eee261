"""A value that is not finite is laid to the part of the network that made it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.loop.first_bad_node import first_bad_node
from pellucid.train.steps.supervised import supervised_step

X = np.ones((4, 3), np.float32)
Y = np.zeros(4, np.int32)


class Log(nn.Module):
    """A layer that gives −∞."""

    def forward(self, x: Tensor) -> Tensor:
        """log 0."""
        return (x * 0.0).log()


class Between(nn.Module):
    """A block whose own op, between two layers, gives −∞."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(3), nn.Linear(2)

    def forward(self, x: Tensor) -> Tensor:
        """Layer, log 0, layer."""
        return self.second((self.first(x) * 0.0).log())


class After(nn.Module):
    """A network whose own op after its last layer gives −∞, and goes on."""

    def __init__(self) -> None:
        self.layer = nn.Linear(2)

    def forward(self, x: Tensor) -> Tensor:
        """Layer, log 0."""
        return (self.layer(x) * 0.0).log() + 1.0


class Noise(nn.augment.base.Augmentation):
    """An augmentation that gives −∞."""

    def augmented(self, x: Tensor, draws: nn.ForwardPass) -> Tensor:
        """log 0."""
        return (x * draws.uniform(x.shape) * 0.0).log()


def blamed(net: nn.Module, loss: Any = None, x: Any = X) -> str:
    """What is said of the first step."""
    step = supervised_step(net, loss or nn.CrossEntropy(), optim.SGD(0.1), (x, Y), 4, 0)
    feeds = {
        "rows": np.arange(4, dtype=np.int32),
        "learning_rate": np.array(0.1, np.float32),
        "step": np.array(0),
    }
    return first_bad_node(step, {name: feeds[name] for name in step.graph.inputs})


def own_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss whose own op gives −∞."""
    return (outputs * 0.0).log().mean()


JUDGE = nn.Linear(1).build((2,))


def judged(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss in which another network sees −∞."""
    return (JUDGE(outputs * 0.0) * 0.0).log().mean()


@pytest.mark.parametrize(
    ("net", "loss", "place"),
    [
        (nn.Sequential(nn.Linear(3), Log(), nn.Linear(2)), None, "layer '1' (Log)"),
        (nn.Sequential(nn.Linear(3), Between(), nn.ReLU()), None, "layer '1' (Between)"),
        (Between(), None, "the network's own forward (Between)"),
        (After(), None, "the network's own forward (After)"),
        (nn.Sequential(nn.Linear(3), After(), nn.Linear(2)), None, "layer '1' (After)"),
        (nn.Sequential(Noise(), nn.Linear(2)), None, "layer '0' (Noise)"),
        (nn.Residual(Between(), nn.Linear(2)), None, "layer 'block' (Between)"),
        (nn.Linear(2), own_loss, "the loss"),
        (nn.Linear(2), judged, "the loss"),
    ],
)
def test_the_part_that_made_it_is_named(net: nn.Module, loss: Any, place: str) -> None:
    said = blamed(net, loss)
    assert said.startswith("log gave")
    assert said.endswith(f", in {place}")


def test_weights_are_named_themselves() -> None:
    net = nn.Sequential(nn.Linear(3), nn.Linear(2)).build((3,))
    weights = dict(net.named_parameters())["1.W"]
    weights.value[0, 0] = np.inf
    assert blamed(net) == "'1.W' holds 1 values that are infinite"


def test_what_goes_wrong_on_the_way_back_is_named() -> None:
    class Root(nn.Module):
        """√x, whose slope at 0 is infinite."""

        def forward(self, x: Tensor) -> Tensor:
            """√0."""
            return (x * 0.0).sqrt()

    net = nn.Sequential(nn.Linear(2), Root())
    assert blamed(net).endswith(", in the backward pass of Root '1'")


def test_the_batch_is_named() -> None:
    x = X.copy()
    x[0, 0] = np.nan
    assert blamed(nn.Linear(2), x=x).startswith("'X' holds 1 values")


def test_a_mask_is_not_to_blame() -> None:
    """Attention that looks back has scores of −∞ by design."""
    x = np.ones((4, 3, 2), np.float32)
    before = nn.MultiHeadAttention(1, causal=True)
    net = nn.Sequential(before, nn.Flatten(), Log(), nn.Linear(2))
    assert blamed(net, x=x).endswith(", in layer '2' (Log)")
    net = nn.Sequential(before, nn.Flatten(), nn.Linear(2))
    assert blamed(net, x=x).startswith("every value of that step is finite")


def test_an_index_that_is_no_row_is_laid_to_its_table() -> None:
    net = nn.Sequential(nn.Embedding(3, 2), nn.Flatten(), nn.Linear(2)).build((3,))
    assert blamed(net, x=X).startswith("every value of that step is finite")
    assert blamed(net, x=X + 7).endswith("in layer '0' (Embedding)")


def test_a_class_that_is_none_is_laid_to_the_loss() -> None:
    assert blamed(nn.Linear(2), lambda o, y: nn.CrossEntropy()(o, y + 5)).endswith("in the loss")


def test_a_finite_step_is_blameless() -> None:
    assert blamed(nn.Linear(2)) == "every value of that step is finite when it is computed again"
    assert g.ones(1).node.origin == ""
