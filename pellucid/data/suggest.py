"""Suggestions for a mistyped column name."""

from collections.abc import Sequence
from difflib import get_close_matches

from pellucid.data.note import quoted


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """The end of a message on an unknown column: the nearest name, or all names."""
    folded = {known.casefold(): known for known in reversed(names)}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    return f"the columns are {quoted(list(names))}."
