"""From a step function to the graph of a training step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pellucid import nn, optim
from pellucid.errors import DataError
from pellucid.graph import Node, State, Tensor, origin, placeholder
from pellucid.graph.dtype import INT64
from pellucid.nn.inputs import apply
from pellucid.nn.parameter import Held
from pellucid.nn.scope import Making, making
from pellucid.train.batches import Batches
from pellucid.train.batches.base import Signature
from pellucid.train.steps.frozen import chain, check_frozen, other_values
from pellucid.train.steps.step import Networks, Step
from pellucid.train.steps.tracing import check_minimise
from pellucid.train.steps.training_step import TrainingStep

LossFunction = Callable[..., Tensor]
StepFunction = Callable[..., None]
"""Called with a `Step` and the parts of a batch: inputs, targets …"""


def supervised(net: nn.Module, loss: LossFunction, optimizer: optim.Optimizer) -> StepFunction:
    """The step of `fit`: minimise the loss between the outputs of a network and its targets."""

    def step(step: Step, x: Any, *targets: Tensor) -> None:
        step.minimise(scalar_loss(loss, apply(net, x), *targets), net, optimizer)

    return step


def training_step(
    function: StepFunction,
    networks: Mapping[str, nn.Module],
    batches: Batches,
    seed: int,
    *,
    signature: Signature | None = None,
    slots: dict[str, State] | None = None,
    parts: Sequence[Any] = (),
    start: int = 0,
) -> TrainingStep:
    """Forward and backward passes, updates and running statistics of one batch, as one graph.

    signature: of the batch, by default that of the first. slots: those of the same step for batches
    of another signature. parts: what the function calls, where classes of one's own are looked for.
    start: the step from which the optimizers count.
    Raises TracingError if a network, loss, optimizer or the function of the user's own draws with
    NumPy, computes with the array of a parameter instead of its tensor, or otherwise changes from call
    to call: the graph would hold what it was when it was built.
    """
    tensors = batches.tensors(signature or batches.signature())
    number = placeholder("step", (), INT64)
    shared: dict[str, State] = {} if slots is None else slots
    names = {id(net): name for name, net in networks.items()}

    def traced(calls: Sequence[int] = ()) -> tuple[TrainingStep, list[int], list[optim.Optimizer]]:
        with nn.training(seed=seed, step=number, names=names) as passed:
            step = Step(networks, passed, shared, calls, start)
            with step.tracing() as gathered:
                function(step, *tensors)
                finished = step.finished(function)
        uses = gathered.minimised
        return finished, [use.calls for use in uses], [use.optimizer for use in uses]

    step, calls, optimizers = traced()
    if any(count > 1 for count in calls):
        step = traced(calls)[0]
    modules = [module for net in networks.values() for _, module in net.named_modules()]
    inside = [each for optimizer in optimizers for each in chain(optimizer)]
    with other_values(step.states.values()):
        check_frozen([*modules, *inside, *parts], _roots(step), lambda: _roots(traced(calls)[0]))
    return step


def _roots(step: TrainingStep) -> list[Node]:
    return [*step.graph.outputs.values(), *step.graph.updates.values()]


def build_networks(
    function: StepFunction, networks: Mapping[str, nn.Module], batches: Batches, seed: int
) -> None:
    """Make the parameters of networks that have none, by calling the step function once.

    The first value of a parameter is a function of (seed, name of its network, its path). A network
    that follows another (`Step.follow`) begins with the values of that one.
    """
    if not all(net._built for net in networks.values()):
        rehearsed(function, networks, batches, seed)


def rehearsed(
    function: StepFunction, networks: Mapping[str, nn.Module], batches: Batches, seed: int
) -> list[optim.Optimizer]:
    """Call the step function without updating anything: networks are built, optimizers returned."""
    unbuilt = {name: net for name, net in networks.items() if not net._built}
    names = {id(net): name for name, net in unbuilt.items()}
    tensors = batches.tensors(batches.signature())
    with making(Making(seed, names=names)), nn.training(seed=seed) as passed:
        rehearsal = _Rehearsal(passed)
        function(rehearsal, *tensors)
    for name, net in unbuilt.items():
        if not net._built:
            raise DataError(
                f"the step function does not call the network {name!r}, so that its sizes are unknown: "
                "call it, or build it before"
            )
        for path, held in [*net.named_parameters(), *net.named_buffers()]:
            held.state.name = held.state.name or path
    for average, net in rehearsal.followed:
        if any(average is each for each in unbuilt.values()):
            source = dict(net._named(Held))
            for path, held in average._named(Held):
                held.state.value = source[path].state.value
    return rehearsal.optimizers


class _Rehearsal(Step):
    """A step whose networks may have no parameters yet: nothing is updated."""

    def __init__(self, passed: nn.ForwardPass) -> None:
        super().__init__({}, passed, {})
        self.optimizers: list[optim.Optimizer] = []
        self.followed: list[tuple[nn.Module, nn.Module]] = []

    def minimise(
        self, loss: Tensor, over: Networks, by: optim.Optimizer, *, every: int = 1
    ) -> None:
        """Note the optimizer."""
        check_minimise(loss, by, every)
        self.optimizers.append(by)

    def follow(self, average: nn.Module, net: nn.Module, decay: float = 0.999) -> None:
        """Note what follows what."""
        self.followed.append((average, net))

    def assign(self, held: Held, value: Tensor) -> None:
        """Nothing."""

    def report(self, **values: Tensor) -> None:
        """Nothing."""


def scalar_loss(loss: LossFunction, outputs: Tensor, *targets: Tensor) -> Tensor:
    """The loss; raises TypeError or ValueError unless the function returns a float scalar."""
    with origin("loss"):
        value = loss(outputs, *targets)
    if not isinstance(value, Tensor):
        raise TypeError(f"the loss returned a {type(value).__name__}, not a Tensor")
    if value.shape != ():
        raise ValueError(f"the loss is a scalar, got shape {value.shape}; reduce it with .mean()")
    return value
