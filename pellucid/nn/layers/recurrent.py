"""LSTM and GRU over sequences of a fixed length: the graph is unrolled, the weights are shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pellucid import check
from pellucid.graph import Array, Shape, Tensor, stack
from pellucid.limits import expect
from pellucid.nn.initialise import GlorotUniform, Initializer, Orthogonal, Zeros
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter


@dataclass(frozen=True)
class _ForgetBias(Initializer):
    """0 but for the second quarter, which is 1."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        value = np.zeros(shape)
        value[shape[0] // 4 : shape[0] // 2] = 1.0
        return value


@dataclass(eq=False, repr=False)
class _Recurrent(Module):
    units: int
    output: Literal["sequence", "last"] = "sequence"
    reverse: bool = False

    def __post_init__(self) -> None:
        check.count(self, "units")
        if isinstance(self.output, int):
            raise TypeError(
                f"{type(self).__name__} output is 'sequence' or 'last', got {check.brief(self.output)}; "
                "the number of inputs is inferred, so the units come first"
            )
        check.choice(self, "output", "sequence", "last")
        check.choice(self, "reverse", True, False)

    def weights(self, x: Tensor, gates: int, bias: Initializer) -> None:
        """W_x Glorot uniform, W_h orthogonal, and b, for this many gates."""
        if x.ndim != 3 or not x.shape[1]:
            raise self.mismatch("(batch, length, features)", x)
        width = gates * self.units
        self.W_x: Parameter = self.parameter("W_x", (x.shape[-1], width), GlorotUniform())
        self.W_h: Parameter = self.parameter("W_h", (self.units, width), Orthogonal())
        self.b: Parameter = self.parameter("b", (width,), bias, "bias")

    def projected(self, x: Tensor) -> list[Tensor]:
        """x_t W_x + b for each t in the order of time: one product for all of them."""
        inputs = self.W_x.shape[0]
        if x.ndim != 3 or x.shape[-1] != inputs or not x.shape[1]:
            raise self.mismatch(f"(batch, length, {inputs})", x)
        expect(18 * x.shape[1])
        z = x @ self.W_x + self.b
        steps = [z[:, t] for t in range(x.shape[1])]
        return steps[::-1] if self.reverse else steps

    def arranged(self, hidden: list[Tensor]) -> Tensor:
        """The last state, or all of them at the position of their input."""
        if self.output == "last":
            return hidden[-1]
        return stack(hidden[::-1] if self.reverse else hidden, axis=1)

    def gates(self, z: Tensor) -> list[Tensor]:
        """z cut along its last axis into parts as wide as there are units."""
        n = self.units
        return [z[:, start : start + n] for start in range(0, z.shape[-1], n)]


@dataclass(eq=False, repr=False)
class LSTM(_Recurrent):
    """A long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000), from h = c = 0.

        i, f, g, o = x_t W_x + h W_h + b, four equal parts in PyTorch's order
        c ← σ(f) c + σ(i) tanh(g),   h ← σ(o) tanh(c)

    x: (batch, length, features); y: (batch, length, units), or (batch, units) for "last".
    W_x: (features, 4 · units), Glorot uniform; W_h: (units, 4 · units), orthogonal; b starts at 0
    but for the forget gate's part, which starts at 1 (Jozefowicz et al. 2015). PyTorch has two
    biases, of which only the sum matters.

    units:   the length of h.
    output:  "sequence" for h at each position, "last" for h at the end.
    reverse: from the last position to the first. In both directions it is
             Parallel(LSTM(n), LSTM(n, reverse=True)).
    """

    def setup(self, x: Tensor) -> None:
        """W_x, W_h and b."""
        self.weights(x, 4, _ForgetBias())

    def forward(self, x: Tensor) -> Tensor:
        """The states h."""
        hidden: list[Tensor] = []
        memory: Tensor | None = None
        for z in self.projected(x):
            i, f, g, o = self.gates(z + hidden[-1] @ self.W_h if hidden else z)
            new = i.sigmoid() * g.tanh()
            memory = new if memory is None else f.sigmoid() * memory + new
            hidden.append(o.sigmoid() * memory.tanh())
        return self.arranged(hidden)


@dataclass(eq=False, repr=False)
class GRU(_Recurrent):
    """A gated recurrent unit (Cho et al. 2014), from h = 0, in PyTorch's form.

        r, z, n = x_t W_x + b, three equal parts;   r', z', n' = h W_h
        r ← σ(r + r'),   z ← σ(z + z'),   n ← tanh(n + r (n' + b_n)),   h ← (1 − z) n + z h

    x: (batch, length, features); y: (batch, length, units), or (batch, units) for "last".
    W_x: (features, 3 · units), Glorot uniform; W_h: (units, 3 · units), orthogonal; b and b_n
    (units,) start at 0. PyTorch has two biases for r and z, of which only the sum matters.

    units:   the length of h.
    output:  "sequence" for h at each position, "last" for h at the end.
    reverse: from the last position to the first. In both directions it is
             Parallel(GRU(n), GRU(n, reverse=True)).
    """

    def setup(self, x: Tensor) -> None:
        """W_x, W_h, b and b_n."""
        self.weights(x, 3, Zeros())
        self.b_n: Parameter = self.parameter("b_n", (self.units,), Zeros(), "bias")

    def forward(self, x: Tensor) -> Tensor:
        """The states h."""
        hidden: list[Tensor] = []
        for projected in self.projected(x):
            r, z, n = self.gates(projected)
            if not hidden:
                new = (n + r.sigmoid() * self.b_n).tanh()
                hidden.append((1.0 - z.sigmoid()) * new)
                continue
            before = hidden[-1]
            r_h, z_h, n_h = self.gates(before @ self.W_h)
            new = (n + (r + r_h).sigmoid() * (n_h + self.b_n)).tanh()
            update = (z + z_h).sigmoid()
            hidden.append((1.0 - update) * new + update * before)
        return self.arranged(hidden)
