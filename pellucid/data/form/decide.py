"""Deciding the form of one column from all of its rows."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pellucid.data.column import Column, NumberColumn
from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import ColumnForm, Form
from pellucid.data.form.convert import Moment, Scalar, scalar
from pellucid.data.form.date import DateForm
from pellucid.data.form.decided import Decided
from pellucid.data.form.evidence import EVERYTHING, Possible, TextEvidence, is_inexact, possible
from pellucid.data.form.missing import words_of
from pellucid.data.form.number import NumberForm
from pellucid.data.form.text import TextForm, number_name
from pellucid.data.note import Note, shortened
from pellucid.data.options import ReadOptions
from pellucid.data.raw import ListTexts, Levels, Mixed, PlainFacts, Raw, Texts, Typed, is_beyond_float
from pellucid.errors import DataError

NUMBER_SHARE = 0.8
"""The least share of numbers among texts with which a column is numeric."""

FEWEST_NUMBERS = 5
"""The fewest distinct numbers of a numeric column with stray texts: 0, 1, 2, 3+ are categories."""

DATE_SHARE = 0.95
"""The least share of dates among texts with which a column holds dates."""

SAMPLED_ROWS = 4_000
"""Columns of more rows are looked at by a sample first."""


@dataclass
class Draft:
    """The form of a column as far as the column itself decides it.

    `mark`: the decimal mark, where the column leaves no doubt about it. `open`: decides the form again
    for a decimal mark, where the column leaves doubt. `na`: rows with "NA", read as missing.
    """

    raw: Raw
    form: ColumnForm
    mark: str = ""
    open: Callable[[str], ColumnForm] | None = None
    na: int = 0
    notes: list[Note] = field(default_factory=list)


def draft(raw: Raw, options: ReadOptions, written: bool) -> Draft:
    """The form of the column, from all of its rows and the user's options.

    written: whether the table comes from a text file.
    """
    kind = options.kinds.get(raw.name, "")
    applies = written or options.missing is not None
    missing = words_of(options.missing) if applies else ()
    base = ColumnForm(raw.name, TextForm(), missing, applies, kind=kind)
    dated = kind == "date" or raw.name in options.date_formats
    match raw.data:
        case Levels() if kind in ("", "category", "text") and not dated:
            ordered = TextForm(raw.data.levels, ordered=True)
            return Draft(raw, replace(base, form=ordered))
        case Levels():
            return _text_draft(Raw(raw.name, raw.data.texts), raw.data.texts, base, options)
        case Texts():
            return _text_draft(raw, raw.data, base, options)
        case Typed():
            return _typed_draft(raw, raw.data.load(), raw.data, base, options)
        case Mixed():
            return _mixed_draft(raw, raw.data, base, options)


def _text_draft(raw: Raw, texts: Texts, base: ColumnForm, options: ReadOptions) -> Draft:
    pattern = options.date_formats.get(raw.name)
    if base.kind in ("category", "text"):
        return Draft(raw, base)
    if pattern is None and base.kind in ("", "number"):
        facts = texts.facts(base.missing)
        fast = None if facts is None else _plain_draft(raw, texts, base, options, facts)
        if fast is not None:
            return fast
    if base.kind or pattern is not None or len(texts) <= SAMPLED_ROWS:
        return _by_evidence(raw, texts, base, options)
    sample = possible(texts.sample(), base.missing)
    return _by_evidence(raw, texts, base, options, sample) if any(sample) else Draft(raw, base)


def _plain_draft(
    raw: Raw, texts: Texts, base: ColumnForm, options: ReadOptions, facts: PlainFacts
) -> Draft | None:
    """The draft of a column of plain numbers or ISO dates only; None for another."""
    if facts.present == 0:
        return Draft(raw, replace(base, form=NumberForm()), na=facts.na)
    if facts.dates == facts.present and not base.kind:
        return Draft(raw, replace(base, form=DateForm()), na=facts.na)
    if facts.numbers < facts.present or facts.codes or max(-facts.low, facts.high) > 2.0**53:
        return None
    if may_be_dates(facts.low, facts.high) and not facts.fractions and not base.kind:
        return None
    if options.decimal == "," and facts.fractions:
        return None
    form = replace(base, form=NumberForm(), whole=facts.fractions == 0)
    doubtful = facts.fractions > 0 and facts.fractions == facts.grouped
    mark = "." if facts.fractions > facts.grouped else ""

    def again(decimal: str) -> ColumnForm:
        if decimal == ".":
            return form
        evidence = TextEvidence(base.missing).gather(texts.distinct())
        return _number_form(base, evidence, evidence.numbers.decide(decimal)) or form

    return Draft(raw, form, mark, again if doubtful else None, facts.na)


def _by_evidence(
    raw: Raw,
    texts: Texts,
    base: ColumnForm,
    options: ReadOptions,
    sample: Possible = EVERYTHING,
) -> Draft:
    evidence = TextEvidence(base.missing, sample).gather(texts.distinct())
    pattern = options.date_formats.get(raw.name)
    if evidence.total == 0:
        return Draft(raw, replace(base, form=NumberForm()), na=evidence.na)
    if pattern is not None or base.kind == "date":
        decided = evidence.dates.decide(pattern)
        if decided is None:
            raise _no_date(raw.name, pattern)
        return _dated(raw, base, decided, evidence)
    if base.kind == "number":
        return _numeric(raw, base, evidence, options, evidence.numbers.decide(options.decimal))
    if evidence.is_code:
        return Draft(raw, base)
    if evidence.is_boolean:
        return Draft(raw, replace(base, form=BooleanForm()), na=evidence.na)
    number, date = evidence.numbers.decide(options.decimal), evidence.dates.decide()
    if date and date.share >= max(DATE_SHARE, number.share if number else 0.0):
        return _dated(raw, base, date, evidence)
    if number is None or not _is_numeric(number):
        return Draft(raw, base)
    if evidence.inexact:
        return Draft(raw, base, notes=[_inexact_note(raw.name, evidence.example)])
    return _numeric(raw, base, evidence, options, number)


def _is_numeric(number: Decided[NumberForm]) -> bool:
    whole = number.share >= 1.0
    return number.share >= NUMBER_SHARE and (whole or number.distinct >= FEWEST_NUMBERS)


def _numeric(
    raw: Raw,
    base: ColumnForm,
    evidence: TextEvidence,
    options: ReadOptions,
    number: Decided[NumberForm] | None,
) -> Draft:
    form = _number_form(base, evidence, number)
    if form is None or number is None:
        return Draft(raw, replace(base, form=NumberForm()), na=evidence.na)
    notes = []
    if number.form != NumberForm():
        notes.append(form_note(form, number.certain, "--decimal"))

    def again(decimal: str) -> ColumnForm:
        return _number_form(base, evidence, evidence.numbers.decide(decimal)) or form

    doubtful = not number.certain and options.decimal is None
    mark = number.form.decimal if number.certain and evidence.fractions else ""
    return Draft(raw, form, mark, again if doubtful else None, evidence.na, notes)


def _number_form(
    base: ColumnForm, evidence: TextEvidence, number: Decided[NumberForm] | None
) -> ColumnForm | None:
    if number is None:
        return None
    whole = not evidence.fractions
    return replace(base, form=number.form, whole=whole, evidence=number.evidence)


def _dated(
    raw: Raw, base: ColumnForm, date: Decided[DateForm], evidence: TextEvidence
) -> Draft:
    form = replace(base, form=date.form, evidence=date.evidence)
    notes = []
    if date.form != DateForm():
        notes.append(form_note(form, date.certain, f"--date-format '{raw.name}=…'"))
    return Draft(raw, form, na=evidence.na, notes=notes)


def _typed_draft(
    raw: Raw, column: Column, data: Typed, base: ColumnForm, options: ReadOptions
) -> Draft:
    held = Raw(raw.name, Typed(lambda: column, data.exact))
    form = {"NumberColumn": NumberForm(), "DateColumn": DateForm(), "BooleanColumn": BooleanForm()}
    own: Form = form.get(type(column).__name__, TextForm())
    if not isinstance(column, NumberColumn):
        wanted = TextForm() if base.kind in ("category", "text") else own
        return Draft(held, replace(base, form=wanted))
    if base.kind in ("category", "text"):
        return Draft(held, base)
    if column.whole and data.exact and is_beyond_float(column.values):
        return _mixed_draft(raw, Mixed(data.exact()), base, options)
    present = column.values[~column.missing()]
    low, high = (present.min(), present.max()) if len(present) else (0.0, 0.0)
    dated = raw.name in options.date_formats or base.kind == "date"
    if dated or (column.whole and not base.kind and may_be_dates(low, high)):
        values = [None if v != v else number_name(float(v)) for v in column.values.tolist()]
        date = _date_of(values, options.date_formats.get(raw.name), raw.name, dated)
        if date is not None:
            return _dated(held, base, date, TextEvidence(()))
    return Draft(held, replace(base, form=NumberForm(), whole=column.whole))


def _date_of(
    texts: list[str | None], pattern: str | None, name: str, dated: bool
) -> Decided[DateForm] | None:
    evidence = TextEvidence(()).gather(ListTexts(texts).distinct())
    date = evidence.dates.decide(pattern)
    if date is None and dated and evidence.total:
        raise _no_date(name, pattern)
    return date if date and (dated or date.share >= DATE_SHARE) else None


def _mixed_draft(raw: Raw, data: Mixed, base: ColumnForm, options: ReadOptions) -> Draft:
    values = [scalar(value) for value in data.values]
    held = Raw(raw.name, Mixed(values))
    kinds = {type(value) for value in values if value is not None}
    if base.kind in ("category", "text") and kinds != {str}:
        return Draft(held, base)
    if kinds == {bool} and not base.kind:
        return Draft(held, replace(base, form=BooleanForm()))
    if kinds == {Moment}:
        return Draft(held, replace(base, form=DateForm()))
    if kinds <= {int, float}:
        whole = kinds == {int}
        exact = not whole or not any(is_inexact(str(value)) for value in values if value is not None)
        if exact and not may_be_dates(*_range(values)):
            return Draft(held, replace(base, form=NumberForm(), whole=whole))
    texts = ListTexts([None if value is None else name_of(value) for value in values])
    decided = _text_draft(Raw(raw.name, texts), texts, base, options)
    return replace(decided, raw=held)


def _range(values: list[Scalar | None]) -> tuple[float, float]:
    """The least and the greatest number; (0, 0) where one has a fraction, or there is none."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers or any(number != number // 1 for number in numbers):
        return 0.0, 0.0
    return float(min(numbers)), float(max(numbers))


def name_of(value: Scalar) -> str:
    """The value as a text: 3 for 3.0, True, 2024-01-31."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return number_name(value) if numeric else str(value)


def may_be_dates(low: float, high: float) -> bool:
    """Whether whole numbers of this range may be dates: yyyymmdd, yyyymmddhhmm…, unix times."""
    day = 17000101 <= low and high <= 22001231
    longer = 170001010000 <= low and high <= 220012312359
    seconds = 1e8 <= low and high < 1e10
    milliseconds = 1e11 <= low and high < 1e13
    finer = 1e14 <= low and high < 1e19
    return day or longer or seconds or milliseconds or finer


def form_note(form: ColumnForm, certain: bool, option: str) -> Note:
    """A note on how the column is read, from what evidence, and the option that says otherwise."""
    evidence = f": {form.evidence.rstrip('.')}" if form.evidence else ""
    otherwise = "" if certain else f" This is not certain; {option} says otherwise."
    name = shortened(form.name)
    return Note(form.name, f"'{name}' was read as {form.describe()}{evidence}.{otherwise}")


def _inexact_note(name: str, example: str) -> Note:
    text = (
        f"'{shortened(name)}' holds whole numbers beyond 2^53, as {example}, which are taken for "
        f"names; --kind '{name}=number' rounds them to numbers."
    )
    return Note(name, text)


def _no_date(name: str, pattern: str | None) -> DataError:
    asked = f" written '{pattern}'" if pattern else ""
    return DataError(
        f"'{name}' should hold dates{asked}, but none of its values is one: give another pattern, or "
        "leave out the option."
    )
