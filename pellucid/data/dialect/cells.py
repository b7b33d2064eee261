"""What a cell looks like: a number, a date, a missing value; for choosing a dialect only.

The patterns are coarse on purpose. The value of a cell is decided later, from its whole column.
"""

import re
from collections.abc import Iterable

from pellucid.data.form.missing import MISSING_WORDS

_NUMBER = re.compile(
    r"[-+−(]?\s?[$€£¥]?\s?[-+−]?"
    r"(?:\d{1,3}(?:[.,'’  ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d*)?|[.,]\d+)"
    r"(?:[eE][-+]?\d+|[dD][-+]\d{2,3})?\)?\s?(?:%|[$€£¥]|-)?"
)
_MOMENT = re.compile(
    r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[- /.]?[A-Za-z]{3,9}\.?[- /.,]{0,2}\d{2,4}|\d{4}-\d{2})"
    r"(?:[ T]\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?)?\s?(?:[AaPp]\.?[Mm]\.?|Z|[-+]\d{2}:?\d{2})?"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s?(?:[AaPp][Mm])?"
)
_WORDS = frozenset(["", "true", "false", "inf", "-inf", *(word.lower() for word in MISSING_WORDS)])
_DECIMAL_COMMA = re.compile(r"[-+]?(?:\d+|\d{1,3}(?:[. ]\d{3})+),\d+(?:[eE][-+]?\d+)?")
_DECIMAL_POINT = re.compile(r"[-+]?(?:\d+|\d{1,3}(?:[, ]\d{3})+)?\.\d+(?:[eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:[.,]\d{3})+")


def is_number(cell: str) -> bool:
    """Whether the cell looks like a number in some country's form."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_missing(cell: str) -> bool:
    """Whether the cell is empty or a usual word for a missing value."""
    return not cell.strip() or cell.strip() in MISSING_WORDS


def is_moment(cell: str) -> bool:
    """Whether the cell looks like a date or a time of day."""
    return _MOMENT.fullmatch(cell.strip()) is not None


def is_typed(cell: str) -> bool:
    """Whether the cell looks like a number, date, time or boolean, or like a missing value."""
    text = cell.strip()
    return text.lower() in _WORDS or is_number(text) or is_moment(text)


def decimal_mark(cells: Iterable[str]) -> str | None:
    """The decimal mark that the cells show; None where they show none, or both.

    A mark before exactly three digits may group thousands, so it shows nothing: neither `1,375` nor
    `1.375` counts, while `0,375`, `1375,125` and `3,14` do.
    """
    comma = point = 0
    for cell in cells:
        text = cell.strip()
        if _GROUPED.fullmatch(text):
            continue
        comma += _DECIMAL_COMMA.fullmatch(text) is not None
        point += _DECIMAL_POINT.fullmatch(text) is not None
    if comma > 20 * point:
        return ","
    return "." if point > 20 * comma else None
