"""A training step of one's own: which optimizers minimise which losses over which networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pellucid import check, nn, optim
from pellucid.graph import (
    Graph,
    Node,
    Shape,
    State,
    Tensor,
    ordered,
    origin,
    placeholder,
    read,
    tensor,
    where,
    zeros_like,
)
from pellucid.graph.dtype import FLOAT32, FLOAT64, INT64
from pellucid.graph.node import substituted
from pellucid.nn.parameter import Held, Parameter
from pellucid.train.trace import StepTrace
from pellucid.train.training_step import LOSS, REPORT, TrainingStep, network_states, prefixed

Networks = nn.Module | Sequence[nn.Module]
Slots = dict[str, State]


@dataclass
class Minimised:
    """The uses that a step makes of one optimizer.

    path: what its inputs and slots are named by. calls: updates in one step so far.
    """

    optimizer: optim.Optimizer
    paths: tuple[str, ...]
    every: int
    rate: Tensor
    slots: Slots
    calls: int = 0


@dataclass
class Tracing:
    """What the tracing of a step has gathered so far."""

    losses: dict[str, Tensor] = field(default_factory=dict)
    reports: dict[str, Tensor] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)
    updates: dict[State, Node] = field(default_factory=dict)
    minimised: list[Minimised] = field(default_factory=list)


class Step:
    """One training step while it is built: a step function gets it, and then the batch's tensors.

    Tensors are computed with the weights that are in force where they are written: a network that is
    called after `minimise` has the updated weights, one called before has the old ones.

    number: the number of this step, counted from 0, an int64 scalar that changes from step to step.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        passed: nn.ForwardPass,
        slots: Slots,
        calls: Sequence[int] = (),
        start: int = 0,
    ) -> None:
        """Slots are those of an earlier tracing, to be used again, where there was one.

        calls: how often in each step that tracing used each optimizer. start: the step from which the
        optimizers count.
        """
        self._start = start
        self.number = passed.step
        self._networks = networks
        self._pass = passed
        self._slots = slots
        self._calls = calls
        self._held: dict[str, Held] = {}
        for prefix, net in networks.items():
            self._held |= prefixed(prefix, net.named_parameters())
            self._held |= prefixed(prefix, net.named_buffers())
        self._paths = {id(held): path for path, held in self._held.items()}
        self._traced = Tracing()

    # -- random draws -----------------------------------------------------------------------------

    def normal(self, shape: Shape) -> Tensor:
        """Draws from the standard normal distribution, new in each step."""
        return self._pass.normal(shape)

    def uniform(self, shape: Shape) -> Tensor:
        """Draws from the uniform distribution on [0, 1), new in each step."""
        return self._pass.uniform(shape)

    def bernoulli(self, shape: Shape, probability: float) -> Tensor:
        """Conditions that are true with a probability, new in each step."""
        return self._pass.bernoulli(shape, probability)

    # -- what the step does -----------------------------------------------------------------------

    def minimise(
        self, loss: Tensor, over: Networks, by: optim.Optimizer, *, every: int = 1
    ) -> None:
        """Update the parameters of networks by one step of an optimizer down the gradient of a loss.

        loss:  a float scalar. It is recorded; what training is stopped by is the sum of all.
        over:  a network or part of one, or several; each belongs to a network that is trained.
        by:    the optimizer. Used twice for the same networks, it keeps one set of slots and counts
               every use as a step.
        every: update in each `every`-th step only; in the others nothing of it changes.

        Raises ValueError for a loss that does not depend on the parameters, or that was computed
        before the last update of them.
        """
        _check_loss(loss)
        if not isinstance(by, optim.Optimizer):
            raise TypeError(f"by is an optimizer, such as optim.Adam(), got {check.brief(by)}")
        check.integer("every", every, 1)
        parameters = self._parameters(over)
        self._check_current(loss, parameters)
        with origin("update"):
            use = self._use(by, tuple(parameters), every)
            gradients = by.gradients(loss, parameters)
            self._update(use, parameters, gradients)
        self._traced.losses[self._loss_name(parameters)] = loss
        self._traced.gradients |= gradients

    def follow(self, average: nn.Module, net: nn.Module, decay: float = 0.999) -> None:
        """Move an average of weights towards a network: θ̄ ← decay · θ̄ + (1 − decay) · θ.

        average, net: two networks of the same structure. Buffers such as running statistics are
        copied. decay: at least 0, less than 1. As in mean teachers (Tarvainen & Valpola 2017) and BYOL.
        """
        if not 0 <= check.plain("decay", decay) < 1:
            raise ValueError(f"decay is at least 0 and less than 1, got {decay}")
        targets, sources = dict(average._named(Held)), dict(net._named(Held))
        different = [
            path
            for path in dict.fromkeys([*targets, *sources])
            if path not in targets
            or path not in sources
            or targets[path].node.type != sources[path].node.type
        ]
        if different:
            raise ValueError(
                f"follow takes two networks of the same structure, but {different[0]!r} differs"
            )
        for path, held in targets.items():
            source = self._current(sources[path])
            if isinstance(held, Parameter):
                now = self._current(held)
                source = now + (source.stop_gradient() - now) * (1.0 - decay)
            self.assign(held, source)

    def assign(self, held: Held, value: Tensor) -> None:
        """Give a parameter or buffer of a network another value, of its shape and type."""
        if id(held) not in self._paths:
            raise ValueError("assign takes a parameter or buffer of a network that is trained")
        state = held.state
        given = tensor(value)
        if given.node.type != read(state).node.type:
            raise ValueError(f"{state.name!r} holds {read(state).node.type}, got {given.node.type}")
        self._set(self._paths[id(held)], given.node)

    def report(self, **values: Tensor) -> None:
        """Scalars to record, by name: their means over the steps of an epoch are in the history."""
        for name, value in values.items():
            if not isinstance(value, Tensor) or value.shape != ():
                raise TypeError(
                    f"report takes scalar tensors, got {check.brief(value)} as {name!r}"
                )
            if name in self._traced.reports:
                raise ValueError(f"{name!r} is reported twice")
            self._traced.reports[name] = value

    # -- how ----------------------------------------------------------------------------------------

    def _parameters(self, over: Networks) -> dict[str, Tensor]:
        """The parameters of networks by path, each with the value that is in force."""
        modules = [over] if isinstance(over, nn.Module) else list(over)
        chosen: dict[str, Tensor] = {}
        for module in modules:
            if not isinstance(module, nn.Module):
                raise TypeError(f"over is a network, or several, got {check.brief(module)}")
            for path, parameter in module.named_parameters():
                if id(parameter) not in self._paths:
                    raise ValueError(
                        f"the parameter {path!r} belongs to none of the networks that are trained "
                        f"({', '.join(map(repr, self._networks))}): pass its network as one of them"
                    )
                chosen[self._paths[id(parameter)]] = parameter
        if not chosen:
            raise ValueError("minimise is given networks without parameters")
        return chosen

    def _loss_name(self, parameters: Mapping[str, Tensor]) -> str:
        """How a loss is recorded: by the networks that it trains, and its number if there are more."""
        names = dict.fromkeys(
            name for name in self._networks for path in parameters if path.startswith(f"{name}.")
        )
        name = "+".join(names) or "0"
        count = sum(known.partition("#")[0] == name for known in self._traced.losses)
        return name if count == 0 else f"{name}#{count + 1}"

    def _check_current(self, loss: Tensor, parameters: Mapping[str, Tensor]) -> None:
        reached = set(ordered([loss.node]))
        if any(parameter.node in reached for parameter in parameters.values()):
            return
        path = next(iter(parameters))
        stale = any(read(self._held[p].state).node in reached for p in parameters)
        if stale:
            raise ValueError(
                f"the loss was computed before {path!r} was updated in this step: call the network "
                "again after the update, or minimise the sum of both losses at once"
            )
        raise ValueError(f"the loss does not depend on {path!r} or any other parameter given")

    def _use(self, by: optim.Optimizer, paths: tuple[str, ...], every: int) -> Minimised:
        """The entry of an optimizer and its parameters, a new one at their first use."""
        for use in self._traced.minimised:
            if use.optimizer is by and use.paths == paths:
                if use.every != every:
                    raise ValueError("one optimizer is used with two values of `every`")
                return use
        index = len(self._traced.minimised)
        name = "learning_rate" if index == 0 else f"learning_rate#{index + 1}"
        states = {path: read(self._held[path].state) for path in paths}
        slots: Slots = {}
        for slot, state in by.init(states).items():
            key = slot if index == 0 else f"{slot}#{index + 1}"
            slots[slot] = self._slots.setdefault(key, state)
        use = Minimised(by, paths, every, placeholder(name, (), FLOAT32), slots)
        self._traced.minimised.append(use)
        return use

    def _count(self, use: Minimised) -> Tensor:
        """How many updates the optimizer made before this one."""
        index = self._traced.minimised.index(use)
        calls = self._calls[index] if index < len(self._calls) else 1
        made = self.number - self._start if self._start else self.number
        rounds = made if use.every == 1 else _rounds(made, use.every)[0]
        return rounds if calls == 1 else rounds * calls + use.calls

    def _update(
        self, use: Minimised, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        """Enter the updates of one use; what they read of states is what is in force."""
        held = {path: read(self._held[path].state) for path in parameters}
        updated = self._traced.updates
        states = [self._held[path].state for path in parameters] + list(use.slots.values())
        current = {read(s).node: updated[s] for s in states if s in updated}
        # Gradients were taken at values of their own, so what they read is not substituted.
        given = {
            path: placeholder(f"gradient/{path}", g.shape, g.dtype) for path, g in gradients.items()
        }
        steps = use.optimizer.update(
            held, given if current else gradients, use.slots, use.rate, self._count(use)
        )
        current |= {given[path].node: g.node for path, g in gradients.items()} if current else {}
        use.calls += 1
        by_state = {self._held[path].state: path for path in parameters}
        for state, node in steps.items():
            value = substituted(node, current) if current else node
            if use.every > 1:
                made = self.number - self._start if self._start else self.number
                due = _rounds(made, use.every)[1]
                before = Tensor(updated.get(state, read(state).node))
                value = where(due, Tensor(value), before).node
            if state in by_state:
                self._set(by_state[state], value)
            else:
                updated[state] = value

    def _set(self, path: str, node: Node) -> None:
        """Give a parameter or buffer its next value, which networks called from now on read."""
        held = self._held[path]
        self._traced.updates[held.state] = node
        if isinstance(held, Parameter):
            held.node = node
        else:
            self._pass.updates[held.state] = node

    def _current(self, held: Held) -> Tensor:
        return held if isinstance(held, Parameter) else self._pass.current(held.state)

    @contextmanager
    def tracing(self) -> Iterator[Tracing]:
        """What a step function that is called inside does; parameters are read as before afterwards."""
        self._traced = Tracing()
        try:
            yield self._traced
        finally:
            for held in self._held.values():
                held.node = read(held.state).node

    def finished(self, function: Callable[..., Any]) -> TrainingStep:
        """The step that was traced."""
        traced = self._traced
        if not traced.losses:
            name = getattr(function, "__qualname__", repr(function))
            raise ValueError(f"{name} minimises nothing: call step.minimise(loss, net, optimizer)")
        losses = list(traced.losses.values())
        loss = losses[0]
        for other in losses[1:]:
            loss = loss + other.cast(loss.dtype)
        outputs = {LOSS: loss.node}
        outputs |= {f"{REPORT}{name}": value.node for name, value in traced.reports.items()}
        if len(losses) > 1:
            outputs |= {f"{LOSS}.{name}": each.node for name, each in traced.losses.items()}
        updates = {**traced.updates, **self._pass.updates}
        weights = network_states(self._networks)
        averaged: dict[str, State] = {}
        for use in traced.minimised:
            averaged |= use.optimizer.evaluated(use.slots)
        return TrainingStep(
            Graph(outputs, updates),
            {**weights, **self._slots},
            weights,
            averaged,
            {use.rate.node.attrs["name"]: use.optimizer for use in traced.minimised},
            {path: output.node for path, output in self._pass.activations.items()},
            self._trace(loss),
        )

    def _trace(self, loss: Tensor) -> StepTrace:
        states = {p: h.state for p, h in self._held.items() if isinstance(h, Parameter)}
        before = {path: read(state) for path, state in states.items()}
        updates = self._traced.updates
        moved = {
            path: Tensor(updates[state]) - before[path]
            if state in updates
            else zeros_like(before[path])
            for path, state in states.items()
        }
        activations = self._pass.activations
        return StepTrace(
            loss, self._pass.outputs, activations, before, self._traced.gradients, moved
        )


def _check_loss(loss: Any) -> None:
    if not isinstance(loss, Tensor):
        raise TypeError(f"the loss is a {type(loss).__name__}, not a Tensor")
    if loss.shape != ():
        raise ValueError(f"the loss is a scalar, got shape {loss.shape}; reduce it with .mean()")


def _rounds(number: Tensor, every: int) -> tuple[Tensor, Tensor]:
    """How many complete rounds of so many steps lie before a step, and whether one begins with it.

    Counted in float64, which holds whole numbers to 2⁵³.
    """
    exact = number.cast(FLOAT64)
    rounds = (exact / float(every)).floor()
    return rounds.cast(INT64), (rounds * float(every)).equal(exact)
