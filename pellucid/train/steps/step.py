"""A training step of one's own: which optimizers minimise which losses over which networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from pellucid import check, nn, optim
from pellucid.graph import (
    Graph,
    Node,
    Shape,
    State,
    Tensor,
    origin,
    placeholder,
    read,
    tensor,
    where,
    zeros_like,
)
from pellucid.graph.dtype import FLOAT32
from pellucid.graph.node import substituted
from pellucid.nn.parameter import Held, Parameter
from pellucid.train.steps.trace import StepTrace
from pellucid.train.steps.tracing import (
    Minimised,
    Slots,
    Tracing,
    check_minimise,
    differentiated,
    rounds,
)
from pellucid.train.steps.training_step import LOSS, REPORT, TrainingStep, network_states, prefixed

Networks = nn.Module | Sequence[nn.Module]


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
        every: update in steps 0, `every`, 2 · `every` … only; in the others nothing of it changes.

        The gradient is that of the parameters alone: what earlier updates of this step were computed
        from is constant. Raises ValueError for a loss that does not depend on the parameters, or that
        was computed from values of them that this step has replaced since.
        """
        check_minimise(loss, by, every)
        parameters = self._parameters(over)
        with origin("update"):
            use = self._use(by, tuple(parameters), every)
            gradients = self._gradients(loss, parameters, by)
            self._update(use, parameters, gradients)
        self._traced.losses[self._loss_name(parameters)] = loss
        self._traced.gradients |= gradients

    def follow(self, average: nn.Module, net: nn.Module, decay: float = 0.999) -> None:
        """Move an average of weights towards a network: θ̄ ← decay · θ̄ + (1 − decay) · θ.

        average, net: two networks of the same structure. Buffers such as running statistics are
        copied. An average without weights of its own begins with those of the network. decay: at
        least 0, less than 1. As in mean teachers (Tarvainen & Valpola 2017) and BYOL.
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
        new = tensor(value)
        if new.node.type != read(state).node.type:
            raise ValueError(f"{state.name!r} holds {read(state).node.type}, got {new.node.type}")
        self._set(self._paths[id(held)], new.node)

    def report(self, **values: Tensor) -> None:
        """Scalars to record, by name: their means over the steps of an epoch are in the history."""
        for name, value in values.items():
            if name == LOSS or name.startswith(f"{LOSS}."):
                raise ValueError(
                    f"{name!r} is what is recorded of the losses already: report it by another name"
                )
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
        modules = over if isinstance(over, (list, tuple)) else [over]
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
            raise ValueError("minimise got networks without parameters")
        return chosen

    def _loss_name(self, parameters: Mapping[str, Tensor]) -> str:
        """How a loss is recorded: by the networks that it trains, and its number if there are more."""
        names = dict.fromkeys(
            name for name in self._networks for path in parameters if path.startswith(f"{name}.")
        )
        name = "+".join(names) or "0"
        count = sum(known.partition("#")[0] == name for known in self._traced.losses)
        return name if count == 0 else f"{name}#{count + 1}"

    def _gradients(
        self, loss: Tensor, parameters: Mapping[str, Tensor], by: optim.Optimizer
    ) -> dict[str, Tensor]:
        """The gradients that an optimizer takes, all values that this step has replaced held constant.

        An optimizer may evaluate the loss at other parameters (`SharpnessAware`): an update of this step
        that was computed from them stays what it is.
        """
        inputs = {
            held.node: placeholder(f"current/{path}", held.shape, held.dtype).node
            for path, held in self._held.items()
            if held.node is not read(held.state).node
        }
        inputs |= {
            Tensor(node).stop_gradient().node: placeholder(
                f"running/{i}", node.shape, node.dtype
            ).node
            for i, node in enumerate(self._pass.updates.values())
        }
        inner = Tensor(substituted(loss.node, inputs))
        # Copies keep the role of a parameter, by which optimizers choose.
        chosen = {path: copy(self._held[path]) for path in parameters}
        for path, parameter in chosen.items():
            parameter.node = inputs.get(parameters[path].node, parameter.node)
        self._check_current(inner, chosen)
        gradients = by.gradients(inner, chosen)
        values = {symbol: node for node, symbol in inputs.items()}
        return {path: Tensor(substituted(g.node, values)) for path, g in gradients.items()}

    def _check_current(self, loss: Tensor, parameters: Mapping[str, Tensor]) -> None:
        """Raise ValueError unless a loss depends on parameters, and on the values in force alone."""
        reached = differentiated(loss.node)
        for path, parameter in parameters.items():
            versions = self._traced.replaced.get(path, [])
            if any(node in reached for node in versions if node is not parameter.node):
                raise ValueError(
                    f"the loss was computed before {path!r} was updated in this step: call the network "
                    "again after the update, minimise the sum of both losses at once, or mark what was "
                    "computed before as constant with .stop_gradient()"
                )
        if not any(parameter.node in reached for parameter in parameters.values()):
            path = next(iter(parameters))
            raise ValueError(f"the loss does not depend on {path!r} or any other of the parameters")

    def _use(self, by: optim.Optimizer, paths: tuple[str, ...], every: int) -> Minimised:
        """The entry of an optimizer and its parameters, a new one at their first use."""
        for use in self._traced.minimised:
            if use.optimizer is by and use.paths == paths:
                if use.every != every:
                    raise ValueError("one optimizer is used with two values of `every`")
                return use
        index = len(self._traced.minimised)
        name = "learning_rate" if index == 0 else f"learning_rate#{index + 1}"
        states = {path: copy(self._held[path]) for path in paths}
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
        complete = made if use.every == 1 else rounds(made, use.every)[0]
        return complete if calls == 1 else complete * calls + use.calls

    def _update(
        self, use: Minimised, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        """Enter the updates of one use; what they read of states is what is in force."""
        held = {path: copy(self._held[path]) for path in parameters}
        updated = self._traced.updates
        states = [self._held[path].state for path in parameters] + list(use.slots.values())
        current = {read(s).node: updated[s] for s in states if s in updated}
        # Gradients were taken at values of their own, so what they read is not substituted.
        placeholders = {
            path: placeholder(f"gradient/{path}", g.shape, g.dtype) for path, g in gradients.items()
        }
        steps = use.optimizer.update(
            held, placeholders if current else gradients, use.slots, use.rate, self._count(use)
        )
        current |= (
            {placeholders[path].node: g.node for path, g in gradients.items()} if current else {}
        )
        use.calls += 1
        by_state = {self._held[path].state: path for path in parameters}
        for state, node in steps.items():
            value = substituted(node, current) if current else node
            if use.every > 1:
                made = self.number - self._start if self._start else self.number
                due = rounds(made, use.every)[1]
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
        # A gradient does not go through an update into what it was computed from.
        now = Tensor(node).stop_gradient().node
        self._traced.replaced.setdefault(path, []).append(held.node)
        held.node = now
        if not isinstance(held, Parameter):
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
        self._check_known(updates, [*weights.values(), *self._slots.values()])
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

    def _check_known(self, updates: Iterable[State], known: Iterable[State]) -> None:
        """Raise ValueError for a state that would change but is no part of what a run keeps."""
        foreign = set(updates) - set(known)
        if foreign:
            name = next(iter(foreign)).name
            raise ValueError(
                f"the step moves {name!r} of a network that is none of those that are trained "
                f"({', '.join(map(repr, self._networks))}): call it inside `with nn.evaluation():`, or "
                "pass it as one of them"
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
