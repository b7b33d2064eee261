"""Affine expressions of integers, and the bounds that follow from what is known of their symbols.

A symbol stands for an integer that is not known when code is written: a loop variable, a quotient, a
minimum. An upper bound of an expression is found by elimination: the symbol that was defined last is
replaced by each of its own bounds, which are expressions of earlier symbols, until a number is left
(the idea of Fourier's elimination, in one order). Every result is a true bound, but not always the
least one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, gcd, inf, lcm

Number = int | Fraction
Extreme = Number | float
"""A number or an infinity."""
_RESOLUTIONS = 3
"""How many facts in a row are derived from each other."""


@dataclass(frozen=True, slots=True)
class Affine:
    """constant + Σ factor · symbol, symbols in the order of their definition."""

    constant: Number = 0
    terms: tuple[tuple[Symbol, Number], ...] = ()

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
        """A number that divides every term, the constant aside; 0 if there are no terms."""
        found = 0
        for symbol, factor in self.terms:
            if not isinstance(factor, int):
                return 1
            found = gcd(found, factor * symbol.divisor)
        return found

    def at(self, values: dict[Symbol, int]) -> Affine:
        """The expression where some symbols are given by numbers."""
        constant = self.constant + sum(f * values[s] for s, f in self.terms if s in values)
        return Affine(constant, tuple((s, f) for s, f in self.terms if s not in values))


@dataclass(eq=False, slots=True)
class Symbol:
    """An integer with bounds. number: symbols are defined in this order. divisor: it divides it."""

    number: int
    name: str
    lower: tuple[Affine, ...] = ()
    upper: tuple[Affine, ...] = ()
    divisor: int = 1

    def __repr__(self) -> str:
        return self.name


@dataclass(eq=False, slots=True, repr=False)
class Quotient(Symbol):
    """x / by, cut towards 0."""

    x: Affine = field(default_factory=Affine)
    by: int = 1


@dataclass(eq=False, slots=True, repr=False)
class Remainder(Symbol):
    """x − by · quotient: it has the sign of x."""

    quotient: Quotient = field(default_factory=lambda: Quotient(0, ""))


@dataclass(frozen=True, slots=True)
class Condition:
    """What follows if a condition holds, and if it does not: expressions that are at most 0."""

    holds: tuple[Affine, ...] = ()
    fails: tuple[Affine, ...] = ()


@dataclass(eq=False, slots=True, repr=False)
class Minimum(Symbol):
    """The smaller of its upper bounds."""


@dataclass(slots=True)
class _Scope:
    """Facts that hold in a part of the code, and the bounds found there, all and by whole factors.

    is_empty: whether the facts contradict each other, so that the code is never reached.
    """

    lower: dict[Symbol, tuple[Affine, ...]] = field(default_factory=dict)
    upper: dict[Symbol, tuple[Affine, ...]] = field(default_factory=dict)
    found: dict[tuple[tuple[Symbol, Number], ...], Extreme] = field(default_factory=dict)
    whole: dict[tuple[tuple[Symbol, Number], ...], Extreme] = field(default_factory=dict)
    choices: dict[tuple[Condition, Affine, Affine], Affine] = field(default_factory=dict)
    is_empty: bool = False


class Bounds:
    """Symbols, facts about them, and bounds of expressions of them.

    is_quick: bounds with fractions as factors are not tried; what is found without them is true, too.
    """

    def __init__(self) -> None:
        self.is_quick = False
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
        return _alone(Symbol(self._number(), name, tuple(lower), tuple(upper), divisor))

    def lane(self, lanes: int) -> Affine:
        """The number of a lane of a vector: the first of all symbols, so that it is eliminated last."""
        if lanes not in self._lanes:
            ends = (Affine(),), (Affine(lanes - 1),)
            self._lanes[lanes] = _alone(Symbol(-lanes, f"lane of {lanes}", *ends))
        return self._lanes[lanes]

    def alternatives(self, x: Affine) -> list[Affine]:
        """Expressions that x is at most: x, and what its last symbol is the minimum of."""
        found = [x]
        if x.terms and x.terms[-1][1] == 1 and isinstance(x.terms[-1][0], Minimum):
            rest = Affine(x.constant, x.terms[:-1])
            for bound in x.terms[-1][0].upper:
                found += self.alternatives(rest.plus(bound))
        return found

    def divided(self, x: Affine, by: int) -> tuple[Affine, Affine]:
        """Quotient and remainder of x by a positive number; those of the same x are the same."""
        if (x, by) not in self._quotients:
            step = gcd(x.divisor(), _whole(x.constant)) or 1
            q = Quotient(self._number(), f"q{self._count}", x=x, by=by)
            q.divisor = step // by if step % by == 0 else 1
            r = Remainder(self._number(), f"r{self._count}", quotient=q)
            r.divisor = gcd(step, by)
            self._quotients[x, by] = q, r
        q, r = self._quotients[x, by]
        return _alone(q), _alone(r)

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
        step = gcd(*(gcd(e.divisor(), _whole(e.constant)) for e in (chosen, other))) or 1
        ends: list[tuple[Extreme, Extreme]] = []
        for facts, value in ((condition.holds, chosen), (condition.fails, other)):
            with self.assuming(facts):
                ends.append((self.least(value), self.greatest(value)))
        lower = _known(min(low for low, _ in ends))
        upper = _known(max(high for _, high in ends))
        # A minimum is at most, a maximum at least, each of the two.
        difference = chosen.minus(other)
        if {difference, difference.plus(1)} & {*condition.holds}:
            return _alone(Minimum(number, name, lower, (chosen, other, *upper), step))
        difference = other.minus(chosen)
        if {difference, difference.plus(1)} & {*condition.holds}:
            lower = (chosen, other, *lower)
        return _alone(Symbol(number, name, lower, upper, step))

    # -- facts --------------------------------------------------------------------------------------

    @contextmanager
    def assuming(self, facts: Sequence[Affine]) -> Iterator[None]:
        """Within this context the expressions are known to be at most 0."""
        if not facts:
            yield
            return
        outer = self._scopes[-1]
        self._scopes.append(_Scope(dict(outer.lower), dict(outer.upper), is_empty=outer.is_empty))
        try:
            # Those of the symbols that were defined first make the others sharper.
            for fact in sorted(facts, key=lambda fact: [s.number for s, _ in fact.terms[-1:]]):
                self._learn(fact, _RESOLUTIONS)
            yield
        finally:
            self._scopes.pop()

    def _learn(self, fact: Affine, derived: int) -> None:
        """fact ≤ 0 as a bound of the symbol that was defined last, and what follows with the others."""
        scope = self._scopes[-1]
        if self.least(fact) > 0:
            scope.is_empty = True
        if not fact.terms or scope.is_empty:
            return
        if len(fact.terms) > 1 and _is_lane(fact.terms[0][0]):
            self._learn(self._of_all_lanes(fact), derived)
        fact = _tightened(fact)
        symbol, factor = fact.terms[-1]
        bound = Affine(fact.constant, fact.terms[:-1]).times(Fraction(-1, 1) / factor)
        bound = _plain(bound)
        if not bound.terms:
            bound = Affine(floor(bound.constant) if factor > 0 else ceil(bound.constant))
        opposite = self._lower(symbol) if factor > 0 else self._upper(symbol)
        table = scope.upper if factor > 0 else scope.lower
        table[symbol] = (*table.get(symbol, ()), bound)
        scope.found.clear()
        scope.whole.clear()
        if isinstance(symbol, Quotient) and factor < 0 and not bound.terms and bound.constant > 0:
            # A quotient above 0 is not cut from below: its dividend is as many times the divisor.
            self._learn(symbol.x.times(-1).plus(bound.constant * symbol.by), derived)
        if derived:
            for other in opposite:
                follows = other.minus(bound) if factor > 0 else bound.minus(other)
                if follows.terms:
                    self._learn(follows, derived - 1)

    def _of_all_lanes(self, fact: Affine) -> Affine:
        """What a fact says whichever lane it is of: it can be tightened where the other terms step."""
        (lane, factor), *rest = fact.terms
        least = self.least(Affine(0, ((lane, factor),)))
        return Affine(fact.constant + _exact(least), tuple(rest))

    # -- bounds -------------------------------------------------------------------------------------

    def is_at_most_0(self, x: Affine) -> bool:
        """Whether x ≤ 0 is certain."""
        return self.greatest(x) <= 0

    def least(self, x: Affine) -> Extreme:
        """A lower bound of x."""
        return -self.greatest(x.times(-1))

    def greatest(self, x: Affine) -> Extreme:
        """An upper bound of x; −∞ where code is never reached."""
        if self._scopes[-1].is_empty:
            return -inf
        return self._greatest(x.terms) + x.constant

    def _greatest(self, terms: tuple[tuple[Symbol, Number], ...]) -> Extreme:
        if not terms:
            return 0
        scope = self._scopes[-1]
        found = scope.whole if self.is_quick else scope.found
        if terms not in found:
            symbol, factor = terms[-1]
            rest = Affine(0, terms[:-1])
            bounds = self._upper(symbol) if factor > 0 else self._lower(symbol)
            found[terms] = min(
                (self.greatest(rest.plus(bound.times(factor))) for bound in bounds), default=inf
            )
        return found[terms]

    def _upper(self, symbol: Symbol) -> list[Affine]:
        found = [*symbol.upper, *self._scopes[-1].upper.get(symbol, ())]
        if isinstance(symbol, Quotient):
            x, by = symbol.x, symbol.by
            most = self.greatest(x)
            found += [] if most == inf else [Affine(_cut(most, by))]
            if not self.is_quick:
                lifted = x if self.least(x) >= 0 else x.plus(by - 1)
                found.append(_plain(lifted.times(Fraction(1, by))))
        elif isinstance(symbol, Remainder):
            q = symbol.quotient
            most = self.greatest(q.x)
            found.append(Affine(int(min(self._last_remainder(symbol), max(most, 0)))))
            found.append(q.x.minus(_alone(q).times(q.by)))
        return found

    def _last_remainder(self, symbol: Remainder) -> int:
        """The greatest remainder: that of x = c + m · … is c and multiples of m more, if m divides it.

        Symbols that have one value here are part of c.
        """
        x, by = symbol.quotient.x, symbol.quotient.by
        fixed = {s: int(least) for s, _ in x.terms if (least := self._only(s)) is not None}
        x = x.at(fixed)
        step = gcd(x.divisor(), by)
        if not isinstance(x.constant, int) or self.least(x) < 0:
            return by - symbol.divisor
        return min(by - symbol.divisor, by - step + x.constant % step)

    def _only(self, symbol: Symbol) -> Extreme | None:
        """The value of a symbol that has but one."""
        alone = _alone(symbol)
        least = self.least(alone)
        return least if abs(least) != inf and least == self.greatest(alone) else None

    def _lower(self, symbol: Symbol) -> list[Affine]:
        found = [*symbol.lower, *self._scopes[-1].lower.get(symbol, ())]
        if isinstance(symbol, Quotient):
            x, by = symbol.x, symbol.by
            least = self.least(x)
            found += [] if least == -inf else [Affine(_cut(least, by))]
            if not self.is_quick:
                found.append(_plain(x.plus(1 - by).times(Fraction(1, by))))
        elif isinstance(symbol, Remainder):
            q = symbol.quotient
            least = self.least(q.x)
            found.append(Affine(int(max(symbol.divisor - q.by, min(least, 0)))))
            found.append(q.x.minus(_alone(q).times(q.by)))
        return found


def _alone(symbol: Symbol) -> Affine:
    return Affine(0, ((symbol, 1),))


def _is_lane(symbol: Symbol) -> bool:
    return symbol.number < 0


def _plain(x: Affine) -> Affine:
    """The same with integers where factors are whole."""
    terms = tuple((symbol, _exact(factor)) for symbol, factor in x.terms)
    return Affine(_exact(x.constant), terms)


def _exact(x: Extreme) -> Number:
    if isinstance(x, Fraction) and x.denominator == 1:
        return int(x)
    return x if isinstance(x, (int, Fraction)) else int(x)


def _known(end: Extreme) -> tuple[Affine, ...]:
    """A bound as an expression; none if it is infinite."""
    return () if abs(end) == inf else (Affine(_exact(end)),)


def _whole(x: Number) -> int:
    """An integer constant; 1, which divides nothing else, in place of a fraction."""
    return x if isinstance(x, int) else 1


def _cut(x: Extreme, by: int) -> int:
    """x / by cut towards 0."""
    return floor(x / by) if x >= 0 else ceil(x / by)


def _tightened(fact: Affine) -> Affine:
    """fact ≤ 0 in integers: the terms, all multiples of m, are at most a multiple of m."""
    numbers = [fact.constant, *(factor for _, factor in fact.terms)]
    fact = _plain(fact.times(lcm(*(Fraction(number).denominator for number in numbers))))
    step = fact.divisor()
    return Affine(-step * (-fact.constant // step), fact.terms)
