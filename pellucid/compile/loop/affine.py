"""Affine expressions of integers, and bounds of them.

A symbol stands for an integer that is unknown at compile time: a loop variable, a quotient, a
minimum. Elimination gives an upper bound of an expression: the symbol that was defined last is
replaced by each of its own bounds, which are expressions of earlier symbols, until a number is left.
This is Fourier-Motzkin elimination in one fixed order. Every result is a bound, but not always the
tightest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, gcd, inf, isinf, lcm

Number = int | Fraction
Extreme = Number | float
"""A number or an infinity."""
Terms = tuple[tuple["Symbol", Number], ...]
_DERIVATIONS = 3
"""Depth to which facts are derived from other facts."""


@dataclass(frozen=True, slots=True)
class Affine:
    """constant + Σ factor · symbol, symbols in the order of their definition."""

    constant: Number = 0
    terms: Terms = ()

    def plus(self, other: Affine | Number) -> Affine:
        """The sum."""
        if not isinstance(other, Affine):
            return Affine(self.constant + other, self.terms)
        if not other.terms:
            return Affine(self.constant + other.constant, self.terms)
        if not self.terms:
            return Affine(self.constant + other.constant, other.terms)
        factors = dict(self.terms)
        for symbol, factor in other.terms:
            factors[symbol] = factors.get(symbol, 0) + factor
        terms = sorted((s for s, f in factors.items() if f), key=lambda s: s.number)
        return Affine(self.constant + other.constant, tuple((s, factors[s]) for s in terms))

    def times(self, factor: Number) -> Affine:
        """The multiple."""
        if not factor:
            return Affine()
        terms = tuple((symbol, f * factor) for symbol, f in self.terms)
        return Affine(self.constant * factor, terms)

    def minus(self, other: Affine | Number) -> Affine:
        """The difference."""
        return self.plus(other.times(-1) if isinstance(other, Affine) else -other)

    def divisor(self) -> int:
        """A common divisor of the terms, without the constant; 0 if there are no terms."""
        common = 0
        for symbol, factor in self.terms:
            if not isinstance(factor, int):
                return 1
            common = gcd(common, factor * symbol.divisor)
        return common

    def at(self, values: dict[Symbol, int]) -> Affine:
        """The expression with numbers in place of some symbols."""
        constant = self.constant + sum(f * values[s] for s, f in self.terms if s in values)
        return Affine(constant, tuple((s, f) for s, f in self.terms if s not in values))


@dataclass(eq=False, slots=True)
class Symbol:
    """An integer with bounds. number: its rank in the order of definition. divisor: a divisor of it."""

    number: int
    name: str
    lower: tuple[Affine, ...] = ()
    upper: tuple[Affine, ...] = ()
    divisor: int = 1

    def __repr__(self) -> str:
        return self.name


@dataclass(eq=False, slots=True, repr=False)
class Quotient(Symbol):
    """x / by, truncated towards 0."""

    x: Affine = field(default_factory=Affine)
    by: int = 1


@dataclass(eq=False, slots=True, repr=False)
class Remainder(Symbol):
    """x − by · quotient, which has the sign of x."""

    quotient: Quotient = field(default_factory=lambda: Quotient(0, ""))


@dataclass(frozen=True, slots=True)
class Condition:
    """Expressions that are at most 0 where a condition holds, and where it fails."""

    holds: tuple[Affine, ...] = ()
    fails: tuple[Affine, ...] = ()


@dataclass(eq=False, slots=True, repr=False)
class Minimum(Symbol):
    """The smaller of its upper bounds."""


@dataclass(slots=True)
class _Scope:
    """Facts that hold in a part of the code, and the upper bounds that were computed from them.

    maxima:         upper bounds of sums of terms.
    integer_maxima: the same, computed with integer factors only.
    is_empty:       whether the facts contradict each other, which makes the code unreachable.
    """

    lower: dict[Symbol, tuple[Affine, ...]] = field(default_factory=dict)
    upper: dict[Symbol, tuple[Affine, ...]] = field(default_factory=dict)
    maxima: dict[Terms, Extreme] = field(default_factory=dict)
    integer_maxima: dict[Terms, Extreme] = field(default_factory=dict)
    choices: dict[tuple[Condition, Affine, Affine], Affine] = field(default_factory=dict)
    is_empty: bool = False


class Bounds:
    """Symbols, facts about them, and bounds of expressions of them.

    integers_only: bounds with fractional factors are not tried. The results are still bounds.
    """

    def __init__(self) -> None:
        self.integers_only = False
        self._count = 0
        self._lanes: dict[int, Affine] = {}
        self._scopes = [_Scope()]
        self._quotients: dict[tuple[Affine, int], tuple[Quotient, Remainder]] = {}

    # -- symbols ------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._count += 1
        return self._count

    def symbol(
        self,
        name: str,
        lower: Iterable[Affine] = (),
        upper: Iterable[Affine] = (),
        divisor: int = 1,
    ) -> Affine:
        """A new symbol with these bounds."""
        return _of_symbol(Symbol(self._number(), name, tuple(lower), tuple(upper), divisor))

    def lane(self, lanes: int) -> Affine:
        """The number of a lane of a vector. It precedes all other symbols, so it is eliminated last."""
        if lanes not in self._lanes:
            ends = (Affine(),), (Affine(lanes - 1),)
            self._lanes[lanes] = _of_symbol(Symbol(-lanes, f"lane of {lanes}", *ends))
        return self._lanes[lanes]

    def bounds_above(self, x: Affine) -> list[Affine]:
        """Expressions that bound x from above: x, and the operands if its last symbol is a minimum."""
        bounds = [x]
        if x.terms and x.terms[-1][1] == 1 and isinstance(x.terms[-1][0], Minimum):
            rest = Affine(x.constant, x.terms[:-1])
            for bound in x.terms[-1][0].upper:
                bounds += self.bounds_above(rest.plus(bound))
        return bounds

    def divided(self, x: Affine, by: int) -> tuple[Affine, Affine]:
        """Quotient and remainder of x by a positive number; the same symbols for the same x."""
        if (x, by) not in self._quotients:
            step = gcd(x.divisor(), _integer_part(x.constant)) or 1
            q = Quotient(self._number(), f"q{self._count}", x=x, by=by)
            q.divisor = step // by if step % by == 0 else 1
            r = Remainder(self._number(), f"r{self._count}", quotient=q)
            r.divisor = gcd(step, by)
            self._quotients[x, by] = q, r
        q, r = self._quotients[x, by]
        return _of_symbol(q), _of_symbol(r)

    def choice(self, condition: Condition, chosen: Affine, other: Affine) -> Affine:
        """`chosen` if the condition holds, else `other`."""
        key = condition, chosen, other
        choices = self._scopes[-1].choices
        if key not in choices:
            choices[key] = self._choice(condition, chosen, other)
        return choices[key]

    def _choice(self, condition: Condition, chosen: Affine, other: Affine) -> Affine:
        if chosen == other or (condition.holds and all(map(self.is_at_most_0, condition.holds))):
            return chosen
        if condition.fails and all(map(self.is_at_most_0, condition.fails)):
            return other
        number = self._number()
        name = f"choice{number}"
        step = gcd(*(gcd(e.divisor(), _integer_part(e.constant)) for e in (chosen, other))) or 1
        ends: list[tuple[Extreme, Extreme]] = []
        for facts, value in ((condition.holds, chosen), (condition.fails, other)):
            with self.assuming(facts):
                ends.append((self.lower_bound(value), self.upper_bound(value)))
        lower = _as_bounds(min(low for low, _ in ends))
        upper = _as_bounds(max(high for _, high in ends))
        # A minimum is at most, a maximum at least, each of the two.
        difference = chosen.minus(other)
        if {difference, difference.plus(1)} & {*condition.holds}:
            return _of_symbol(Minimum(number, name, lower, (chosen, other, *upper), step))
        difference = other.minus(chosen)
        if {difference, difference.plus(1)} & {*condition.holds}:
            lower = (chosen, other, *lower)
        return _of_symbol(Symbol(number, name, lower, upper, step))

    # -- facts --------------------------------------------------------------------------------------

    @contextmanager
    def assuming(self, facts: Sequence[Affine]) -> Iterator[None]:
        """Within this context the expressions are at most 0."""
        if not facts:
            yield
            return
        outer = self._scopes[-1]
        self._scopes.append(_Scope(dict(outer.lower), dict(outer.upper), is_empty=outer.is_empty))
        try:
            # Facts about the symbols that were defined first tighten the others.
            for fact in sorted(facts, key=lambda fact: [s.number for s, _ in fact.terms[-1:]]):
                self._add(fact, _DERIVATIONS)
            yield
        finally:
            self._scopes.pop()

    def _add(self, fact: Affine, derived: int) -> None:
        """Add fact ≤ 0 as a bound of its last symbol, and the facts that follow with other bounds."""
        scope = self._scopes[-1]
        if self.lower_bound(fact) > 0:
            scope.is_empty = True
        if not fact.terms or scope.is_empty:
            return
        if len(fact.terms) > 1 and _is_lane(fact.terms[0][0]):
            self._add(self._of_all_lanes(fact), derived)
        fact = _tightened(fact)
        symbol, factor = fact.terms[-1]
        bound = Affine(fact.constant, fact.terms[:-1]).times(Fraction(-1, 1) / factor)
        bound = _normalised(bound)
        if not bound.terms:
            bound = Affine(floor(bound.constant) if factor > 0 else ceil(bound.constant))
        opposite = self._lower_bounds(symbol) if factor > 0 else self._upper_bounds(symbol)
        table = scope.upper if factor > 0 else scope.lower
        table[symbol] = (*table.get(symbol, ()), bound)
        scope.maxima.clear()
        scope.integer_maxima.clear()
        if isinstance(symbol, Quotient) and factor < 0 and not bound.terms and bound.constant > 0:
            # A positive quotient is rounded down, so its dividend is at least quotient · divisor.
            self._add(symbol.x.times(-1).plus(bound.constant * symbol.by), derived)
        if derived:
            for other in opposite:
                follows = other.minus(bound) if factor > 0 else bound.minus(other)
                if follows.terms:
                    self._add(follows, derived - 1)

    def _of_all_lanes(self, fact: Affine) -> Affine:
        """The weaker fact without its lane; the other terms may share a divisor, which tightens it."""
        (lane, factor), *rest = fact.terms
        least = self.lower_bound(Affine(0, ((lane, factor),)))
        return Affine(fact.constant + _exact(least), tuple(rest))

    # -- bounds -------------------------------------------------------------------------------------

    def is_at_most_0(self, x: Affine) -> bool:
        """Whether x ≤ 0 is certain."""
        return self.upper_bound(x) <= 0

    def lower_bound(self, x: Affine) -> Extreme:
        """A lower bound of x."""
        return -self.upper_bound(x.times(-1))

    def upper_bound(self, x: Affine) -> Extreme:
        """An upper bound of x; −∞ in unreachable code."""
        if self._scopes[-1].is_empty:
            return -inf
        return self._upper_bound(x.terms) + x.constant

    def _upper_bound(self, terms: Terms) -> Extreme:
        if not terms:
            return 0
        scope = self._scopes[-1]
        maxima = scope.integer_maxima if self.integers_only else scope.maxima
        if terms not in maxima:
            symbol, factor = terms[-1]
            rest = Affine(0, terms[:-1])
            bounds = self._upper_bounds(symbol) if factor > 0 else self._lower_bounds(symbol)
            maxima[terms] = min(
                (self.upper_bound(rest.plus(bound.times(factor))) for bound in bounds), default=inf
            )
        return maxima[terms]

    def _upper_bounds(self, symbol: Symbol) -> list[Affine]:
        bounds = [*symbol.upper, *self._scopes[-1].upper.get(symbol, ())]
        if isinstance(symbol, Quotient):
            x, by = symbol.x, symbol.by
            most = self.upper_bound(x)
            bounds += [] if isinf(most) else [Affine(_truncated(most, by))]
            if not self.integers_only:
                lifted = x if self.lower_bound(x) >= 0 else x.plus(by - 1)
                bounds.append(_normalised(lifted.times(Fraction(1, by))))
        elif isinstance(symbol, Remainder):
            q = symbol.quotient
            most = self.upper_bound(q.x)
            bounds.append(Affine(int(min(self._greatest_remainder(symbol), max(most, 0)))))
            bounds.append(q.x.minus(_of_symbol(q).times(q.by)))
        return bounds

    def _greatest_remainder(self, symbol: Remainder) -> int:
        """The greatest possible remainder.

        If x = c + m · … and m divides the divisor, remainders are c modulo m. Symbols that have a
        single value here are part of c.
        """
        x, by = symbol.quotient.x, symbol.quotient.by
        fixed = {s: int(n) for s, _ in x.terms if (n := self._single_value(s)) is not None}
        x = x.at(fixed)
        step = gcd(x.divisor(), by)
        if not isinstance(x.constant, int) or self.lower_bound(x) < 0:
            return by - symbol.divisor
        return min(by - symbol.divisor, by - step + x.constant % step)

    def _single_value(self, symbol: Symbol) -> Extreme | None:
        """The value of a symbol whose bounds agree, else None."""
        expression = _of_symbol(symbol)
        least = self.lower_bound(expression)
        return least if abs(least) != inf and least == self.upper_bound(expression) else None

    def _lower_bounds(self, symbol: Symbol) -> list[Affine]:
        bounds = [*symbol.lower, *self._scopes[-1].lower.get(symbol, ())]
        if isinstance(symbol, Quotient):
            x, by = symbol.x, symbol.by
            least = self.lower_bound(x)
            bounds += [] if isinf(least) else [Affine(_truncated(least, by))]
            if not self.integers_only:
                bounds.append(_normalised(x.plus(1 - by).times(Fraction(1, by))))
        elif isinstance(symbol, Remainder):
            q = symbol.quotient
            least = self.lower_bound(q.x)
            bounds.append(Affine(int(max(symbol.divisor - q.by, min(least, 0)))))
            bounds.append(q.x.minus(_of_symbol(q).times(q.by)))
        return bounds


def _of_symbol(symbol: Symbol) -> Affine:
    return Affine(0, ((symbol, 1),))


def _is_lane(symbol: Symbol) -> bool:
    return symbol.number < 0


def _normalised(x: Affine) -> Affine:
    """The same expression; fractions that are whole become integers."""
    terms = tuple((symbol, _exact(factor)) for symbol, factor in x.terms)
    return Affine(_exact(x.constant), terms)


def _exact(x: Extreme) -> Number:
    if isinstance(x, Fraction) and x.denominator == 1:
        return int(x)
    return x if isinstance(x, (int, Fraction)) else int(x)


def _as_bounds(end: Extreme) -> tuple[Affine, ...]:
    """A bound as an expression, none if it is infinite."""
    return () if abs(end) == inf else (Affine(_exact(end)),)


def _integer_part(x: Number) -> int:
    """An integer constant; 1, which has no other divisor, in place of a fraction."""
    return x if isinstance(x, int) else 1


def _truncated(x: Extreme, by: int) -> int:
    """x / by truncated towards 0."""
    return floor(x / by) if x >= 0 else ceil(x / by)


def _tightened(fact: Affine) -> Affine:
    """fact ≤ 0 in integers: terms that are multiples of m are at most a multiple of m."""
    numbers = [fact.constant, *(factor for _, factor in fact.terms)]
    fact = _normalised(fact.times(lcm(*(Fraction(number).denominator for number in numbers))))
    step = fact.divisor()
    return Affine(-step * (-fact.constant // step), fact.terms)
