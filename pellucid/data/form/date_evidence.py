"""Deciding how the dates of a column are written."""

from collections.abc import Sequence

from pellucid.data.date_text import FORMATS
from pellucid.data.form.date import DateForm
from pellucid.data.form.decided import Decided


class DateEvidence:
    """Gathers the texts of a column and decides its form."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Adds texts with the number of rows of each."""
        for text, count in zip(texts, counts, strict=True):
            self._counts[text] = self._counts.get(text, 0) + count

    def decide(self, pattern: str | None = None) -> Decided[DateForm] | None:
        """The form that reads the most rows; None where none reads any."""
        patterns = list(FORMATS) if pattern is None else [pattern]
        best: Decided[DateForm] | None = None
        total = max(1, sum(self._counts.values()))
        for each in patterns:
            form = DateForm(each)
            values = {text: form.read(text) for text in self._counts}
            read = sum(self._counts[text] for text, value in values.items() if value is not None)
            if read and (best is None or read / total > best.share):
                best = Decided(form, read / total, len(set(values.values())), True, "")
        return best
