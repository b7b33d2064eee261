"""Columns of fixed width: texts whose columns begin at the same place in each line.

A place that is blank in every line of the sample divides columns. A part that the first line, the
header, does not name belongs to the nearer column: `John Low` and `Jane Roe` are blank in one place.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

FEWEST_LINES = 3
"""The fewest lines that show columns of fixed width."""


def column_starts(lines: Sequence[str]) -> tuple[int, ...]:
    """The places at which the columns of these lines begin, the first one at 0; () if there is one.

    A column that is aligned to the left begins where its texts do, and one that is aligned to the right
    where the column before it ends.
    """
    shown = [line.rstrip() for line in lines if line.strip()]
    if len(shown) < FEWEST_LINES or any("\t" in line for line in shown):
        return ()
    parts = _inked_parts(shown)
    unnamed = next(_unnamed(parts, shown[0]), None)
    while unnamed is not None:
        _join_nearer(parts, unnamed)
        unnamed = next(_unnamed(parts, shown[0]), None)
    starts = [
        begin if all(place_is_inked(line, begin) for line in shown) else end
        for (_, end), (begin, _) in pairwise(parts)
    ]
    return (0, *starts) if starts else ()


def _inked_parts(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The beginnings and ends of the runs of places that are not blank in every line."""
    length = max(map(len, lines))
    inked = [any(place_is_inked(line, place) for line in lines) for place in range(length)]
    edges = [place for place in range(1, length) if inked[place - 1] != inked[place]]
    edges = [*([0] if inked[0] else []), *edges, length]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _unnamed(parts: Sequence[tuple[int, int]], header: str) -> Iterator[int]:
    """The parts but the first that have no name in the header; row names need none."""
    return (
        index for index, (begin, end) in enumerate(parts) if index and not header[begin:end].strip()
    )


def _join_nearer(parts: list[tuple[int, int]], index: int) -> None:
    """Joins a part to the nearer one of its neighbours, the one before it where both are as near."""
    before = parts[index][0] - parts[index - 1][1]
    after = parts[index + 1][0] - parts[index][1] if index + 1 < len(parts) else before
    first = index - 1 if before <= after else index
    parts[first : first + 2] = [(parts[first][0], parts[first + 1][1])]


def place_is_inked(line: str, place: int) -> bool:
    """Whether a line has a character at a place that is no space."""
    return place < len(line) and not line[place].isspace()


def fixed_cells(line: str, starts: Sequence[int]) -> list[str]:
    """The cells of a line, without the spaces around them."""
    return [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]


def is_astride(line: str, starts: Sequence[int]) -> bool:
    """Whether a word of the line goes across the beginning of a column."""
    return any(
        place_is_inked(line, start - 1) and place_is_inked(line, start) for start in starts[1:]
    )
