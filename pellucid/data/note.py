"""What was noticed about a table and handled, told to the user instead of being silent."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Receives one plain line whenever a long piece of work moves on."""


@dataclass(frozen=True)
class Note:
    """One thing that was found in the data and dealt with.

    `column` is the column it concerns ("" for the table as a whole), `text` one plain sentence, and
    `count` the number of values, rows or columns concerned (0 where counting makes no sense).
    """

    column: str
    text: str
    count: int = 0

    def __str__(self) -> str:
        return self.text


def quiet(line: str) -> None:
    """The progress hook that shows nothing."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `counted(1, "row")` is "1 row", `counted(2, "row")` is "2 rows"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def quoted(names: list[str] | tuple[str, ...], most: int = 10) -> str:
    """Names in quotes, at most `most` of them: "'a', 'b' and 3 more"."""
    shown = ", ".join(f"'{shortened(name)}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def shortened(text: str, most: int = 40) -> str:
    """The text on one line, cut to `most` characters, so that a message stays one sentence."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def readable(value: float) -> str:
    """A number with four digits as people write it: 53,270 and 0.0123, not 5.327e+04."""
    if 1000 <= abs(value) < 1e15:
        return f"{float(f'{value:.4g}'):,.0f}"
    return f"{value:.4g}"
