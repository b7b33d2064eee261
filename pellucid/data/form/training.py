"""Reading a training table: the forms of all columns are decided, then each is read by its form."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from pellucid.data.column import MISSING_CODE, RARE_TEXTS, Column, TextColumn
from pellucid.data.form.column import ColumnForm
from pellucid.data.form.decide_typed import draft
from pellucid.data.form.draft import Draft, is_plain
from pellucid.data.form.form_note import form_note, with_shared_notes
from pellucid.data.form.missing import holds_codes, words_of
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.read import read_column
from pellucid.data.form.text import MOST_LEVELS, TextForm
from pellucid.data.note import Note, Progress, counted, quoted, shortened
from pellucid.data.options import ReadOptions
from pellucid.data.raw import RawTable
from pellucid.data.suggest import did_you_mean
from pellucid.errors import DataError


@dataclass(frozen=True)
class Reading:
    """A column as it was read, its form, and notes."""

    column: Column
    form: ColumnForm
    notes: tuple[Note, ...]


def read_training(table: RawTable, options: ReadOptions, progress: Progress) -> list[Reading]:
    """The columns of a table, with the forms that all of its rows decide.

    What one column leaves open, the others decide: the decimal mark, and whether "NA" is a value.
    """
    _check_options(table, options)
    kept = [raw for raw in table.columns if options.kinds.get(raw.name) != "drop"]
    drafts = []
    for position, raw in enumerate(kept):
        progress(
            f"{table.source}: {table.rows:,} rows, column {position + 1} of {len(kept)}, "
            f"'{raw.name}'"
        )
        drafts.append(draft(raw, options, table.written))
    drafts = _with_mark(drafts, table, options)
    na_is_missing = any(each.na for each in drafts)
    readings = [_reading(each, na_is_missing, options) for each in drafts]
    notes = with_shared_notes([reading.notes for reading in readings])
    return [replace(each, notes=own) for each, own in zip(readings, notes, strict=True)]


def _check_options(table: RawTable, options: ReadOptions) -> None:
    names = [raw.name for raw in table.columns] + list(table.left_out)
    for option, columns in (("kind", options.kinds), ("date format", options.date_formats)):
        for name in columns:
            if name not in names:
                raise DataError(
                    f"A {option} is set for '{name}', which is no column of {table.source}; "
                    f"{did_you_mean(name, names)}"
                )


def _with_mark(drafts: list[Draft], table: RawTable, options: ReadOptions) -> list[Draft]:
    """The drafts, decided again with the decimal mark that most columns show, where one does."""
    marks = Counter(each.mark for each in drafts if each.mark).most_common(2)
    undecided = len(marks) == 2 and marks[0][1] == marks[1][1]
    if options.decimal is not None or undecided:
        return drafts
    mark = marks[0][0] if marks else table.dialect.decimal if table.dialect else None
    if mark is None:
        return drafts
    examples = [f"'{shortened(each.form.name)}'" for each in drafts if each.mark == mark]
    return [_decided_again(each, mark, [*examples, "the table"][0]) for each in drafts]


def _decided_again(each: Draft, mark: str, example: str) -> Draft:
    if each.again is None or each.mark:
        return each
    form = each.again(mark)
    if each.certain or not isinstance(form.form, NumberForm):
        return replace(each, form=form)
    name = {",": "comma", ".": "point"}.get(mark, "Arabic mark")
    form = replace(form, evidence=f"The decimal mark of {example} is a {name}.")
    notes = [] if is_plain(form.form) else [form_note(form, False, "--decimal")]
    return replace(each, form=form, notes=notes)


def _reading(each: Draft, na_is_missing: bool, options: ReadOptions) -> Reading:
    words = words_of(options.missing)
    if not isinstance(each.form.form, TextForm):
        column, notes = read_column(each.raw, each.form)
        return Reading(column, replace(each.form, missing=words), (*each.notes, *notes))
    by_default = options.missing is None and "NA" in each.form.missing
    form, wanted = each.form, each.form.form
    if by_default:
        form = replace(form, missing=tuple(word for word in words if word != "NA"))
    column, notes = read_column(each.raw, form)
    assert isinstance(column, TextColumn)
    if by_default:
        column, na_notes = _with_na(column, na_is_missing)
        notes = [*notes, *na_notes]
    levels = frozenset(column.levels)
    missing = tuple(word for word in words if word not in levels)
    form = replace(form, form=_with_levels(column, wanted), missing=missing)
    return Reading(column, form, (*each.notes, *notes))


def _with_na(column: TextColumn, na_is_missing: bool) -> tuple[TextColumn, list[Note]]:
    """The column with "NA" as a value among codes of two letters, else as missing.

    It is missing there too where "NA" is missing in a column of numbers, dates or booleans.
    """
    if "NA" not in column.levels:
        return column, []
    code = column.levels.index("NA")
    count = int(column.counts()[code])
    others = tuple(level for level in column.levels if level != "NA")
    name = shortened(column.name)
    is_code = holds_codes(others)
    if is_code and not na_is_missing:
        text = (
            f"'NA' in {counted(count, 'row')} of '{name}' is a value, a code like "
            f"{quoted(others[:2])}; --missing NA makes it a missing one."
        )
        return column, [Note(column.name, text, count)]
    shift = np.arange(len(column.levels) + 1, dtype=np.int32)
    shift[code + 1 :] -= 1
    shift[[code, -1]] = MISSING_CODE
    missing = TextColumn(column.name, shift[column.codes], others)
    if not is_code:
        return missing, []
    text = (
        f"'NA' in {counted(count, 'row')} of '{name}' is missing, as in other columns of the table; "
        "if it is a code there, give the words for missing values with --missing."
    )
    return missing, [Note(column.name, text, count)]


def _with_levels(column: TextColumn, form: TextForm) -> TextForm:
    """The form with the levels that occur, commonest first; an order of the source stays."""
    if form.ordered:
        return form
    counts = column.counts()
    order = np.argsort(-counts, kind="stable")[: MOST_LEVELS + 1]
    levels = [column.levels[code] for code in order if counts[code]]
    return TextForm(tuple(level for level in levels if level != RARE_TEXTS)[:MOST_LEVELS])
