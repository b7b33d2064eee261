"""Finding the dialect of a text file: from what the user says, a saved dialect, or the text itself."""

import re
from dataclasses import dataclass, replace

from pellucid.data.dialect.cells import decimal_mark
from pellucid.data.dialect.dialect import Dialect
from pellucid.data.dialect.layout import Layout, layout_of
from pellucid.data.dialect.names import column_names
from pellucid.data.dialect.records import COMMENTS, Marks, Record
from pellucid.data.dialect.score import best_cut, cut_by
from pellucid.data.note import Note
from pellucid.data.options import ReadOptions

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*(?:\r\n|\r|\n)', re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """The first part of a text file. `whole`: whether it is all of it; `source` is for messages."""

    text: str
    whole: bool
    source: str
    encoding: str = "utf-8"


def find_dialect(
    sample: Sample, options: ReadOptions | None = None, saved: Dialect | None = None
) -> Dialect:
    """The dialect of the file that begins with this sample.

    What `options` say holds. A `saved` dialect is used where it finds a header with most of its names,
    or, for tables without a header, rows of as many cells; it says so in a note where it does not.
    """
    options = options or ReadOptions()
    text = sample.text.lstrip("\ufeff")
    stated = _SEPARATOR_LINE.match(text)
    lines_before = 0
    separator = options.delimiter
    if stated:
        text = text[stated.end() :]
        lines_before = 1
        separator = separator or stated[1]
    if saved is not None and options.delimiter is None:
        dialect = _by_saved(text, sample, options, saved)
        if dialect is not None:
            return _shifted(dialect, lines_before)
        text_of_note = (
            f"{sample.source} is not written as the training table was ({saved.describe()}), so its "
            "separator and header were detected anew."
        )
        detected = find_dialect(sample, options)
        return replace(detected, notes=(Note("", text_of_note), *detected.notes))
    cut = best_cut(text, sample.whole, separator)
    layout = layout_of(cut, options.header)
    detected = _dialect(layout, sample, options)
    if options.delimiter is not None and len(detected.names) == 1:
        detected = replace(
            detected, notes=(*detected.notes, *_one_column_notes(text, sample, options))
        )
    return _shifted(detected, lines_before)


def _one_column_notes(text: str, sample: Sample, options: ReadOptions) -> list[Note]:
    """A note where the separator that was set divides nothing, but another one does."""
    detected = layout_of(best_cut(text, sample.whole, None), options.header)
    if detected.width < 2:
        return []
    mark = "a tab" if detected.marks.separator == "\t" else f"'{detected.marks.separator}'"
    text_of_note = (
        f"The separator {options.separator!r} divides no line of {sample.source}, which has one "
        f"column now; {mark} would make {detected.width:,}. Leave out --separator."
    )
    return [Note("", text_of_note)]


def _by_saved(text: str, sample: Sample, options: ReadOptions, saved: Dialect) -> Dialect | None:
    """The dialect of the file by the saved marks; None where they do not find the saved columns."""
    cut = cut_by(text, sample.whole, replace(saved.marks, comment=""))
    has_header = saved.header if options.header is None else options.header
    if not has_header:
        if cut.width != len(saved.names):
            return None
        dialect = _dialect(layout_of(cut, False), sample, options, saved)
        return _with_saved_names(dialect, sample, saved) if saved.header else dialect
    wanted = set(saved.names)
    for index, record in enumerate(cut.records[:100]):
        names, _ = column_names(_header_cells(record, saved), sample.source)
        if 2 * len(wanted & set(names)) > min(len(wanted), len(names)):
            width = len(names)
            layout = layout_of(replace(cut, width=width), True, index, saved.row_names)
            return _dialect(layout, sample, options, saved)
    return None


def _with_saved_names(dialect: Dialect, sample: Sample, saved: Dialect) -> Dialect:
    """The dialect of a table without a header that has as many columns as the training table."""
    text = (
        f"{sample.source} has no header, so its columns are those of the training table, in order."
    )
    others = [note for note in dialect.notes if " has no header" not in note.text]
    return replace(dialect, names=saved.names, notes=(*others, Note("", text)))


def _header_cells(record: Record, saved: Dialect) -> list[str]:
    return ["rownames", *record.cells] if saved.row_names else record.cells


def _dialect(
    layout: Layout, sample: Sample, options: ReadOptions, saved: Dialect | None = None
) -> Dialect:
    names, notes = _names(layout, sample.source)
    body = [record.cells for record in layout.body]
    decimal = options.decimal or decimal_mark(cell for cells in body for cell in cells)
    if decimal is None and saved is not None:
        decimal = saved.decimal
    comment = (saved.marks.comment if saved is not None else "") or _comment(layout)
    marks = replace(layout.marks, comment=comment)
    in_body = [record for record in layout.rest if _begins(record, comment)]
    return Dialect(
        marks,
        names,
        header=layout.header is not None,
        row_names=layout.row_names,
        decimal=decimal,
        encoding=sample.encoding,
        first_line=layout.first_line,
        skipped=layout.skipped,
        direct=_is_direct(marks, layout, bool(in_body)),
        notes=tuple(_title_notes(layout, sample.source) + notes),
    )


def _names(layout: Layout, source: str) -> tuple[tuple[str, ...], list[Note]]:
    if layout.header is None:
        text = (
            f"{source} has no header, so its columns are called x0, x1 and so on; --header says that "
            "its first row is one."
        )
        return tuple(f"x{position}" for position in range(layout.width)), [Note("", text)]
    cells = list(layout.header)
    notes = []
    if layout.row_names:
        cells.insert(0, "rownames")
        text = (
            f"The rows of {source} have one value more than its header: the first column is called "
            "'rownames'."
        )
        notes.append(Note("rownames", text, 1))
    if layout.marks.starts and not cells[0]:
        cells[0] = "rownames"
    if layout.by_numbers:
        text = (
            f"The first row of {source} was taken for its header, as its numbers run on like names; "
            "--no-header says that it is data."
        )
        notes.append(Note("", text))
    names, repeated = column_names(cells, source)
    return names, notes + repeated


def _title_notes(layout: Layout, source: str) -> list[Note]:
    if not layout.titles:
        return []
    before = "header" if layout.header is not None else "data"
    subject, verbs = f"The first {layout.titles:,} lines", ("stand", "are")
    if layout.titles == 1:
        subject, verbs = "The first line", ("stands", "is")
    text = f"{subject} of {source} {verbs[0]} before the {before} and {verbs[1]} left out."
    return [Note("", text, layout.titles)]


def _comment(layout: Layout) -> str:
    """The beginning of comment lines; "" where there are none, or where most rows begin so."""
    for mark in COMMENTS:
        odd = [each for each in layout.before + layout.rest if _begins(each, mark)]
        if not any(len(each.cells) != layout.width or each in layout.before for each in odd):
            continue
        rows = sum(_begins(each, mark) for each in layout.body)
        if 2 * rows <= len(layout.body):
            return mark
    return ""


def _begins(record: Record, mark: str) -> bool:
    return bool(mark) and record.cells[0].lstrip(" \ufeff").startswith(mark)


def _is_direct(marks: Marks, layout: Layout, comments_in_body: bool) -> bool:
    """Whether DuckDB can read the sample: plain marks, and only rows after the lines skipped."""
    quoted_titles = any('"' in cell for each in layout.before for cell in each.cells)
    return replace(marks, comment="").is_plain and not (
        comments_in_body or quoted_titles or any(each.broken for each in layout.before)
    )


def _shifted(dialect: Dialect, lines: int) -> Dialect:
    return replace(dialect, first_line=dialect.first_line + lines, skipped=dialect.skipped + lines)
