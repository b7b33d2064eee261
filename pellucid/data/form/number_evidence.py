"""Deciding how the numbers of a column are written."""

from collections.abc import Sequence

from pellucid.data.form.decided import Decided
from pellucid.data.form.number import NumberForm


class NumberEvidence:
    """Gathers the texts of a column and decides its form."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Adds texts with the number of rows of each."""
        for text, count in zip(texts, counts, strict=True):
            self._counts[text] = self._counts.get(text, 0) + count

    def decide(self, decimal: str | None = None) -> Decided[NumberForm] | None:
        """The form that reads the most rows; None where none reads any."""
        marks = (".", ",") if decimal is None else (decimal,)
        decided = [self._decided(NumberForm(mark)) for mark in marks]
        best = max(decided, key=lambda each: each.share)
        return best if best.share else None

    def _decided(self, form: NumberForm) -> Decided[NumberForm]:
        total = sum(self._counts.values())
        values = {text: form.read(text) for text in self._counts}
        read = sum(self._counts[text] for text, value in values.items() if value is not None)
        distinct = len({value for value in values.values() if value is not None})
        return Decided(form, read / max(1, total), distinct, True, "")
