"""The names of columns from the cells of a header."""

from collections import Counter
from collections.abc import Sequence

from pellucid.data.note import Note, quoted


def column_names(cells: Sequence[str], source: str) -> tuple[tuple[str, ...], list[Note]]:
    """Names that differ from each other, with a note on those that were repeated.

    The second 'a' becomes 'a_2', or the next number that is free. An empty name becomes 'unnamed3' by
    its position.
    """
    stripped = [cell.strip("\ufeff \t\r\n") for cell in cells]
    names = [name or f"unnamed{position}" for position, name in enumerate(stripped)]
    counts = Counter(names)
    repeated = [name for name, count in counts.items() if count > 1]
    if not repeated:
        return tuple(names), []
    unique, changed = _numbered(names)
    which = "a column" if len(changed) == 1 else f"{len(changed)} columns"
    text = (
        f"{source} names more than one column {quoted(repeated)}: {which} after the first "
        f"{'is' if len(changed) == 1 else 'are'} called {quoted(changed)}."
    )
    return unique, [Note("", text, len(changed))]


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The names with a number after those that repeat, and the new names."""
    taken = set(names)
    used: set[str] = set()
    unique: list[str] = []
    changed: list[str] = []
    for name in names:
        if name in used:
            number = 2
            while f"{name}_{number}" in taken:
                number += 1
            name = f"{name}_{number}"
            changed.append(name)
        taken.add(name)
        used.add(name)
        unique.append(name)
    return tuple(unique), changed
