"""Random graphs: a pure function of a seed, to test executors against the reference.

    graph = random_graph(seed)                     # outputs and state updates
    given = random_feeds(graph, seed, steps=2)     # what its inputs are fed
    executor.build(graph).run(2, given)            # changes the graph's states

Two calls with one seed build the same graph over fresh states, so each executor gets its own.

Rounding differs between executors, and an op with a jump (floor, comparison, argmax, a cast to
integers) turns a last bit into a whole unit. Such ops are therefore applied only to values that
every executor computes to the same bits: leaves, moved leaves, integers (see `exact`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.graph import Graph, Node, Shape, Tensor

LENGTHS = (1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 64)
PURE = {
    *("neg", "abs", "sign", "maximum", "minimum", "where", "relu", "floor", "cast"),
    *("reshape", "transpose", "broadcast", "slice", "pad", "flip", "concatenate"),
    *("take", "max", "stop_gradient", "uniform"),
}


@dataclass(frozen=True)
class Settings:
    """What a random graph may hold.

    productions:  how many times the graph is grown; each adds one to about twenty nodes.
    max_elements: no tensor is larger.
    smooth:       only differentiable float64 ops and one scalar output "loss" of the states, for
                  finite differences.
    wild:         values may leave the domain of log, √, / and pow: NaN and infinities appear.
    double:       floats are float64.
    moves:        mostly gathers and movements above them.
    """

    productions: int = 14
    max_elements: int = 4096
    smooth: bool = False
    wild: bool = False
    double: bool = False
    moves: bool = False


@dataclass
class Builder:
    """A graph while it grows: its tensors so far and the source of its choices."""

    rng: np.random.Generator
    settings: Settings
    pool: list[Tensor] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)
    updates: dict[g.State, Node] = field(default_factory=dict)
    names: int = 0
    draws: int = 0
    _exact: dict[Node, bool] = field(default_factory=dict)

    # -- choices ------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def below(self, n: int) -> int:
        """A number from 0 to n − 1."""
        return int(self.rng.integers(n))

    def one_of(self, items: Any) -> Any:
        """One of the items."""
        return items[self.below(len(items))]

    def length(self) -> int:
        """A length of an axis, now and then 0."""
        zero = not self.settings.smooth and self.chance(0.02)
        return 0 if zero else int(self.one_of(LENGTHS))

    def shape(self, least: int = 0) -> Shape:
        """A shape of `least` to 4 axes."""
        while True:
            ndim = max(least, self.one_of((0, 1, 1, 2, 2, 2, 3, 3, 4)))
            shape = tuple(self.length() for _ in range(ndim))
            if self.fits(shape):
                return shape

    def fits(self, shape: Shape) -> bool:
        """Whether a tensor of this shape is small enough."""
        return int(np.prod(shape, dtype=np.int64)) <= self.settings.max_elements

    def float_dtype(self) -> Any:
        """float32 most of the time."""
        double = self.settings.smooth or self.settings.double or self.chance(0.15)
        return np.dtype(np.float64 if double else np.float32)

    def axes(self, x: Tensor, least: int = 0) -> tuple[int, ...]:
        """Some axes of x."""
        count = self.rng.integers(min(least, x.ndim), x.ndim + 1)
        return tuple(int(a) for a in sorted(self.rng.permutation(x.ndim)[:count]))

    # -- leaves -------------------------------------------------------------------------------

    def values(self, shape: Shape, dtype: Any) -> Any:
        """Random values for a leaf; see `leaf_values`."""
        return leaf_values(self.rng, shape, dtype)

    def leaf(self, shape: Shape, dtype: Any = None) -> Tensor:
        """A new state, input or constant."""
        dtype = self.float_dtype() if dtype is None else np.dtype(dtype)
        kind = self.one_of(("state", "state", "constant", "input"))
        if self.settings.smooth and kind == "input":
            kind = "state"
        self.names += 1
        if kind == "input":
            made = g.placeholder(f"x{self.names}", shape, dtype)
        elif kind == "constant":
            made = g.tensor(self.values(shape, dtype))
        else:
            made = g.variable(self.values(shape, dtype), f"w{self.names}")
            self.states.append(made)
        return self.keep(made)

    def keep(self, x: Tensor) -> Tensor:
        """Enter x into the pool."""
        self.pool.append(x)
        return x

    def pick(self, suits: Callable[[Tensor], bool], shape: Shape | None = None) -> Tensor:
        """A tensor of the pool that suits, the later the likelier; else a new float leaf."""
        found = [x for x in self.pool if suits(x)]
        if not found:
            return self.leaf(self.shape() if shape is None else shape)
        back = min(self.below(len(found)), self.below(len(found)))
        return found[len(found) - 1 - back]

    def real(self, least: int = 0) -> Tensor:
        """A float tensor with at least `least` axes."""
        x = self.pick(lambda x: x.dtype.kind == "f" and x.ndim >= least, self.shape(least))
        return x.cast(np.float64) if self.settings.smooth else x

    def number(self) -> Tensor:
        """A float or integer tensor."""
        return self.pick(lambda x: x.dtype.kind != "b")

    def robust(self, least: int = 0) -> Tensor:
        """A tensor of any type that every executor computes to the same bits."""
        return self.pick(lambda x: self.exact(x.node) and x.ndim >= least, self.shape(least))

    def partner(self, x: Tensor) -> Tensor:
        """A tensor that broadcasts with x and has its kind."""
        suits = [y for y in self.pool if y.dtype.kind == x.dtype.kind and self.meets(x, y)]
        if suits and self.chance(0.75):
            return suits[self.below(len(suits))]
        shape = tuple(1 if self.chance(0.3) else n for n in x.shape)
        return self.leaf(shape[self.below(len(shape) + 1) :], x.dtype)

    def meets(self, x: Tensor, y: Tensor) -> bool:
        """Whether x and y broadcast to a shape that is small enough."""
        try:
            return self.fits(np.broadcast_shapes(x.shape, y.shape))
        except ValueError:
            return False

    def exact(self, node: Node) -> bool:
        """Whether no rounding happens on the way from the leaves to this node."""
        for each in g.ordered([node]):
            if each not in self._exact:
                pure = not each.inputs or each.dtype.kind != "f" or each.op in PURE
                self._exact[each] = pure and all(self._exact[source] for source in each.inputs)
        return self._exact[node]


def leaf_values(rng: np.random.Generator, shape: Shape, dtype: Any) -> Any:
    """Values of moderate size: eighths (so that some are equal) or normal; small integers."""
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind == "u":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    if dtype.kind == "i":
        return rng.integers(-3, 12, shape, dtype=dtype)
    if rng.random() < 0.4:
        return (rng.integers(-20, 21, shape) / 8).astype(dtype)
    return np.asarray(rng.standard_normal(shape), dtype)


def random_graph(seed: int, settings: Settings | None = None) -> Graph:
    """A graph that depends on `seed` and `settings` alone, over fresh states."""
    from tests.graph.productions import MOVES, PRODUCTIONS, SMOOTH

    b = Builder(np.random.default_rng([seed, 2024]), settings or Settings())
    for _ in range(2 + b.below(3)):
        b.leaf(b.shape())
    table = SMOOTH if b.settings.smooth else MOVES if b.settings.moves else PRODUCTIONS
    weights = np.array([weight for weight, _ in table], float)
    for _ in range(b.settings.productions):
        make = table[int(b.rng.choice(len(table), p=weights / weights.sum()))][1]
        made = make(b)
        if b.fits(made.shape):
            b.keep(made)
    return _smooth_finish(b) if b.settings.smooth else _finish(b)


def _loss(b: Builder, count: int) -> Tensor:
    """A scalar that depends on the last float tensors and stays of moderate size."""
    parts = [x for x in b.pool if x.dtype.kind == "f" and x.size][-count:]
    total = g.tensor(0.0)
    for x in parts:
        total = total + (x.tanh() * 0.5).sum() / x.size
    return total


def _smooth_finish(b: Builder) -> Graph:
    return Graph({"loss": _loss(b, 3).node})


def _finish(b: Builder) -> Graph:
    shown = [*b.pool[-1 - b.below(4) :], b.one_of(b.pool)]
    outputs = {f"y{i}": x.node for i, x in enumerate(shown)}
    trained = [w for w in b.states if w.dtype.kind == "f"]
    if trained and b.chance(0.7):
        loss = _loss(b, 1 + b.below(3))
        gradients = g.grad(loss, trained)
        outputs["loss"] = loss.node
        for w, slope in zip(trained, gradients, strict=True):
            if b.chance(0.5):
                b.updates[w.node.attrs["state"]] = (w - 0.1 * slope).cast(w.dtype).node
            else:
                outputs[f"grad_{w.node.attrs['state'].name}"] = slope.node
        if b.chance(0.15) and b.settings.productions <= 20:
            length = g.tensor(0.0)
            for slope in gradients:
                length = length + slope.tanh().square().sum()
            for i, second in enumerate(g.grad(length, trained[:2])):
                outputs[f"second_{i}"] = second.node
    if b.chance(0.3):
        from tests.graph.random_updates import tangle

        tangle(b)
    return Graph(outputs, b.updates)


def random_feeds(graph: Graph, seed: int, steps: int = 1) -> dict[str, g.Array]:
    """Values for every input of `graph`, with a leading axis of `steps`."""
    feeds: dict[str, g.Array] = {}
    for number, (name, kind) in enumerate(sorted(graph.inputs.items())):
        rng = np.random.default_rng([seed, number, 7])
        feeds[name] = np.stack([leaf_values(rng, kind.shape, kind.dtype) for _ in range(steps)])
    return feeds
