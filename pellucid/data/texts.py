"""Columns from raw texts: categories, or numbers, booleans or dates written as texts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_CODE,
    MISSING_DATE,
    RARE_TEXTS,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
    TextColumn,
)
from pellucid.data.date_text import FORMATS, date_format, parse_date
from pellucid.data.note import Note, counted, shortened
from pellucid.data.number_text import (
    MISSING_WORDS,
    is_plain,
    is_whole,
    looks_like_code,
    parse_number,
)

MOST_LEVELS = 100_000
"""The most distinct texts of a column; further ones share a level, to bound the memory."""

NUMBER_SHARE = 0.8
"""The least share of numbers among texts with which a column is numeric."""

FEWEST_NUMBERS = 5
"""The fewest distinct numbers of a numeric column with stray texts: 0, 1, 2, 3+ are categories."""

Chunks = Callable[[], Iterable[list[str]]]
"""Iterates over the texts of a column in chunks; each call starts anew."""


def column_from_texts(name: str, chunks: Chunks) -> tuple[Column, list[Note]]:
    """The column from raw texts ("" is missing), with notes on stray or unusual values."""
    column = _encode(name, chunks())
    levels = [level for level in column.levels if level != RARE_TEXTS]
    if not levels:
        return NumberColumn(name, np.full(len(column), np.nan)), []
    if looks_like_code(levels):
        return column, []
    folded = {level.lower() for level in levels}
    if folded <= {"true", "false"}:
        return as_boolean_states(column, frozenset(["true"]), frozenset(["false"])), []
    numbers = _as_numbers(column, levels, chunks)
    if numbers is not None:
        return numbers
    form = date_format(levels)
    if form is not None:
        return _as_dates(column, form, chunks)
    return column, []


def _encode(name: str, chunks: Iterable[list[str]]) -> TextColumn:
    """The texts as codes of levels, trimmed; levels are in the order of first appearance."""
    lookup: dict[str, int] = {}
    seen: dict[str, int] = {}
    parts: list[NDArray[np.int32]] = []
    for chunk in chunks:
        codes = np.empty(len(chunk), np.int32)
        for row, raw in enumerate(chunk):
            code = seen.get(raw)
            if code is None:
                code = _level_code(raw, lookup)
                if code < MOST_LEVELS:
                    seen[raw] = code
            codes[row] = code
        parts.append(codes)
    levels = tuple(lookup)
    if len(levels) >= MOST_LEVELS:
        levels += (RARE_TEXTS,)
    codes = np.concatenate(parts) if parts else np.empty(0, np.int32)
    return TextColumn(name, codes, levels)


def _level_code(raw: str, lookup: dict[str, int]) -> int:
    text = raw.strip()
    if text in MISSING_WORDS:
        return MISSING_CODE
    code = lookup.get(text)
    if code is None:
        code = min(len(lookup), MOST_LEVELS)
        if code < MOST_LEVELS:
            lookup[text] = code
    return code


@dataclass(frozen=True)
class _Style:
    """A number format, with the share of rows and the distinct numbers that it reads."""

    decimal_comma: bool
    share: float
    distinct: int


def _style(column: TextColumn, levels: list[str], decimal_comma: bool) -> _Style:
    counts = column.counts()[: len(levels)]
    values = [parse_number(level, decimal_comma=decimal_comma) for level in levels]
    read = np.array([value is not None for value in values])
    return _Style(
        decimal_comma,
        float(counts[read].sum() / max(1, counts.sum())),
        len({value for value in values if value is not None}),
    )


def _as_numbers(
    column: TextColumn, levels: list[str], chunks: Chunks
) -> tuple[NumberColumn, list[Note]] | None:
    """The column as numbers if most texts are numbers; others become missing, with a note."""
    style = max(
        (_style(column, levels, False), _style(column, levels, True)), key=lambda style: style.share
    )
    some_stray = style.share < 1.0
    if style.share < NUMBER_SHARE or (some_stray and style.distinct < FEWEST_NUMBERS):
        return None
    values, stray = _parse(
        column,
        chunks,
        lambda text: parse_number(text, decimal_comma=style.decimal_comma),
        np.nan,
        np.float64,
    )
    notes = [stray_note(column.name, stray, "a number")] if stray else []
    unusual = [level for level in levels if not is_plain(level) and level not in stray]
    if unusual:
        value = parse_number(unusual[0], decimal_comma=style.decimal_comma)
        notes.append(
            Note(column.name, f"'{column.name}': '{shortened(unusual[0])}' was read as {value:g}.")
        )
    whole = all(is_whole(level) for level in levels if level not in stray)
    return NumberColumn(column.name, values, whole), notes


def _as_dates(column: TextColumn, form: str, chunks: Chunks) -> tuple[Column, list[Note]]:
    seconds, stray = _parse(
        column, chunks, lambda text: parse_date(text, form), MISSING_DATE, np.int64
    )
    parsed = int((seconds != MISSING_DATE).sum())
    if parsed < 0.95 * int((~column.missing()).sum()):
        return column, []
    notes = [stray_note(column.name, stray, "a date")] if stray else []
    if form:
        text = f"'{column.name}' was read as dates written {FORMATS[form]}."
        notes.append(Note(column.name, text))
    return DateColumn(column.name, seconds), notes


def _parse(
    column: TextColumn,
    chunks: Chunks,
    parse: Callable[[str], float | None],
    missing: float,
    dtype: type[np.generic],
) -> tuple[NDArray[Any], dict[str, int]]:
    """Values of the column by `parse`, and the counts of the texts for which it returns None.

    Those texts get the value `missing`. A column with more than `MOST_LEVELS` distinct texts is read
    again from its raw texts.
    """
    if column.levels[-1] != RARE_TEXTS:
        return parse_levels(column, parse, missing, dtype)
    stray: dict[str, int] = {}
    parts: list[NDArray[Any]] = []
    for chunk in chunks():
        part = np.full(len(chunk), missing, dtype)
        for row, raw in enumerate(chunk):
            text = raw.strip()
            if text in MISSING_WORDS:
                continue
            value = parse(text)
            if value is None:
                stray[text] = stray.get(text, 0) + 1
            else:
                part[row] = value
        parts.append(part)
    return np.concatenate(parts), stray


def parse_levels(
    column: TextColumn,
    parse: Callable[[str], float | None],
    missing: float,
    dtype: type[np.generic],
) -> tuple[NDArray[Any], dict[str, int]]:
    """Values, shape (n,), by parsing each level once, and the counts of texts without a value."""
    counts = column.counts()
    table = np.full(len(column.levels) + 1, missing, dtype)
    stray: dict[str, int] = {}
    for code, level in enumerate(column.levels):
        value = parse(level) if counts[code] else None
        if value is not None:
            table[code] = value
        elif counts[code]:
            stray[level] = int(counts[code])
    return table[column.codes], stray


def as_boolean_states(
    column: TextColumn, true: frozenset[str], false: frozenset[str]
) -> BooleanColumn:
    """The column as booleans, by lower-case words for true and false; others are missing."""
    table = np.full(len(column.levels) + 1, MISSING_BOOLEAN, np.int8)
    for code, level in enumerate(column.levels):
        word = level.lower()
        if word in true or word in false:
            table[code] = word in true
    return BooleanColumn(column.name, table[column.codes])


def stray_note(name: str, stray: dict[str, int], wanted: str) -> Note:
    """A note with the count of values of another type, and the commonest of them."""
    total = sum(stray.values())
    common = sorted(stray.items(), key=lambda item: (-item[1], item[0]))[:3]
    examples = ", ".join(f"'{shortened(text)}' ({count:,})" for text, count in common)
    verb, role = ("is", "counts") if total == 1 else ("are", "count")
    return Note(
        name,
        f"{counted(total, 'value')} of '{name}' {verb} not {wanted} and {role} as missing: "
        f"{examples}{' and others' if len(stray) > 3 else ''}.",
        total,
    )
