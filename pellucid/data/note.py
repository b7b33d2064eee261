"""Notes for the user on data that was unusual and how it was handled; texts for messages."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Receives a line of text at each stage of a long operation."""


@dataclass(frozen=True)
class Note:
    """One irregularity of the data, and how it was handled.

    `column` is the name of the column ("" for the whole table), `text` one plain sentence, and
    `count` the number of values, rows or columns concerned (0 where there is nothing to count).
    """

    column: str
    text: str
    count: int = 0

    def __str__(self) -> str:
        return self.text


def quiet(line: str) -> None:
    """The progress callback that shows nothing."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `counted(1, "row")` is "1 row", `counted(2, "row")` is "2 rows"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def quoted(names: list[str] | tuple[str, ...], most: int = 10) -> str:
    """Names in quotes, at most `most` of them: "'a', 'b' and 3 more"."""
    listed = ", ".join(f"'{shortened(name)}'" for name in names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most:,} more"


def shortened(text: str, most: int = 40) -> str:
    """The text on one line, cut to `most` characters, for quoting in a message."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def readable(value: float) -> str:
    """The number to four significant digits: 53,270 and 0.0123, not 5.327e+04."""
    if 1000 <= abs(value) < 1e15:
        return f"{float(f'{value:.4g}'):,.0f}"
    return f"{value:.4g}"
