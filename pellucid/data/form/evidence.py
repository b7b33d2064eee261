"""What the texts of a column are: evidence for numbers, dates, booleans, codes or plain texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pellucid.data.form.date_evidence import DateEvidence
from pellucid.data.form.number_evidence import NumberEvidence

EXACT_DIGITS = 15
"""Whole numbers of up to so many digits are exact in float64."""

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

    `sample`: what is possible; evidence for the rest is not gathered.

    `na`: rows with "NA", counted as missing. `inexact`: rows with whole numbers that float64 would
    round. `example`: one of these.
    """

    missing: Sequence[str]
    sample: Possible = EVERYTHING
    numbers: NumberEvidence = field(default_factory=NumberEvidence)
    dates: DateEvidence = field(default_factory=DateEvidence)
    total: int = 0
    na: int = 0
    inexact: int = 0
    example: str = ""
    fractions: bool = False
    _lengths: set[int] = field(default_factory=set)
    _digits: bool = True
    _zero_first: bool = False
    _boolean: bool = True

    def gather(self, chunks: Iterable[tuple[list[str], list[int]]]) -> "TextEvidence":
        """Adds distinct texts with their counts, trimmed and without missing ones."""
        for texts, counts in chunks:
            kept, kept_counts = [], []
            for raw, count in zip(texts, counts, strict=True):
                text = raw.strip()
                if not text:
                    continue
                if text in self.missing:
                    self.na += count * (text == "NA")
                    continue
                kept.append(text)
                kept_counts.append(count)
                self._look_at(text, count)
            if self.sample.numbers:
                self.numbers.add(kept, kept_counts)
            if self.sample.dates:
                self.dates.add(kept, kept_counts)
        return self

    def _look_at(self, text: str, count: int) -> None:
        self.total += count
        if len(self._lengths) < 2:
            self._lengths.add(len(text))
        bare = text.lstrip("+-")
        if bare.isdecimal() and bare.isascii():
            self._zero_first |= len(bare) > 1 and bare[0] == "0"
            if len(bare) > EXACT_DIGITS and is_inexact(text):
                self.inexact += count
                self.example = self.example or text
        else:
            self.fractions = True
        self._digits = self._digits and text.isdecimal()
        self._boolean = self._boolean and text.lower() in ("true", "false")

    @property
    def is_code(self) -> bool:
        """Whether the texts are digits of one length, some with a leading 0, such as "007".

        As numbers they would lose their leading zeros, which belong to the names of classes.
        """
        one_length = len(self._lengths) == 1 and min(self._lengths) > 1
        return bool(self.total) and one_length and self._digits and self._zero_first

    @property
    def is_boolean(self) -> bool:
        """Whether each text is "true" or "false", in any case."""
        return bool(self.total) and self._boolean


def is_inexact(text: str) -> bool:
    """Whether float64 rounds the whole number in the text."""
    try:
        whole = int(text)
        return int(float(whole)) != whole
    except (ValueError, OverflowError):
        return False


def possible(texts: list[str], missing: Sequence[str]) -> Possible:
    """What a sample of the rows of a column leaves open."""
    counts = Counter(texts)
    sample = TextEvidence(missing).gather([(list(counts), list(counts.values()))])
    if sample.total == 0 or sample.is_boolean:
        return EVERYTHING
    number, date = sample.numbers.decide(), sample.dates.decide()
    return Possible(
        number is not None and number.share >= LEAST_SAMPLE_SHARE,
        date is not None and date.share >= LEAST_SAMPLE_SHARE,
    )
