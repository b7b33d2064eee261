"""Cutting a text into records: one record is the cells of one row, with the line it begins on."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from pellucid.data.dialect.fixed import fixed_cells, is_astride

SPACES = " "
"""The separator of columns divided by one space or more."""

WIDE_SPACES = "  "
"""The separator of columns divided by two spaces or more, where cells hold single spaces."""

COMMENTS = ("#", "%", "//")
"""Beginnings of lines that may be comments."""

_RULE = re.compile(r"[\s|+:]*(?:-{2,}|={2,})[-=\s|+:]*")
_ESCAPED = re.compile(r"\\([\"'\\])")
_UNCLOSED = re.compile("unexpected end|field larger")
_WIDE_GAP = re.compile(r" {2,}")
_GAP, _QUOTE, _APOSTROPHE, _BACKSLASH = "\x1f", "\ue000", "\ue001", "\ue002"
_HIDDEN = str.maketrans({'"': _QUOTE, "'": _APOSTROPHE, "\\": _BACKSLASH})
_SHOWN = str.maketrans({_QUOTE: '"', _APOSTROPHE: "'", _BACKSLASH: "\\"})


@dataclass(frozen=True)
class Marks:
    r"""The marks that divide a text into cells.

    separator: one character, `SPACES` or `WIDE_SPACES`.
    quote:     the quotation mark around cells; "" where there is none.
    escape:    what precedes a quotation mark in a quoted cell: the mark itself, or a backslash.
    comment:   the beginning of lines that hold no data; "" where there are none.
    framed:    whether a bar begins and ends each line, as in `| a | b |`.
    ruled:     whether rules as `---+---` stand between lines; cells are padded by spaces then.
    spaced:    whether spaces stand between a separator and a quotation mark.
    starts:    the places at which columns of fixed width begin; () where a separator divides them.
    """

    separator: str
    quote: str = '"'
    escape: str = '"'
    comment: str = ""
    framed: bool = False
    ruled: bool = False
    spaced: bool = False
    starts: tuple[int, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether DuckDB can read the text by these marks."""
        return (
            len(self.separator) == 1
            and self.separator != SPACES
            and not (self.comment or self.framed or self.ruled or self.spaced)
            and self.escape != "\\"
        )


@dataclass(frozen=True)
class Record:
    """The cells of one row.

    broken:   a quotation mark is not where one can be, or a word is astride two columns.
    unclosed: a quotation mark is never closed, or a cell is longer than any of a table.
    """

    line: int
    cells: list[str]
    broken: bool = False
    unclosed: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether no cell holds anything."""
        return not any(cell.strip() for cell in self.cells)


class _Lines:
    """The lines for one record after another; comments and rules between records are left out."""

    def __init__(self, lines: Iterable[str], marks: Marks) -> None:
        self._lines = iter(lines)
        self._marks = marks
        self.number = 0
        self.first = 0
        self.astride = False
        self.raw: list[str] = []

    def begin(self) -> None:
        """The next line begins a record."""
        self.raw = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        marks = self._marks
        for line in self._lines:
            self.number += 1
            if not self.raw:
                if marks.comment and line.lstrip(" \ufeff").startswith(marks.comment):
                    continue
                if marks.ruled and is_rule(line, marks.separator):
                    continue
                self.first = self.number
            prepared = self._prepared(line)
            self.raw.append(prepared)
            return prepared
        raise StopIteration

    def _prepared(self, line: str) -> str:
        """The line in a form that the standard library's reader can cut."""
        marks = self._marks
        if marks.starts:
            self.astride = is_astride(line, marks.starts)
            return _GAP.join(fixed_cells(line, marks.starts)) + "\n"
        if marks.escape == "\\":
            line = _ESCAPED.sub(lambda match: match[1].translate(_HIDDEN), line)
        if marks.framed:
            line = line.strip().removeprefix("|").removesuffix("|")
        if marks.separator == SPACES:
            return self._without_ends(line.replace("\t", " "))
        if marks.separator == WIDE_SPACES:
            return _WIDE_GAP.sub(_GAP, self._without_ends(line.replace("\t", "  ")))
        return line

    def _without_ends(self, line: str) -> str:
        """The line without spaces at its ends; those that begin a later line are part of a cell."""
        return (line if self.raw else line.lstrip(" ")).rstrip(" \n") + "\n"


def is_rule(line: str, separator: str) -> bool:
    """Whether a line draws a rule, as `---+---` of psql, `|---|:--:|` of Markdown, or `=====`."""
    return _RULE.fullmatch(line.replace(separator, " ") if separator else line) is not None


def lines_of(text: str) -> list[str]:
    r"""The lines of a text, each ending in \n, whatever its line ends are."""
    return list(StringIO(text, newline=None))


def records(lines: Iterable[str], marks: Marks) -> Iterator[Record]:
    """The records of a text, blank ones included; lines keep or lack their ends.

    A record with a quotation mark inside a cell, as in `"a"b,c`, is cut leniently and `broken`.
    """
    source = _Lines(lines, marks)
    reader = _reader(source, marks, strict=True)
    while True:
        source.begin()
        broken = unclosed = source.astride = False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            broken = True
            unclosed = _UNCLOSED.search(str(error)) is not None
            cells = [] if unclosed else next(_reader(iter(source.raw), marks, strict=False), [])
        broken = broken or source.astride
        yield Record(source.first, _shown(cells or [""], marks), broken, unclosed)
        if unclosed:
            return


def _reader(lines: Iterable[str], marks: Marks, strict: bool) -> Iterator[list[str]]:
    separator = _GAP if marks.starts or marks.separator == WIDE_SPACES else marks.separator
    return csv.reader(
        lines,
        delimiter=separator,
        quotechar=marks.quote or None,
        quoting=csv.QUOTE_MINIMAL if marks.quote else csv.QUOTE_NONE,
        skipinitialspace=marks.spaced or separator == SPACES,
        strict=strict,
    )


def _shown(cells: list[str], marks: Marks) -> list[str]:
    if marks.escape == "\\":
        cells = [cell.translate(_SHOWN) for cell in cells]
    if marks.ruled or marks.framed:
        cells = [cell.strip() for cell in cells]
    return cells
