"""Deciding the form of a column of texts from all of its rows."""

from dataclasses import replace

from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import ColumnForm
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.draft import Draft, dated, is_plain, no_date
from pellucid.data.form.evidence import EVERYTHING, Possible, TextEvidence, possible
from pellucid.data.form.form_note import form_note
from pellucid.data.form.number.evidence import DecidedNumber
from pellucid.data.form.number.form import NumberForm
from pellucid.data.note import Note, shortened
from pellucid.data.options import ReadOptions
from pellucid.data.raw import PlainFacts, Raw, Texts

NUMBER_SHARE = 0.8
"""The least share of numbers among texts with which a column is numeric."""

FEWEST_NUMBERS = 5
"""The fewest distinct numbers of a numeric column with stray texts: 0, 1, 2, 3+ are categories."""

UNIT_SHARE = 0.3
"""The least share of numbers of one unit among texts from which a note tells of other units."""

DATE_SHARE = 0.95
"""The least share of dates among texts with which a column holds dates."""

SAMPLED_ROWS = 4_000
"""Columns of more rows are looked at by a sample first."""


def text_draft(raw: Raw, texts: Texts, base: ColumnForm, options: ReadOptions) -> Draft:
    """The form of a column of texts; `base` has the words for missing values and the user's kind."""
    pattern = options.date_formats.get(raw.name)
    if base.kind in ("category", "text"):
        return Draft(raw, base)
    if base.kind == "date" or pattern is not None:
        return _by_date(raw, texts, base, pattern)
    facts = texts.facts(base.missing)
    fast = None if facts is None else _plain_draft(raw, base, options, facts)
    if fast is not None:
        return fast
    all_numbers = facts is not None and facts.numbers == facts.present
    remaining = EVERYTHING
    if not base.kind and not all_numbers and len(texts) > SAMPLED_ROWS:
        remaining = possible(texts.sample(), base.missing)
    return (
        _by_evidence(raw, texts, base, options, remaining) if any(remaining) else Draft(raw, base)
    )


def _by_date(raw: Raw, texts: Texts, base: ColumnForm, pattern: str | None) -> Draft:
    """The draft of a column of which the user says that it holds dates."""
    evidence = TextEvidence(raw.name, base.missing, Possible(False, True))
    evidence.gather(texts.distinct())
    date = evidence.dates.decide(pattern, wanted=True)
    if date is None and evidence.total:
        raise no_date(raw.name, pattern)
    if date is None:
        return Draft(raw, replace(base, form=DateForm()), na=evidence.na)
    return dated(raw, base, date, evidence.na)


def _plain_draft(
    raw: Raw, base: ColumnForm, options: ReadOptions, facts: PlainFacts
) -> Draft | None:
    """The draft of a column of plain numbers or ISO dates only; None for another."""
    if facts.present == 0:
        return Draft(raw, replace(base, form=NumberForm()), na=facts.na)
    if facts.dates == facts.present and not base.kind:
        return Draft(raw, replace(base, form=DateForm()), na=facts.na)
    doubtful = facts.fractions > 0 and facts.fractions == facts.grouped
    if facts.numbers < facts.present or facts.codes or max(-facts.low, facts.high) >= 2.0**53:
        return None
    if doubtful or (options.decimal not in (None, ".") and facts.fractions):
        return None
    whole = facts.fractions == 0
    if whole and not base.kind and may_be_dates(facts.low, facts.high):
        return None
    form = replace(base, form=NumberForm(decimal=options.decimal or ".", whole=whole))

    def again(mark: str) -> ColumnForm:
        return replace(form, form=NumberForm(decimal=mark, whole=True)) if whole else form

    return Draft(raw, form, "" if whole else ".", again, na=facts.na)


def _by_evidence(
    raw: Raw, texts: Texts, base: ColumnForm, options: ReadOptions, remaining: Possible
) -> Draft:
    evidence = TextEvidence(raw.name, base.missing, remaining).gather(texts.distinct())
    if evidence.total == 0 and evidence.absent:
        return Draft(raw, base)
    if evidence.total == 0:
        return Draft(raw, replace(base, form=NumberForm()), na=evidence.na)
    required = options.decimal is not None
    number = evidence.numbers.decide(options.decimal, required=required)
    if base.kind == "number":
        return _numeric(raw, base, evidence, options, number)
    if evidence.boolean:
        return Draft(raw, replace(base, form=BooleanForm()), na=evidence.na)
    date = evidence.dates.decide()
    if date and date.share >= max(DATE_SHARE, number.share if number else 0.0):
        return dated(raw, base, date, evidence.na)
    if number is None or not is_numeric(number, evidence.worded):
        return Draft(raw, base, notes=_text_notes(raw.name, number, evidence, options))
    if number.code:
        return Draft(raw, base, notes=_code_notes(raw.name, number))
    return _numeric(raw, base, evidence, options, number)


def is_numeric(number: DecidedNumber, worded: bool = False) -> bool:
    """Whether a column is numeric, by the share of its rows that are numbers.

    worded: whether other rows hold words that mean a missing value among numbers.
    """
    enough = (number.share >= 1.0 and not worded) or number.distinct >= FEWEST_NUMBERS
    return number.share >= NUMBER_SHARE and enough


def _numeric(
    raw: Raw,
    base: ColumnForm,
    evidence: TextEvidence,
    options: ReadOptions,
    number: DecidedNumber | None,
) -> Draft:
    if number is None:
        plain = NumberForm(decimal=options.decimal or ".")
        return Draft(raw, replace(base, form=plain), na=evidence.na)
    form = replace(base, form=number.form, evidence=number.evidence)
    tells = not (is_plain(number.form) and not number.note and number.certain)
    notes = [form_note(form, number.certain, "--decimal")] if tells else []

    def again(mark: str) -> ColumnForm:
        decided = evidence.numbers.decide(mark)
        if decided is None or decided.share < number.share:
            return form
        return replace(base, form=decided.form, evidence=decided.evidence)

    once_more = None if options.decimal else again
    mark = number.decimal_shown or ""
    return Draft(raw, form, mark, once_more, number.certain, evidence.na, notes)


def _text_notes(
    name: str, number: DecidedNumber | None, evidence: TextEvidence, options: ReadOptions
) -> list[Note]:
    """Why a column that looks like numbers is texts: another decimal mark was set, or units differ."""
    usual = None if options.decimal is None else evidence.numbers.decide(None)
    if usual is None or not is_numeric(usual) or usual.form.decimal == options.decimal:
        return _unit_notes(name, number)
    text = (
        f"'{shortened(name)}' was read as texts: as numbers it has the decimal mark "
        f"'{usual.form.decimal}', but --decimal says '{options.decimal}'."
    )
    return [Note(name, text)]


def _unit_notes(name: str, number: DecidedNumber | None) -> list[Note]:
    """A note on texts that are not numbers because their units differ."""
    if number is None or not number.note or number.share < UNIT_SHARE:
        return []
    reason = number.note[:1].lower() + number.note[1:].rstrip(".")
    return [
        Note(
            name,
            f"'{shortened(name)}' was read as texts, not numbers: {reason}. Written in one "
            "unit, they would be numbers.",
        )
    ]


def _code_notes(name: str, number: DecidedNumber) -> list[Note]:
    """A note where numbers of many digits are names; leading zeros speak for themselves."""
    if number.code.startswith("zeros"):
        return []
    effect = "rounds them" if "float64" in number.code else "says otherwise"
    text = (
        f"'{shortened(name)}' was read as texts, not numbers: {number.code}; "
        f"--kind '{name}=number' {effect}."
    )
    return [Note(name, text)]


def may_be_dates(low: float, high: float) -> bool:
    """Whether whole numbers of this range may be dates: yyyymm, yyyymmdd, …hhmmss, unix times."""
    month = 170001 <= low and high <= 220012
    day = 17000101 <= low and high <= 22001231
    longer = 170001010000 <= low and high <= 220012312359
    full = 17000101000000 <= low and high <= 22001231235959
    seconds = 9e8 <= low and high < 2.3e9
    milliseconds = 9e11 <= low and high < 2.3e12
    finer = 9e14 <= low and high < 2.3e18
    return month or day or longer or full or seconds or milliseconds or finer
