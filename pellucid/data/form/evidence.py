"""What the texts of a column are: evidence for numbers, dates, booleans or other texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pellucid.data.form.date.evidence import DateEvidence
from pellucid.data.form.missing import is_sign_of_absence, is_word_of_absence
from pellucid.data.form.number.evidence import NumberEvidence

LEAST_SAMPLE_SHARE = 0.5
"""A column whose sample is read to a smaller share, as numbers and as dates, holds other texts."""


class Possible(NamedTuple):
    """What a sample of a column leaves open: that it holds numbers, that it holds dates."""

    numbers: bool
    dates: bool


EVERYTHING = Possible(True, True)


@dataclass
class TextEvidence:
    """Evidence from all distinct texts of a column; `total` counts rows that are not missing.

    `possible`: evidence for the rest is not gathered. `na`: rows with "NA", counted as missing.
    `boolean`: whether each text is "true" or "false", in any case. `absent`: rows, not of the total,
    whose texts mean a missing value if the others are numbers or dates, such as `-`; `worded`: whether
    one of them is a word, such as "none".
    """

    name: str
    missing: Sequence[str]
    possible: Possible = EVERYTHING
    total: int = 0
    na: int = 0
    absent: int = 0
    worded: bool = False
    boolean: bool = True
    numbers: NumberEvidence = field(default_factory=NumberEvidence)
    dates: DateEvidence = field(init=False)

    def __post_init__(self) -> None:
        self.dates = DateEvidence(self.name)

    def gather(self, chunks: Iterable[tuple[list[str], list[int]]]) -> "TextEvidence":
        """Adds distinct texts with their counts, trimmed and without missing ones."""
        for raw_texts, raw_counts in chunks:
            texts, counts = self._present(raw_texts, raw_counts)
            self.total += sum(counts)
            self.boolean = self.boolean and all(
                len(text) < 6 and text.lower() in ("true", "false") for text in texts
            )
            if self.possible.numbers:
                self.numbers.add(texts, counts)
            if self.possible.dates:
                self.dates.add(texts, counts)
        return self

    def _present(self, texts: list[str], counts: list[int]) -> tuple[list[str], list[int]]:
        """The texts that are not missing, trimmed, with their counts."""
        kept: dict[str, int] = {}
        for raw, count in zip(texts, counts, strict=True):
            text = raw.strip()
            if text in self.missing:
                self.na += count * (text == "NA")
            elif not text[:1].isdigit() and self._is_absent(text):
                self.absent += count
            elif text:
                kept[text] = kept.get(text, 0) + count
        return list(kept), list(kept.values())

    def _is_absent(self, text: str) -> bool:
        """Whether the text means a missing value among numbers; a word may be a level of booleans."""
        if is_sign_of_absence(text):
            return True
        if not is_word_of_absence(text):
            return False
        self.worded, self.boolean = True, False
        return True


def possible(texts: list[str], missing: Sequence[str]) -> Possible:
    """What a sample of the rows of a column leaves open."""
    counts = Counter(texts)
    sample = TextEvidence("date", missing).gather([(list(counts), list(counts.values()))])
    if sample.total == 0 or sample.boolean:
        return EVERYTHING
    number, date = sample.numbers.decide(), sample.dates.decide(wanted=True)
    return Possible(
        number is not None and number.share >= LEAST_SAMPLE_SHARE,
        date is not None and date.share >= LEAST_SAMPLE_SHARE,
    )
