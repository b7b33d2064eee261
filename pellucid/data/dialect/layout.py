"""The layout of a text that is cut into records: lines before the header, the header, the data."""

import re
from dataclasses import dataclass

from pellucid.data.dialect.cells import is_typed
from pellucid.data.dialect.header import header_evidence
from pellucid.data.dialect.records import COMMENTS, Marks, Record
from pellucid.data.dialect.score import Cut

_MOST_TITLES = 10
"""Lines of a text among which a header below titles is sought."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of a sample are.

    before:     the records before the header, or before the data where there is none.
    header:     the cells that name the columns; None where there are none.
    rest:       the records after the header, blank ones, comments and footers included.
    body:       those of `rest` with the usual number of cells, at most 1,000.
    width:      the number of columns.
    row_names:  whether the header lacks a name for the first column.
    by_numbers: whether the header was recognised by numbers that run on.
    first_line: the line of the first record of `rest`, and `skipped` the records before it.
    """

    marks: Marks
    before: tuple[Record, ...]
    header: tuple[str, ...] | None
    rest: tuple[Record, ...]
    width: int
    row_names: bool
    by_numbers: bool
    first_line: int
    skipped: int

    @property
    def body(self) -> list[Record]:
        """The records of the data that have the usual number of cells."""
        usual = self.width
        return [each for each in self.rest if len(each.cells) == usual and not each.is_blank][:1000]

    @property
    def titles(self) -> int:
        """The lines before the header that are not all blank; 0 where there are none."""
        texts = [each for each in self.before if not each.is_blank]
        if not texts:
            return 0
        return len(self.before)


def layout_of(
    cut: Cut, header: bool | None, start: int | None = None, row_names: bool | None = None
) -> Layout:
    """The layout of a cut sample.

    header:    whether it has one, where that is known; start: the record of the header.
    row_names: whether the first column has no name in it.
    """
    first = _first_fitting(cut)
    if start is not None:
        return _with_header(cut, start, bool(row_names))
    if header is False:
        return _without_header(cut, first)
    comment = _commented_header(cut, first)
    before = _last_counted(cut, first)
    if before is not None and _is_wide_header(cut, before, first):
        return _with_header(cut, before, False)
    if before is not None and _is_short_header(cut, before, first, header):
        return _with_header(cut, before, not _ends_empty(cut, first))
    evidence = "types" if header else _evidence(cut, first)
    if comment is not None and evidence in ("none", "names") and header is not True:
        return _with_header(cut, comment, False)
    if evidence == "none":
        return _without_header(cut, first)
    return _with_header(cut, first, False, evidence == "numbers")


def _with_header(cut: Cut, start: int, row_names: bool, by_numbers: bool = False) -> Layout:
    record = cut.records[start]
    cells = record.cells
    if _is_comment(record) and start < _first_fitting(cut):
        cells = _uncommented(record, cut.width, start == 0)
    width = cut.width
    if row_names:
        cells = cells[: width - 1]
        width = len(cells) + 1
    else:
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        width = len(cells)
    following = cut.records[start + 1 :]
    last = sum(cell.count("\n") for cell in record.cells)
    line = following[0].line if following else record.line + last + 1
    return Layout(
        cut.marks,
        tuple(cut.records[:start]),
        tuple(cells),
        tuple(following),
        width,
        row_names,
        by_numbers,
        line,
        start + 1,
    )


def _without_header(cut: Cut, first: int) -> Layout:
    rest = cut.records[first:]
    line = rest[0].line if rest else 1
    before = tuple(cut.records[:first])
    return Layout(cut.marks, before, None, tuple(rest), cut.width, False, False, line, first)


def _first_fitting(cut: Cut) -> int:
    """The index of the first record with the usual number of cells, comments last; 0 for none."""
    fitting = [
        index
        for index, record in enumerate(cut.records)
        if len(record.cells) == cut.width and not record.is_blank
    ]
    rows = [index for index in fitting if not _is_comment(cut.records[index])]
    return _below_padded_titles(cut, rows) if rows else next(iter(fitting), 0)


def _below_padded_titles(cut: Cut, rows: list[int]) -> int:
    """The first of these records that is no title, which spreadsheets pad with separators.

    A title fills at most half of the columns that hold data, and a full header stands below it.
    """
    cells = [cut.records[index].cells for index in rows[:500]]
    columns = list(zip(*cells[1:], strict=True))
    usual = [
        position
        for position, column in enumerate(columns)
        if 2 * sum(bool(cell.strip()) for cell in column) > len(column)
    ]
    for number, (index, row) in enumerate(zip(rows[:_MOST_TITLES], cells, strict=False)):
        filled = sum(bool(row[position].strip()) for position in usual)
        if number and filled == len(usual) and header_evidence(row, cells[number + 1 :]) == "types":
            return index
        if 2 * filled > len(usual):
            break
    return rows[0]


def _is_comment(record: Record) -> bool:
    """Whether a record begins as a comment does; `%fat` is a name, `#fat` one that is commented."""
    first = record.cells[0].lstrip("\ufeff ")
    return first.startswith(COMMENTS) and re.match(r"(?:%|//)\w", first) is None


def _last_counted(cut: Cut, first: int) -> int | None:
    """The index of the last record before the first fitting one that is not blank."""
    for index in range(first - 1, -1, -1):
        if not cut.records[index].is_blank:
            return index
    return None


def _bodies(cut: Cut, first: int) -> list[list[str]]:
    """Fitting records from `first` on."""
    return [
        record.cells
        for record in cut.records[first:]
        if len(record.cells) == cut.width and not record.is_blank
    ]


def _evidence(cut: Cut, first: int) -> str:
    if not cut.records:
        return "names"
    cells = cut.records[first].cells
    body = [other for other in _bodies(cut, first + 1) if other != cells]
    return header_evidence(cells, body)


def _ends_empty(cut: Cut, first: int) -> bool:
    """Whether each row ends in a separator, as its last cell is always empty."""
    return not any(cells[-1].strip() for cells in _bodies(cut, first))


def _is_wide_header(cut: Cut, before: int, first: int) -> bool:
    """Whether the record before shorter rows names their columns: rows without their last cells."""
    cells = cut.records[before].cells
    if len(cells) <= cut.width or cut.width < 2 or any(cell != cell.strip() for cell in cells):
        return False
    return all(cells[: cut.width]) and _evidence(cut, first) in ("none", "names")


def _is_short_header(cut: Cut, before: int, first: int, header: bool | None) -> bool:
    """Whether the record before the rows is their header, though it has one cell less.

    One cell before rows of two is a title instead, unless the rows show that they have no header.
    """
    cells = cut.records[before].cells
    if len(cells) != cut.width - 1 or _is_comment(cut.records[before]):
        return False
    if any(is_typed(cell) and cell.strip() for cell in cells) and not header:
        run_on = header_evidence(["", *cells], _bodies(cut, first))
        if run_on not in ("numbers", "types"):
            return False
    evidence = _evidence(cut, first)
    return evidence == "none" or (evidence != "types" and cut.width > 2)


def _commented_header(cut: Cut, first: int) -> int | None:
    """The index of a comment with as many names as the rows have cells, the last line above them."""
    last = _last_counted(cut, first)
    if last is None or cut.width == 1 or not _is_comment(cut.records[last]):
        return None
    cells = _uncommented(cut.records[last], cut.width, last == 0)
    return last if len(cells) == cut.width else None


def _uncommented(record: Record, width: int, is_first: bool) -> list[str]:
    """The cells of a comment without its mark.

    A mark that is a cell by itself is a name (`#,name`), unless the other cells are names enough. So is
    a per cent sign in the first line of a file (`% done,name`), where no comment came before.
    """
    first, *others = record.cells
    bare = first.lstrip("\ufeff ")
    mark = next(each for each in COMMENTS if bare.startswith(each))
    name = bare.removeprefix(mark).strip()
    if not name and len(others) == width:
        return others
    if is_first and mark == "%":
        name = bare
    return [name or mark, *others]
