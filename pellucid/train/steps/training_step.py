"""A training step as a graph, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pellucid import nn, optim
from pellucid.graph import Graph, Node, State
from pellucid.nn.parameter import Held
from pellucid.train.steps.trace import StepTrace


@dataclass(frozen=True)
class TrainingStep:
    """One training step as a graph, with what it reads and writes.

    Inputs of the graph: those of the batches, the rates, and "step" (int64), which counts from 0.

    graph:     its output "loss" is the loss before the update; "report.NAME" is a reported value.
    states:    everything that a step changes, by name: parameters, running statistics, slots.
    weights:   the parameters and buffers of the networks, by path: what best weights are kept of.
    evaluated: the states of averaged weights by the path of the parameter that they stand for, where
               an optimizer keeps any.
    rates:     for each input that holds a learning rate, the optimizer that it belongs to.
    layers:    the output node of each layer in the forward pass, by path.
    trace:     the tensors of the step, for probes.
    """

    graph: Graph
    states: Mapping[str, State]
    weights: Mapping[str, State]
    evaluated: Mapping[str, State]
    rates: Mapping[str, optim.Optimizer]
    layers: Mapping[str, Node]
    trace: StepTrace


LOSS = "loss"
REPORT = "report."


def network_states(networks: Mapping[str, nn.Module]) -> dict[str, State]:
    """Parameters and buffers of networks by path, such as `generator.0.W`; that of "" has no prefix."""
    return {
        path: held.state
        for prefix, net in networks.items()
        for named in (net.named_parameters(), net.named_buffers())
        for path, held in prefixed(prefix, named).items()
    }


def prefixed(prefix: str, named: Iterable[tuple[str, Held]]) -> dict[str, Held]:
    """Parameters or buffers by path below the name of their network."""
    start = f"{prefix}." if prefix else ""
    return {f"{start}{path}": held for path, held in named}
