"""Symbolic indices: where an element of a kernel's domain finds its sources.

An index is a sum of whole multiples of atoms. An atom is an axis of the domain, a quotient or a
remainder (a reshape that splits what is not aligned), or a value looked up in an integer tensor
(a gather). Movement ops rewrite indices, so they cost nothing at run time.

Where a guard fails, as in padding, an index below it may be negative. The value there is not used, but
its bounds must be right: they decide whether an access needs the guard. Code divides as processors
do, cut towards 0, and the bounds of quotients and remainders are those of that division.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pellucid.graph.node import Node
from pellucid.graph.op import Shape


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of the domain, of length `extent`."""

    number: int
    extent: int


@dataclass(frozen=True, slots=True)
class Quotient:
    """index / divisor, cut towards 0."""

    index: Index
    divisor: int


@dataclass(frozen=True, slots=True)
class Remainder:
    """index − divisor · quotient: between 0 and divisor − 1 unless the index is negative."""

    index: Index
    divisor: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """The integer that `node` holds at `indices`, limited to [0, bound)."""

    node: Node
    indices: tuple[Index, ...]
    bound: int


Atom = Axis | Quotient | Remainder | Lookup


@dataclass(frozen=True, slots=True)
class Index:
    """constant + Σ factor · atom."""

    constant: int = 0
    terms: tuple[tuple[Atom, int], ...] = field(default=())

    def plus(self, other: Index | int) -> Index:
        """The sum."""
        if isinstance(other, int):
            return Index(self.constant + other, self.terms)
        factors = dict(self.terms)
        for atom, factor in other.terms:
            factors[atom] = factors.get(atom, 0) + factor
        terms = tuple((atom, factor) for atom, factor in factors.items() if factor)
        return Index(self.constant + other.constant, terms)

    def times(self, factor: int) -> Index:
        """The multiple."""
        if factor == 0:
            return Index()
        return Index(self.constant * factor, tuple((a, f * factor) for a, f in self.terms))

    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value that it can take."""
        low = high = self.constant
        for atom, factor in self.terms:
            least, most = _atom_bounds(atom)
            ends = (factor * least, factor * most)
            low, high = low + min(ends), high + max(ends)
        return low, high

    def quotient(self, divisor: int) -> Index:
        """⌊self / divisor⌋ for an index that is never negative, simplified where it can be."""
        if divisor == 1:
            return self
        whole, rest = self._split(divisor)
        low, high = rest.bounds()
        if 0 <= low and high < divisor:
            return Index(
                whole.constant // divisor, tuple((a, f // divisor) for a, f in whole.terms)
            )
        return Index(0, ((Quotient(self, divisor), 1),))

    def remainder(self, divisor: int) -> Index:
        """self mod divisor for an index that is never negative, simplified where it can be."""
        if divisor == 1:
            return Index()
        _, rest = self._split(divisor)
        low, high = rest.bounds()
        if 0 <= low and high < divisor:
            return rest
        return Index(0, ((Remainder(self, divisor), 1),))

    def _split(self, divisor: int) -> tuple[Index, Index]:
        """Multiples of the divisor, and what is left."""
        left = self.constant % divisor
        whole = tuple((a, f) for a, f in self.terms if f % divisor == 0)
        rest = tuple((a, f) for a, f in self.terms if f % divisor)
        return Index(self.constant - left, whole), Index(left, rest)

    def substituted(self, where: Mapping[int, Index]) -> Index:
        """The index with indices in place of some axes."""
        if self.axes().isdisjoint(where):
            return self
        total = Index(self.constant)
        for atom, factor in self.terms:
            total = total.plus(_substituted(atom, where).times(factor))
        return total

    def recombined(self) -> Index:
        """The index with divisor · ⌊i / divisor⌋ + i mod divisor written as i, wherever it stands."""
        terms = dict(self.terms)
        for atom, factor in self.terms:
            if not isinstance(atom, Remainder):
                continue
            whole = Quotient(atom.index, atom.divisor)
            if terms.get(whole) == factor * atom.divisor:
                del terms[whole], terms[atom]
                rest = Index(self.constant, tuple(terms.items()))
                return rest.plus(atom.index.times(factor)).recombined()
        return self

    def factor(self, axis: int) -> int | None:
        """The factor of an axis if the index depends on it through that alone, else None."""
        total = 0
        for atom, factor in self.terms:
            if isinstance(atom, Axis):
                total += factor if atom.number == axis else 0
            elif axis in atom_axes(atom):
                return None
        return total

    @property
    def is_affine(self) -> bool:
        """Whether it is a sum of multiples of axes alone."""
        return all(isinstance(atom, Axis) for atom, _ in self.terms)

    def axes(self) -> set[int]:
        """The axes that it depends on."""
        return {axis for atom, _ in self.terms for axis in atom_axes(atom)}


Indices = tuple[Index, ...]


def _substituted(atom: Atom, where: Mapping[int, Index]) -> Index:
    if isinstance(atom, Axis):
        return where.get(atom.number, Index(0, ((atom, 1),)))
    if isinstance(atom, Lookup):
        indices = tuple(index.substituted(where) for index in atom.indices)
        return Index(0, ((Lookup(atom.node, indices, atom.bound), 1),))
    inside = atom.index.substituted(where)
    return (inside.quotient if isinstance(atom, Quotient) else inside.remainder)(atom.divisor)


def periods(index: Index, axis: int) -> set[int]:
    """After how many steps of an axis its quotients step and its remainders begin again."""
    lengths: set[int] = set()
    for atom, _ in index.terms:
        if isinstance(atom, (Quotient, Remainder)) and axis in atom.index.axes():
            lengths |= {atom.divisor * repeat_length(atom.index, axis)} | periods(atom.index, axis)
    return lengths


def repeat_length(index: Index, axis: int) -> int:
    """For how many steps of an axis in a row an index stays the same."""
    for atom, _ in index.terms:
        if axis in atom_axes(atom) and isinstance(atom, (Quotient, Remainder)):
            inside = repeat_length(atom.index, axis)
            return inside * atom.divisor if isinstance(atom, Quotient) else inside
    return 1


def lane_stride(index: Index, axis: int, lanes: int) -> int | None:
    """The step of an index from lane to lane, for vectors that begin at multiples of their length.

    Within such a vector along `axis` a quotient by a multiple of the lanes is constant and a
    remainder steps by one. None if the steps differ.
    """
    total = 0
    for atom, factor in index.terms:
        if axis not in atom_axes(atom):
            continue
        if isinstance(atom, Axis):
            total += factor
            continue
        if not isinstance(atom, Lookup) and lane_stride(atom.index, axis, lanes) == 0:
            continue
        if (
            isinstance(atom, Lookup)
            or atom.divisor % lanes
            or not is_lane_aligned(atom.index, axis, lanes)
        ):
            return None
        total += factor if isinstance(atom, Remainder) else 0
    return total


def is_lane_aligned(index: Index, axis: int, lanes: int) -> bool:
    """Whether an index steps by one along the lanes and is a multiple of their number at the first."""
    if lane_stride(index, axis, lanes) != 1 or index.constant % lanes:
        return False
    for atom, factor in index.terms:
        if isinstance(atom, Axis) and atom.number == axis:
            continue
        if isinstance(atom, Remainder) and axis in atom.index.axes():
            continue
        if factor % lanes:
            return False
    return True


def _atom_bounds(atom: Atom) -> tuple[int, int]:
    if isinstance(atom, Axis):
        return 0, max(atom.extent - 1, 0)
    if isinstance(atom, Lookup):
        return 0, max(atom.bound - 1, 0)
    low, high = atom.index.bounds()
    if isinstance(atom, Remainder):
        return max(min(low, 0), 1 - atom.divisor), min(max(high, 0), atom.divisor - 1)
    return _cut(low, atom.divisor), _cut(high, atom.divisor)


def _cut(x: int, divisor: int) -> int:
    return x // divisor if x >= 0 else -(-x // divisor)


def atom_axes(atom: Atom) -> set[int]:
    """The axes that an atom depends on."""
    if isinstance(atom, Axis):
        return {atom.number}
    if isinstance(atom, Lookup):
        return {axis for index in atom.indices for axis in index.axes()}
    return atom.index.axes()


def identity(shape: Shape) -> Indices:
    """Each axis of a domain as its own index; an axis of length 1 is always 0."""
    return tuple(
        Index() if extent == 1 else Index(0, ((Axis(number, extent), 1),))
        for number, extent in enumerate(shape)
    )


def strides(shape: Shape) -> tuple[int, ...]:
    """Elements between neighbours along each axis of an array in C order."""
    steps: list[int] = []
    step = 1
    for extent in reversed(shape):
        steps.append(step)
        step *= extent
    return tuple(reversed(steps))


def linear_position(indices: Sequence[Index], shape: Shape) -> Index:
    """The position in memory of the element at `indices` of an array in C order."""
    total = Index()
    for index, step in zip(indices, strides(shape), strict=True):
        total = total.plus(index.times(step))
    return total.recombined()


def unravelled(position: Index, shape: Shape) -> Indices:
    """The indices of the element at a position in memory."""
    indices: list[Index] = []
    for extent in reversed(shape):
        indices.append(position.remainder(extent) if extent > 1 else Index())
        position = position.quotient(extent) if extent > 1 else position
    return tuple(reversed(indices))


@dataclass(frozen=True, slots=True)
class Guard:
    """Holds where low ≤ index < high and (index − low) is a multiple of step."""

    index: Index
    low: int
    high: int
    step: int = 1

    def always(self) -> bool:
        """Whether it holds at every point of the domain."""
        least, most = self.index.bounds()
        return self.step == 1 and self.low <= least and most < self.high

    def never(self) -> bool:
        """Whether it holds at no point of the domain."""
        least, most = self.index.bounds()
        beside = self._is_even() and (self.index.constant - self.low) % self.step != 0
        return most < self.low or least >= self.high or beside

    def settled(self) -> Guard:
        """The same condition on an index from 0 on, without a step that always holds."""
        index = self.index.plus(-self.low)
        step = 1 if self._is_even() and index.constant % self.step == 0 else self.step
        return Guard(index, 0, self.high - self.low, step)

    def _is_even(self) -> bool:
        """Whether the index goes by multiples of the step."""
        return all(factor % self.step == 0 for _, factor in self.index.terms)


def source_indices(node: Node, at: Indices) -> tuple[Indices, tuple[Guard, ...]]:
    """The indices in its input of element `at` of a movement node (not concatenate), and its guards."""
    attrs = node.attrs
    source = node.inputs[0].shape
    if node.op == "reshape":
        return _reshaped(at, node.shape, source), ()
    if node.op == "transpose":
        indices = [Index()] * len(source)
        for index, axis in zip(at, attrs["order"], strict=True):
            indices[axis] = index
        return tuple(indices), ()
    if node.op == "broadcast":
        lead = len(node.shape) - len(source)
        pairs = zip(at[lead:], source, strict=True)
        return tuple(Index() if extent == 1 else index for index, extent in pairs), ()
    if node.op == "slice":
        rows = zip(at, attrs["start"], attrs["step"], strict=True)
        return tuple(i.times(step).plus(start) for i, start, step in rows), ()
    if node.op == "flip":
        return tuple(
            i.times(-1).plus(n - 1) if axis in attrs["axes"] else i
            for axis, (i, n) in enumerate(zip(at, source, strict=True))
        ), ()
    if node.op == "windows":
        return _in_windows(at, len(source), attrs), ()
    if node.op == "pad":
        return _unpadded(at, source, attrs)
    raise ValueError(f"{node!r} does not move elements of one input")


def _reshaped(at: Indices, shape: Shape, source: Shape) -> Indices:
    """Axes of length 1 come and go for nothing; the rest goes through the position in memory."""
    long_at = [index for index, extent in zip(at, shape, strict=True) if extent != 1]
    if [n for n in shape if n != 1] == [n for n in source if n != 1]:
        rest = iter(long_at)
        return tuple(Index() if extent == 1 else next(rest) for extent in source)
    return unravelled(linear_position(at, shape), source)


def _in_windows(at: Indices, rank: int, attrs: Mapping[str, Sequence[int]]) -> Indices:
    indices = list(at[:rank])
    rows = zip(attrs["axes"], at[rank:], attrs["steps"], attrs["dilations"], strict=True)
    for axis, within, step, dilation in rows:
        indices[axis] = indices[axis].times(step).plus(within.times(dilation))
    return tuple(indices)


def _unpadded(
    at: Indices, source: Shape, attrs: Mapping[str, Sequence[int]]
) -> tuple[Indices, tuple[Guard, ...]]:
    indices: list[Index] = []
    guards: list[Guard] = []
    rows = zip(at, source, attrs["before"], attrs["interior"], strict=True)
    for index, extent, before, interior in rows:
        step = interior + 1
        end = before + (extent - 1) * step + 1 if extent else before
        guard = Guard(index, before, end, step)
        if not guard.always():
            guards.append(guard)
        shifted = index.plus(-before)
        indices.append(shifted.quotient(step))
    return tuple(indices), tuple(guards)


def depends_on(indices: Iterable[Index], axis: int) -> bool:
    """Whether any of the indices changes along an axis."""
    return any(axis in index.axes() for index in indices)
