"""The mode of a forward pass: training or evaluation, its random draws, updates and activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from pellucid.graph import Node, Shape, State, Tensor, bernoulli, normal, read, tensor, uniform
from pellucid.graph.dtype import INT64
from pellucid.nn.tree import join

Source = Tensor | int


class ForwardPass:
    """One forward pass as layers see it.

    training:    whether random layers draw and running statistics move.
    seed, step:  int64 scalars; a draw is a function of (seed, step, its number, element).
    updates:     for each running statistic, the node of its next value, for `Graph.updates`.
    activations: the output of each module by path, in the order of computation. A module that is
                 called again appears as `path#2`, and so on.
    momentum:    how far running statistics move, a scalar; None: as far as each layer says.
    outputs:     the last output of each network by its name, where networks are named.
    around:      the pass of training inside which this one was begun, None for none.
    mixed:       the rows of which each row is a mixture: row numbers (int32, None for the row itself)
                 with shares (batch,) that add up to 1; empty if no layer mixed rows.
    """

    def __init__(
        self,
        training: bool,
        seed: Source,
        step: Source,
        momentum: Tensor | None = None,
        names: Mapping[int, str] | None = None,
    ) -> None:
        """names: by the `id` of a network what paths in it begin with; those of others are left out."""
        self.training = training
        self._names = names
        self.outputs: dict[str, Tensor] = {}
        self.momentum = momentum
        self.seed = _scalar("seed", seed)
        self.step = _scalar("step", step)
        self.updates: dict[State, Node] = {}
        self.activations: dict[str, Tensor] = {}
        self.mixed: list[tuple[Tensor | None, Tensor]] = []
        self.around: ForwardPass | None = None
        self._calls: dict[str, int] = {}
        self._draws = 0

    def _next_draw(self) -> int:
        self._draws += 1
        return self._draws - 1

    def uniform(self, shape: Shape) -> Tensor:
        """Fresh random numbers, uniform on [0, 1)."""
        return uniform(shape, seed=self.seed, step=self.step, draw=self._next_draw())

    def normal(self, shape: Shape) -> Tensor:
        """Fresh random numbers from the standard normal distribution."""
        return normal(shape, seed=self.seed, step=self.step, draw=self._next_draw())

    def bernoulli(self, shape: Shape, probability: float) -> Tensor:
        """Fresh conditions, each true with this probability."""
        return bernoulli(shape, probability, seed=self.seed, step=self.step, draw=self._next_draw())

    def current(self, state: State) -> Tensor:
        """The value of a running statistic, with the updates made to it so far in this pass."""
        if state in self.updates:
            return Tensor(self.updates[state])
        return read(state) if self.around is None else self.around.current(state)

    def mix(self, partner: Tensor, share: Tensor) -> None:
        """Note for losses that row i is now share_i of itself and 1 − share_i of row partner_i."""
        before = self.mixed or [(None, tensor(1.0, share.dtype).broadcast_to(share.shape))]
        own = [(rows, part * share) for rows, part in before]
        others = [
            (partner if rows is None else rows.take(partner), part.take(partner) * (1.0 - share))
            for rows, part in before
        ]
        self.mixed = [*own, *others]

    def record(self, root: object, path: str, output: Tensor) -> None:
        """Keep the output of the module at `path` of the network `root`."""
        if self._names is not None:
            name = self._names.get(id(root))
            if name is None:
                return
            if not path:
                self.outputs[name] = output
            path = join(name, path) if path else name
        count = self._calls[path] = self._calls.get(path, 0) + 1
        self.activations[path if count == 1 else f"{path}#{count}"] = output


_current: ContextVar[ForwardPass | None] = ContextVar("forward_pass", default=None)


def forward_pass() -> ForwardPass | None:
    """The pass in force, None outside `training` and `evaluation`."""
    return _current.get()


def training_pass() -> ForwardPass | None:
    """The pass in force if it is one of training, else None."""
    current = _current.get()
    return current if current is not None and current.training else None


def is_training() -> bool:
    """Whether layers build what training needs; False outside `training`."""
    return training_pass() is not None


@contextmanager
def training(
    seed: Source | None = None,
    step: Source | None = None,
    momentum: Tensor | None = None,
    names: Mapping[int, str] | None = None,
) -> Iterator[ForwardPass]:
    """Networks called inside are in training mode.

    seed, step: int64 scalars or Python integers, 0 by default; random draws are a function of both. As
    inputs of the graph they give new draws at each step.
    momentum:   how far running statistics move, instead of their layers' settings: 1 / n at the n-th
    batch makes them plain means over batches.
    names:      by the `id` of a network, the name that paths of activations in it begin with; those of
    other networks are not kept.

    Without settings, inside another pass of training, it is that pass again, such as in a step of one's
    own: its draws go on, and what it updates is kept.
    """
    plain = all(given is None for given in (seed, step, momentum, names))
    chosen = _training_around() if plain else None
    if chosen is None:
        chosen = ForwardPass(True, _or_zero(seed), _or_zero(step), momentum, names)
    with _in_force(chosen) as current:
        yield current


@contextmanager
def evaluation() -> Iterator[ForwardPass]:
    """Networks called inside are in evaluation mode, as outside, and their activations are kept.

    Inside a pass of training, running statistics have the values that this pass has moved them to.
    """
    chosen = ForwardPass(False, 0, 0)
    chosen.around = _training_around()
    with _in_force(chosen) as current:
        yield current


@contextmanager
def _in_force(chosen: ForwardPass) -> Iterator[ForwardPass]:
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


def _training_around() -> ForwardPass | None:
    """The innermost pass of training that the code runs in."""
    found = _current.get()
    return found if found is None or found.training else found.around


def _or_zero(given: Source | None) -> Source:
    return 0 if given is None else given


def _scalar(name: str, value: Source) -> Tensor:
    scalar = value if isinstance(value, Tensor) else tensor(value, INT64)
    if scalar.shape != () or scalar.dtype != INT64:
        raise TypeError(f"{name} is an int64 scalar, got {scalar.node.type}")
    return scalar
