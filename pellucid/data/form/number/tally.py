"""Counts of the styles of texts that may be numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pellucid.data.form.number.marks import may_be_zero_money, normalised, not_finite
from pellucid.data.form.number.shape import Style, may_be_number, shape_of

MOST_STYLES = 4096
"""The most different styles of a column; texts of further ones count as no numbers."""

MOST_SHAPES = 65_536
"""The most shapes that are remembered; texts of further ones are analysed one by one."""

SAMPLE = 64
"""The most distinct texts that are kept of a style."""

LONG = 16
"""From this many digits on, float64 may not hold a whole number exactly: 2^53 has 16."""

_NINES = str.maketrans("012345678", "999999999")


@dataclass
class Writing:
    """The rows of one style."""

    style: Style
    rows: int = 0
    round_rows: int = 0
    """Rows whose last digit is 0."""
    long_rows: int = 0
    """Rows of digits alone, at least `LONG` of them."""
    inexact_rows: int = 0
    """Rows of digits alone that float64 does not hold exactly."""
    lengths: set[int] = field(default_factory=set)
    """The lengths of texts of digits alone."""
    sample: dict[str, None] = field(default_factory=dict)
    """Distinct texts, in the order of their arrival."""

    @property
    def example(self) -> str:
        """The text that came first."""
        return next(iter(self.sample))

    def count(self, raw: str, text: str, stop: int, rows: int) -> None:
        """Adds rows of one text, as it is and normalised; its digits end at `stop`."""
        self.rows += rows
        if len(self.sample) < SAMPLE:
            self.sample[raw] = None
        if text[stop - 1] == "0":
            self.round_rows += rows
        if self.style.plain:
            self.lengths.add(stop)
            if stop >= LONG:
                self.long_rows += rows
                self.inexact_rows += rows if f"{float(text):.0f}" != text.lstrip("0") else 0


class NumberTally:
    """The styles of a column's texts with their rows, in bounded memory."""

    def __init__(self) -> None:
        self.rows = 0
        """All rows."""
        self.not_finite_rows = 0
        """Rows with a word for an infinity or nan."""
        self._starts: dict[str, int] = {}
        self._writings: dict[Style, Writing] = {}
        self._by_key: dict[tuple[str, bool], tuple[int, Writing]] = {}

    @property
    def writings(self) -> list[Writing]:
        """All styles, in the order of their arrival."""
        return list(self._writings.values())

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Counts these texts; a text may come again in a later chunk."""
        starts, writings = self._starts, self._by_key
        for raw, rows in zip(texts, counts, strict=True):
            self.rows += rows
            text = raw if raw.isascii() else normalised(raw)
            key = text.translate(_NINES)
            start = starts.get(key)
            known = writings.get((key, text[start] == "0")) if start is not None else None
            if known is None:
                self._add_new(raw, text, rows)
            else:
                stop, writing = known
                writing.count(raw, text, stop, rows)

    def _add_new(self, raw: str, text: str, rows: int) -> None:
        """Counts a text whose style is not known by its key."""
        if not may_be_number(text) and not may_be_zero_money(text):
            self.not_finite_rows += rows if not_finite(text) is not None else 0
            return
        bare = normalised(text)
        shape = shape_of(bare)
        if shape is None:
            self.not_finite_rows += rows if not_finite(bare) is not None else 0
            return
        writing = self._writings.get(shape.style)
        if writing is None:
            if len(self._writings) >= MOST_STYLES:
                return
            writing = self._writings[shape.style] = Writing(shape.style)
        own_digits = any(map(str.isdecimal, shape.style.suffix))
        if bare == text and not own_digits and len(self._by_key) < MOST_SHAPES:
            key = text.translate(_NINES)
            self._starts[key] = shape.start
            self._by_key[key, shape.style.zero_leads] = shape.stop, writing
        writing.count(raw, bare, shape.stop, rows)
