"""Evidence for the way in which the numbers of a column are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pellucid.data.form.decided import Decided
from pellucid.data.form.number.account import choose_account_words
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.number.mark_choice import NO_MARKS, choose_marks
from pellucid.data.form.number.shape import MarkReading
from pellucid.data.form.number.tally import NumberTally, Writing
from pellucid.data.form.number.unit_choice import choose_unit

MIXED = 0.2
"""The least share of numbers in another form at which a column is said to be mixed."""


@dataclass(frozen=True)
class DecidedNumber(Decided[NumberForm]):
    """A form of numbers, with what else the texts show."""

    code: str = ""
    """Why the numbers are codes rather than quantities, one sentence; "" where they are not."""
    decimal_shown: str | None = None
    """The decimal mark that the texts themselves prove; None where none does."""
    note: str = ""
    """What a reader should know of the values although the form is certain, such as two units."""
    share_in_any_form: float = 0.0
    """The share of rows that are numbers in this form or another; at least `share`."""


class NumberEvidence:
    """Collects the distinct texts of a column and decides for the form that reads most rows."""

    def __init__(self) -> None:
        self._tally = NumberTally()

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Counts texts: stripped, not empty, no missing words. A text may come again."""
        self._tally.add(texts, counts)

    def decide(self, decimal: str | None = None, *, required: bool = False) -> DecidedNumber | None:
        """The form that reads most rows; None where no text is a number.

        `decimal` decides where two decimal marks read as many rows: the mark that other columns show.
        If it is `required`, because a person set it, no other mark is considered.
        """
        tally = self._tally
        unit = choose_unit(tally.writings)
        if not unit.writings:
            return None
        marks = choose_marks(unit.writings, decimal, required)
        account = choose_account_words(marks.writings)
        read = account.writings
        if not read:
            return None
        form = NumberForm(
            decimal=marks.marks.decimal,
            thousands=marks.marks.thousands,
            indian=marks.marks.indian,
            prefix=unit.prefix,
            multiple=unit.multiple,
            scaled=unit.scaled,
            suffix=unit.suffix,
            unit_required=unit.required,
            parentheses=any(writing.style.parentheses for writing in read),
            trailing_minus=any(writing.style.trailing_minus for writing in read),
            negative_word=account.negative,
            positive_word=account.positive,
            whole=all(_is_whole(writing, marks.marks) for writing in read),
        )
        rows = sum(writing.rows for writing in read) + tally.not_finite_rows
        values = {form.read(text) for writing in read for text in writing.sample}
        numbers = sum(writing.rows for writing in tally.writings) + tally.not_finite_rows
        mixed = _mixed_note(unit.writings, marks.writings)
        notes = [note for note in (unit.note, mixed, account.note) if note]
        reason = marks.evidence
        if reason == NO_MARKS and form.unit and not notes:
            reason = f"all numbers are in '{form.unit}'"
        evidence = "; ".join([reason, *notes])
        return DecidedNumber(
            form=form,
            share=rows / tally.rows,
            distinct=len(values - {None}),
            certain=marks.certain,
            evidence=evidence[0].upper() + evidence[1:] + ".",
            code=_code(read),
            decimal_shown=marks.marks.decimal if marks.shown else None,
            note=_sentence(notes),
            share_in_any_form=numbers / tally.rows,
        )


def common_decimal(decisions: Iterable[DecidedNumber]) -> str | None:
    """The decimal mark that most columns show; None where none does, or as many show another."""
    shown = [decided.decimal_shown for decided in decisions if decided.decimal_shown]
    ranked = sorted(set(shown), key=shown.count, reverse=True)
    if len(ranked) > 1 and shown.count(ranked[0]) == shown.count(ranked[1]):
        return None
    return ranked[0] if ranked else None


def _mixed_note(writings: Sequence[Writing], read: Sequence[Writing]) -> str:
    """A sentence where more than `MIXED` of the numbers have marks that the form does not read."""
    others = [writing for writing in writings if writing not in read]
    rows = sum(writing.rows for writing in others)
    if rows <= MIXED * sum(writing.rows for writing in writings):
        return ""
    example, other = (max(group, key=_rows).example for group in (read, others))
    return f"marks differ: '{example}' is not written as '{other}' in {rows:,} rows"


def _rows(writing: Writing) -> int:
    return writing.rows


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""


def _is_whole(writing: Writing, marks: MarkReading) -> bool:
    """Whether these marks read numbers without a fraction."""
    fractions = [r.decimal for r in writing.style.readings if r.thousands in ("", marks.thousands)]
    return "" in fractions and not writing.style.exponent


def _code(writings: Sequence[Writing]) -> str:
    """Why the texts are codes: their look, leading zeros, or more digits than float64 holds."""
    looks = {writing.style.looks_like_code for writing in writings}
    if looks == {"groups"}:
        return f"all texts are full groups of three digits, as '{writings[0].example}'"
    if looks == {"letter"}:
        return f"all texts are digits around a letter E, as '{writings[0].example}'"
    if not all(writing.style.plain for writing in writings):
        return ""
    lengths = {length for writing in writings for length in writing.lengths}
    zeros = [writing for writing in writings if writing.style.zero_leads]
    if zeros and 1 not in lengths and (len(lengths) == 1 or len(zeros) == len(writings)):
        return f"zeros lead, as in '{zeros[0].example}'"
    rows = sum(writing.rows for writing in writings)
    inexact = [writing for writing in writings if writing.inexact_rows]
    if inexact and 2 * sum(writing.long_rows for writing in writings) >= rows:
        return f"numbers have up to {max(lengths)} digits, more than float64 holds exactly"
    return ""
