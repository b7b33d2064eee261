"""Texts that do not fit the form of a column, and the note on them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pellucid.data.column import Column
from pellucid.data.form.column import Form, wanted
from pellucid.data.form.date.evidence import DateEvidence
from pellucid.data.form.date.form import DateForm, named_form
from pellucid.data.form.number.form import NumberForm
from pellucid.data.note import Note, counted, shortened


@dataclass
class Strays:
    """Texts that do not fit a form, with their counts; the commonest are named in a note."""

    counts: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def add(self, text: str, count: int = 1) -> None:
        """Counts a text."""
        self.total += count
        if text in self.counts or len(self.counts) < 1000:
            self.counts[text] = self.counts.get(text, 0) + count


def stray_notes(column: Column, strays: Strays, form: Form) -> list[Note]:
    """A note with the count of values that do not fit, and the commonest of them; none without any."""
    if not strays.total:
        return []
    name, what = shortened(column.name), wanted(form)
    common = sorted(strays.counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    examples = ", ".join(f"'{shortened(text)}' ({count:,})" for text, count in common)
    examples += " and others" if len(strays.counts) > 3 else ""
    verb, role = ("is", "counts") if strays.total == 1 else ("are", "count")
    text = f"{counted(strays.total, 'value')} of '{name}' {verb} not {what} and {role} as missing"
    option = ""
    if strays.total > 1 and bool(column.missing().all()):
        text = f"None of the {strays.total:,} values of '{name}' is {what}; they count as missing"
        option = _option_that_reads(column.name, strays, form)
    return [Note(column.name, f"{text}: {examples}.{option}", strays.total)]


def _option_that_reads(name: str, strays: Strays, form: Form) -> str:
    """The option with which most of the texts fit, in a sentence; "" for none."""
    if isinstance(form, NumberForm):
        mark = "," if form.decimal == "." else "."
        other = replace(form, decimal=mark, thousands=form.decimal)
        read = [text for text in strays.counts if other.read(text) is not None]
        return f" --decimal {mark} reads them." if _are_most(read, strays) else ""
    if isinstance(form, DateForm) and form.kind == "date":
        pattern = _date_pattern(name, strays)
        return f" --date-format '{name}={pattern}' reads them." if pattern else ""
    return ""


def _date_pattern(name: str, strays: Strays) -> str:
    """The `strptime` pattern that reads most of the texts; "" for none."""
    evidence = DateEvidence(name)
    evidence.add(list(strays.counts), list(strays.counts.values()))
    decided = evidence.decide()
    if decided is None or not decided.form.pattern.startswith("%"):
        return ""
    base = decided.form.pattern.partition("[")[0]
    for pattern in (base, f"{base} %H:%M", f"{base} %H:%M:%S"):
        read = [text for text in strays.counts if named_form(pattern).read(text) is not None]
        if _are_most(read, strays):
            return pattern
    return ""


def _are_most(texts: Iterable[str], strays: Strays) -> bool:
    return 2 * sum(strays.counts[text] for text in texts) > sum(strays.counts.values())
