"""The unit that most numbers of a column are written with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.data.form.number.multiples import power_of_ten
from pellucid.data.form.number.shape import Style
from pellucid.data.form.number.tally import Writing
from pellucid.data.form.number.units import is_currency, is_known_unit, unit_key

_Key = tuple[str, str]
_BARE: _Key = ("", "")


@dataclass(frozen=True)
class UnitChoice:
    """The unit, and which numbers have it."""

    prefix: str
    multiple: str
    scaled: bool
    suffix: str
    required: bool
    """Whether numbers without the unit are not read."""
    writings: tuple[Writing, ...]
    """The styles that are read."""
    note: str
    """A sentence where other units, or numbers without one, occur too; else ""."""


def choose_unit(writings: Sequence[Writing]) -> UnitChoice:
    """The unit of most rows, and the multiples beside it.

    Numbers without a unit are read as well, unless several units occur. A word that is no known unit
    must stand in all texts: "36 months", "60 months".
    """
    rows: Counter[_Key] = Counter()
    for writing in writings:
        rows[_key(writing.style)] += writing.rows
    bare = rows.pop(_BARE, 0)
    units = [key for key, _ in rows.most_common()]
    usable = [key for key in units if _is_usable(key, len(units), bare)]
    major = usable[0] if usable else _BARE
    required = major != _BARE and len(units) > 1
    if bare > rows[major] and (required or major[1] in ("%", "‰")):
        major, required = _BARE, False
    keys = [major] if required or major == _BARE else [major, _BARE]
    read = [writing for writing in writings if _key(writing.style) in keys]
    multiple, scaled, read = _multiples(read, codes=len(usable) < len(units))
    notes = [_unit_note(major, rows, bare), _multiples_note(read) if scaled else ""]
    return UnitChoice(
        prefix=_commonest([(writing.style.prefix, writing.rows) for writing in read]),
        multiple=multiple,
        scaled=scaled,
        suffix=_commonest([(writing.style.suffix, writing.rows) for writing in read]),
        required=required,
        writings=tuple(read),
        note="; ".join(filter(None, notes)),
    )


def _key(style: Style) -> _Key:
    """Currency and unit, the same for all spellings and either position of the currency."""
    first, second = unit_key(style.prefix), unit_key(style.suffix)
    if is_currency(style.suffix):
        first, second = second, first
    return first, "" if second == first else second


def _is_usable(key: _Key, units: int, bare: int) -> bool:
    """Whether the unit is known, or stands in all texts."""
    return not key[1] or is_known_unit(key[1]) or (units == 1 and bare == 0)


def _multiples(writings: list[Writing], codes: bool) -> tuple[str, bool, list[Writing]]:
    """The multiple of all numbers, or whether several are scaled, and the styles that are read.

    A letter beside bare numbers multiplies only where it can be no part of a name: beside a currency,
    another multiple or a fraction. 12, 14B and 1A, 1B are names; `codes` says that there are such.
    """
    multiples = {writing.style.multiple for writing in writings}
    if multiples == {""} or not writings:
        return "", False, writings
    surely = [w for w in writings if w.style.multiple and _is_quantity(w.style)]
    without = [writing for writing in writings if not writing.style.multiple]
    if codes and not surely:
        return "", False, without
    if len(multiples) == 1:
        return multiples.pop(), False, writings
    if surely or len(multiples - {""}) > 1:
        return "", True, [writing for writing in writings if not writing.style.exponent]
    return "", False, without


def _is_quantity(style: Style) -> bool:
    """Whether a number with a multiple can be no name such as 14B."""
    has_fraction = all(reading.decimal for reading in style.readings)
    return style.prefix != "" or style.suffix != "" or len(style.multiple) > 2 or has_fraction


def _multiples_note(writings: list[Writing]) -> str:
    multiples = dict.fromkeys(w.style.multiple for w in writings if w.style.multiple)
    parts = [f"'{word}' multiplies by {10 ** power_of_ten(word):,}" for word in list(multiples)[:4]]
    return ", ".join(parts)


def _commonest(spellings: list[tuple[str, int]]) -> str:
    rows: Counter[str] = Counter()
    for spelling, count in spellings:
        if spelling:
            rows[spelling] += count
    return rows.most_common(1)[0][0] if rows else ""


def _unit_note(major: _Key, rows: Counter[_Key], bare: int) -> str:
    """A sentence on the units, where there are several, or numbers without one."""
    if not rows or (len(rows) == 1 and not bare):
        return ""
    parts = [f"'{' '.join(filter(None, key))}' in {count:,}" for key, count in rows.most_common(3)]
    more = " and others" if len(rows) > 3 else ""
    without = f", none in {bare:,}" if bare else ""
    if len(rows) > 1 or major == _BARE:
        return f"units differ: {', '.join(parts)}{more}{without}"
    return f"the unit is {parts[0]} and left out in {bare:,}"
