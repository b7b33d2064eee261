"""Rows of a text table that look like no data: units, labels, totals, footers, repeated headers.

Such a row is left out of training only if it is sure to be no data; else it is noted and kept.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pellucid.data.csv_copy import FOOTER
from pellucid.data.dialect.cells import is_missing, is_number, is_typed
from pellucid.data.note import shortened

Kind = Literal["header", "units", "labels", "total", "footer"]
Row = tuple[int, Sequence[str]]
"""The number of a row, from 0, and its cells."""

Sums = Callable[[int, Sequence[int]], tuple[float, int]]
"""The sum of a column, and the count of its numbers, without the rows that are named."""

CLASS_SHARE = 0.9
"""The share of numbers, of the cells that are not missing, in a column of numbers."""

_MOST_SUMS = 20
"""Columns whose sums are compared with a row."""

_TOTAL = re.compile(
    r"\W*(?:(?:grand|sub|over)?[ -]?totals?|sums?|overall|all|(?:opening|closing|ending) balances?|"
    r"(?:end|schluss)saldo|summe|gesamt(?:summe)?|insgesamt|"
    r"zwischensumme|total[ei]?s?|totaal|totalt|summa|somme|suma|soma|razem|celkem|összesen|toplam|"
    r"итого|всего|合計|合计|总计|總計|계|합계)\b.{0,30}",
    re.IGNORECASE,
)
_MEAN = re.compile(
    r"\W*(?:mean|average|avg|mittel(?:wert)?|durchschnitt|moyenne|media|promedio|среднее|平均)\b.{0,30}",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\[.{0,20}\]|\(.{1,20}\)|<.{1,20}>|in \S{1,10}")
_UNIT_WORDS = (
    "% ‰ ppm ppb kg g mg µg μg ug t lb lbs oz m cm mm µm μm um nm km mi ft in yd m2 m² m3 m³ km2 km² "
    "ha l ml µl dl cl hl gal s sec ms µs us ns min h hr hrs hour hours d day days week weeks month "
    "months y yr yrs year years °c °f ºc c k °k celsius fahrenheit kelvin deg degc degf ° rad v mv kv "
    "a ma w kw mw gw wh kwh mwh j kj mj cal kcal pa hpa kpa mpa bar mbar atm psi mmhg n kn hz khz mhz "
    "ghz db dba lux lx cd mol mmol rpm bpm km/h kph mph m/s m/s2 m/s² ft/s kg/m2 kg/m² kg/m3 kg/m³ "
    "g/l mg/l mg/dl µg/m3 µg/m³ ug/m3 mmol/l g/cm3 g/cm³ l/min w/m2 w/m² $ € £ ¥ usd eur gbp chf jpy "
    "cny tsd mio count counts number n # index ratio none unit units text string str integer int "
    "float double numeric number varchar date datetime bool boolean yyyy-mm-dd dd.mm.yyyy dd/mm/yyyy "
    "mm/dd/yyyy yyyy-mm-dd hh:mm:ss hh:mm hh:mm:ss yyyymmdd iso8601 utc"
)
_UNITS = frozenset(_UNIT_WORDS.split())


@dataclass(frozen=True)
class SuspectRow:
    """A row that looks like no data. `certain`: whether it is sure not to be; `reason`: why."""

    row: int
    kind: Kind
    certain: bool
    reason: str


def number_columns(sample: Sequence[Row]) -> list[int]:
    """The columns of a sample whose cells are numbers, by at least `CLASS_SHARE`."""
    return columns_of(sample, is_number)


def columns_of(sample: Sequence[Row], is_of_kind: Callable[[str], bool]) -> list[int]:
    """The columns of a sample whose cells are of a kind, by at least `CLASS_SHARE`."""
    columns: list[int] = []
    for position in range(len(sample[0][1]) if sample else 0):
        cells = [cells[position] for _, cells in sample if not is_missing(cells[position])]
        if cells and sum(map(is_of_kind, cells)) >= CLASS_SHARE * len(cells):
            columns.append(position)
    return columns


def suspects_at_start(head: Sequence[Row], sample: Sequence[Row]) -> list[SuspectRow]:
    """Rows of units or labels among the first two of `head`; `sample` are rows below them."""
    typed = columns_of(sample, is_typed)
    suspects: list[SuspectRow] = []
    for row, cells in head[:2]:
        suspect = _below_header(row, cells, typed)
        if suspect is None:
            break
        if suspects and suspects[0].certain:
            # What stands between a line of labels and the data is no data either.
            suspect = replace(suspect, certain=True)
        suspects.append(suspect)
    return suspects


def _below_header(row: int, cells: Sequence[str], typed: list[int]) -> SuspectRow | None:
    above = [cells[position].strip() for position in typed]
    texts = [cell for cell in above if cell]
    if not texts or any(is_typed(cell) and not is_missing(cell) for cell in texts):
        return None
    quoted = shortened(", ".join(cell for cell in cells if cell.strip()))
    units = [cell for cell in texts if _is_unit(cell)]
    if len(units) == len(texts):
        certain = len(units) > 1 or any(_is_sure_unit(cell) for cell in units)
        return SuspectRow(row, "units", certain, f"the units of the columns ('{quoted}')")
    words = [cell for cell in texts if not is_missing(cell) and any(map(str.isalnum, cell))]
    if not words:
        return None
    full = len(words) == len(typed) > 1 and len(set(words)) > 1
    certain = full and (len(words) > 2 or any(" " in word for word in words))
    return SuspectRow(
        row, "labels", certain, f"labels above columns of numbers or dates ('{quoted}')"
    )


def _is_unit(cell: str) -> bool:
    return cell.lower() in _UNITS or _BRACKETED.fullmatch(cell) is not None


def _is_sure_unit(cell: str) -> bool:
    """Whether a single text is a unit, rather than a code such as 'c' or 'n'."""
    return _is_unit(cell) and (len(cell) > 1 or not cell.isalpha())


def suspects_at_end(tail: Sequence[Row], sample: Sequence[Row], sums: Sums) -> list[SuspectRow]:
    """Totals and footers among the last rows, from the last one up to the first row of data."""
    numbers = number_columns(sample)
    typed = columns_of(sample, is_typed)
    suspects: list[SuspectRow] = []
    checked: list[int] = []
    for row, cells in reversed(tail):
        checked.append(row)
        filled = [position for position, cell in enumerate(cells) if cell.strip()]
        if not filled:
            continue
        suspect = (
            _footer(row, cells, filled, sample)
            or _total(row, cells, filled, numbers, typed, lambda position: sums(position, checked))
            or _texts_below(row, cells, numbers)
        )
        if suspect is None:
            break
        suspects.append(suspect)
    return suspects[::-1]


def _footer(
    row: int, cells: Sequence[str], filled: list[int], sample: Sequence[Row]
) -> SuspectRow | None:
    """A row that holds one text in its first column, and nothing else."""
    if filled != [0] or len(cells) < 2 or is_typed(cells[0]) or _TOTAL.fullmatch(cells[0].strip()):
        return None
    known = FOOTER.match(cells[0].strip()) is not None
    above = [other[0] for _, other in sample if not is_missing(other[0])]
    typed = bool(above) and sum(map(is_typed, above)) >= CLASS_SHARE * len(above)
    reason = f"a line below the table ('{shortened(cells[0])}')"
    usual = any(sum(bool(cell.strip()) for cell in other) == 1 for _, other in sample)
    return None if usual else SuspectRow(row, "footer", known or typed, reason)


def _texts_below(row: int, cells: Sequence[str], numbers: list[int]) -> SuspectRow | None:
    """A row of texts where the rows above have numbers, such as a footer with a separator in it."""
    below = [cells[position] for position in numbers if not is_missing(cells[position])]
    if not below or any(is_typed(cell) or not any(map(str.isalnum, cell)) for cell in below):
        return None
    first = next(cell for cell in cells if cell.strip())
    certain = FOOTER.match(first.strip()) is not None
    quoted = shortened(", ".join(cell.strip() for cell in cells if cell.strip()))
    return SuspectRow(row, "footer", certain, f"a line below the table ('{quoted}')")


def _total(
    row: int,
    cells: Sequence[str],
    filled: list[int],
    numbers: list[int],
    typed: list[int],
    sums: Callable[[int], tuple[float, int]],
) -> SuspectRow | None:
    """A row that sums up the others: by its word, by its numbers, or both.

    It is certain where its word stands among numbers or dates, or its numbers are sums.
    """
    texts = [position for position in filled if not is_number(cells[position])]
    label = next((position for position in texts if _is_summary(cells[position])), None)
    values = [position for position in numbers if position in filled and position not in texts]
    if label is not None:
        values = values[:_MOST_SUMS]
        equal = sum(_sums_up(cells[position], *sums(position)) for position in values)
        certain = label in typed or 2 * equal >= len(values) > 0
        reason = f"a total of the rows above ('{shortened(cells[label])}')"
        return SuspectRow(row, "total", certain, reason)
    # Without a label it has numbers only, and nothing in its first column, where labels are.
    if texts or not values or 0 in filled or len(values) > _MOST_SUMS:
        return None
    if all(_sums_up(cells[position], *sums(position)) for position in values):
        reason = "a total of the rows above, without a label"
        return SuspectRow(row, "total", len(values) > 1, reason)
    return None


def _is_summary(cell: str) -> bool:
    text = cell.strip()
    return _TOTAL.fullmatch(text) is not None or _MEAN.fullmatch(text) is not None


def _sums_up(cell: str, total: float, count: int) -> bool:
    """Whether a cell is the sum or the mean of at least two numbers, up to its rounding."""
    value, decimals = as_number(cell)
    if count < 2 or value is None or total == 0:
        return False
    tolerance = 0.51 * 10.0**-decimals + 1e-9 * abs(total)
    return abs(value - total) <= tolerance or (
        decimals > 0 and abs(value - total / count) <= tolerance
    )


def as_number(cell: str) -> tuple[float | None, int]:
    """A number in some country's form, and its decimals; a last mark before 3 digits groups them."""
    text = re.sub(r"[^0-9.,eE+-]", "", cell.replace("−", "-"))
    last = max(text.rfind("."), text.rfind(","))
    grouping = last >= 0 and re.fullmatch(r"[+-]?[1-9]\d{0,2}(?:[.,]\d{3})+", text) is not None
    decimals = 0 if last < 0 or grouping else len(text) - last - 1
    whole = text if last < 0 or grouping else text[:last]
    plain = whole.replace(".", "").replace(",", "") + ("." + text[last + 1 :] if decimals else "")
    try:
        return float(plain), decimals
    except ValueError:
        return None, 0
