"""Choosing the marks of a text: each candidate cuts the whole sample, and the most regular one wins.

The rule is that of van den Burg, Nazábal & Sutton 2019 ("Wrangling messy CSV files by detecting row and
type patterns"): a dialect is good if rows have equally many cells and cells look like values. Their
score is the product of a pattern score and a type score. Here

    score = fit² · (1 + typed) / 2

fit:   the share of all records, the header among them, with the commonest number of cells, at least 2.
       A record with a quotation mark inside a cell does not fit, nor does one cut within quotation
       marks, a title or a footer.
typed: the share of cells below the first fitting record that look like numbers, dates, times, booleans
       or missing values. `1,5;2` cut at its comma leaves `5;2`, which looks like nothing.

Prose puts a space after its commas and semicolons, so a separator that is mostly followed by a space
loses a tenth. Equal scores go to more cells, then to the separator that occurs least within cells. The
rows of a text divided by spaces must fit nearly all, its header too, and one column must be typed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from pellucid.data.dialect.cells import is_typed
from pellucid.data.dialect.fixed import column_starts
from pellucid.data.dialect.records import (
    COMMENTS,
    SPACES,
    WIDE_SPACES,
    Marks,
    Record,
    is_rule,
    lines_of,
    records,
)

COMMON = ("\t", ";", "|", ",")
"""Separators that are tried, in the order of preference."""

NO_SEPARATOR = "\x1f"
"""The separator of a text of one column: a character that no text holds."""

UNCOMMON = ("\x01", NO_SEPARATOR, "~", "^", "§", SPACES, WIDE_SPACES)
"""Separators that are tried where no common one cuts the text regularly."""

UNQUOTED = ("\t", "|", "\x01", NO_SEPARATOR, "~", "^")
"""Separators of texts in which quotation marks may be letters like others; commas need them."""

SAMPLE_RECORDS = 2000
"""The most records of a sample."""

CLEARLY = 0.1
"""By how much more records must fit an uncommon separator than a common one."""

ENOUGH = 0.8
"""The least fit, between the first and the last fitting record, of a text of several columns."""

_OPENED, _CLOSED = re.compile(r'\s"\S[^"]*$'), re.compile(r'[^"]*\S"(?:\s|$)')


@dataclass(frozen=True)
class Cut:
    """A sample cut by a candidate's marks, with its score. `width`: the cells of most records."""

    marks: Marks
    records: list[Record]
    counted: list[Record]
    width: int
    score: float
    fit: float
    span_fit: float

    @property
    def is_even(self) -> bool:
        """Whether every record that counts has the usual number of cells."""
        return all(_fits(record, self.width, self.marks) for record in self.counted)


def best_cut(sample: str, whole: bool, separator: str | None = None) -> Cut:
    """The sample cut by the best marks, or by the best with this separator.

    `whole`: whether the sample is the whole text. A text of one column has `NO_SEPARATOR`.
    """
    lines = lines_of(sample)
    if separator is not None:
        cuts = [_cut(lines, marks, whole) for marks in _candidates(sample, separator)]
        return max(cuts, key=lambda cut: cut.score)
    common, uncommon = (
        max(
            _without_decimal_commas(list(_regular_cuts(sample, lines, whole, group))),
            key=lambda cut: (round(cut.score, 3), cut.width),
            default=None,
        )
        for group in (COMMON, UNCOMMON)
    )
    if common is not None and (uncommon is None or uncommon.fit < common.fit + CLEARLY):
        return common
    if uncommon is None or uncommon.marks.separator == WIDE_SPACES:
        starts = column_starts(lines[:SAMPLE_RECORDS])
        fixed = _cut(lines, Marks(SPACES, quote="", escape="", starts=starts), whole)
        if starts and _is_regular(fixed):
            return fixed
    return uncommon or _one_column(lines, whole)


def _regular_cuts(
    sample: str, lines: Sequence[str], whole: bool, separators: Sequence[str]
) -> Iterator[Cut]:
    for separator in separators:
        if separator.strip() and separator not in sample:
            continue
        for marks in _candidates(sample, separator):
            cut = _cut(lines, marks, whole)
            if _is_regular(cut):
                yield cut


def _without_decimal_commas(cuts: list[Cut]) -> list[Cut]:
    """The cuts without those at commas that are decimal marks, as in `DE12;5,00`.

    They are so where another separator cuts every record alike, the header too, and all commas stand
    between digits or the header has none.
    """
    others = [cut for cut in cuts if cut.marks.separator != ","]
    if not any(cut.is_even for cut in others):
        return cuts
    return [cut for cut in cuts if cut.marks.separator != "," or not _cuts_numbers(cut)]


def _cuts_numbers(cut: Cut) -> bool:
    """Whether all separators of a cut may be decimal marks."""
    first, *rest = cut.counted
    records = rest if len(first.cells) == 1 else cut.counted
    return all(
        left[-1:].isdigit() and right[:1].isdigit()
        for record in records
        for left, right in pairwise(record.cells)
    )


def cut_by(sample: str, whole: bool, marks: Marks) -> Cut:
    """The sample cut by these marks."""
    return _cut(lines_of(sample), marks, whole)


def _candidates(sample: str, separator: str) -> Iterator[Marks]:
    """The marks to try with a separator: usual quotation marks, and others where the text has them."""
    edge = re.escape(separator) if separator not in (SPACES, WIDE_SPACES) else r"\s"
    lines = [line for line in lines_of(sample[:50_000])[:200] if line.strip()]
    usual = Marks(
        separator,
        framed=separator == "|" and _is_framed(lines),
        ruled=any(is_rule(line, separator) for line in lines[:5]),
        spaced=edge in (",", ";", r"\|") and re.search(rf'{edge} +"', sample) is not None,
    )
    yield usual
    if '\\"' in sample:
        yield replace(usual, escape="\\")
    if re.search(rf"(?:^|{edge})'[^'\n]*'(?:{edge}|\r?$)", sample, re.MULTILINE):
        yield replace(usual, quote="'", escape="'")
        if "\\'" in sample:
            yield replace(usual, quote="'", escape="\\")
    if '"' in sample and separator in UNQUOTED:
        yield replace(usual, quote="", escape="")


def _is_framed(lines: Sequence[str]) -> bool:
    """Whether nearly all lines with bars, but for rules, begin and end with one."""
    drawn = [line.strip() for line in lines if "|" in line and not is_rule(line, "")]
    return sum(line[0] == line[-1] == "|" for line in drawn) > 0.8 * len(drawn)


def _cut(lines: Sequence[str], marks: Marks, whole: bool) -> Cut:
    """The sample cut by these marks, with its score."""
    sample = _sampled(lines, marks, whole)
    widths = Counter(len(each.cells) for each in sample if not (each.broken or each.is_blank))
    widths.pop(1, None)
    if not widths:
        return Cut(marks, sample, [], 1, 0.0, 0.0, 0.0)
    width = max(widths, key=lambda each: (widths[each], each))
    counted = [each for each in sample if _counts(each, width, marks)]
    fitting = [index for index, each in enumerate(counted) if _fits(each, width, marks)]
    if not fitting:
        return Cut(marks, sample, counted, 1, 0.0, 0.0, 0.0)
    fit = len(fitting) / len(counted)
    span = fitting[-1] - fitting[0] + 1
    body = [counted[index].cells for index in fitting[1:]]
    score = fit**2 * (1 + _typed(body) - 0.2 * _wrapped(body)) / 2
    if _is_prose(body, marks):
        score *= 0.9
    return Cut(marks, sample, counted, width, score, fit, len(fitting) / span)


def _sampled(lines: Sequence[str], marks: Marks, whole: bool) -> list[Record]:
    sample = list(islice(records(lines, marks), SAMPLE_RECORDS))
    if not whole and 1 < len(sample) < SAMPLE_RECORDS:
        # The last record is cut off by the end of the sample.
        sample.pop()
    return sample


def _counts(record: Record, width: int, marks: Marks) -> bool:
    """Whether a record counts; blank lines, comments and rules do not."""
    if record.is_blank:
        return False
    if _fits(record, width, marks):
        return True
    first = record.cells[0].lstrip("\ufeff ")
    return not (first.startswith(COMMENTS) or is_rule(first, ""))


def _fits(record: Record, width: int, marks: Marks) -> bool:
    """Whether a record has the usual cells; no text in quotation marks is cut, no lines of tabs held."""
    if len(record.cells) != width or record.broken or (marks.quote and _is_torn(record)):
        return False
    return marks.separator != "\t" or not any(
        "\n" in cell and "\t" in cell for cell in record.cells
    )


def _is_torn(record: Record) -> bool:
    """Whether a text in quotation marks within a cell goes on in the next, as in `1 "Ann, Bob" 2`."""
    return any(
        _OPENED.search(left) is not None and _CLOSED.match(right) is not None
        for left, right in pairwise(record.cells)
        if '"' in left and '"' in right
    )


def _typed(body: Sequence[Sequence[str]]) -> float:
    """The share of cells that look like values, of those that are not empty."""
    cells = [cell for record in body for cell in record if cell]
    return sum(map(is_typed, cells)) / len(cells) if cells else 0.0


def _wrapped(body: Sequence[Sequence[str]]) -> float:
    """The share of cells that still stand in quotation marks, of those that are not empty."""
    cells = [cell for record in body for cell in record if cell]
    wrapped = sum(len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "\"'" for cell in cells)
    return wrapped / len(cells) if cells else 0.0


def _is_prose(body: Sequence[Sequence[str]], marks: Marks) -> bool:
    """Whether the separator is mostly followed by a space."""
    if marks.spaced or marks.ruled or marks.separator not in ",;":
        return False
    later = [cell for record in body for cell in record[1:] if cell]
    return sum(cell.startswith(" ") for cell in later) > 0.5 * len(later)


def _is_regular(cut: Cut) -> bool:
    """Whether a cut is that of a table of several columns."""
    if cut.width < 2 or not cut.counted:
        return False
    counted, first = cut.counted, cut.counted[0]
    body = [record for record in counted[1:] if _fits(record, cut.width, cut.marks)]
    if cut.marks.separator in UNCOMMON:
        return _is_regular_uncommon(cut, body)
    fits_first = _fits(first, cut.width, cut.marks)
    if len(counted) > 2 and len(body) + fits_first < 2:
        # One title that holds the separator is no table.
        return False
    if cut.span_fit < (0.5 if fits_first else ENOUGH):
        return False
    titled = len(first.cells) == 1 and len(body) == len(counted) - 1
    if titled and cut.width == 2 and cut.marks.separator == ",":
        # One column of numbers with a decimal comma, below its name.
        return not all(is_typed(",".join(record.cells)) for record in body)
    return True


def _is_regular_uncommon(cut: Cut, body: Sequence[Record]) -> bool:
    first = len(cut.counted[0].cells)
    if first not in (cut.width, cut.width - 1):
        return False
    if len(cut.counted) < 2 or len(body) < max(1, 0.95 * (len(cut.counted) - 1)):
        return False
    columns = zip(*(record.cells for record in body), strict=True)
    return any(all(map(is_typed, column)) for column in columns)


def _one_column(lines: Sequence[str], whole: bool) -> Cut:
    marks = Marks(NO_SEPARATOR)
    sample = _sampled(lines, marks, whole)
    return Cut(marks, sample, [each for each in sample if not each.is_blank], 1, 0.0, 1.0, 1.0)
