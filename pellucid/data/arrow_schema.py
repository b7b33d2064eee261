"""Time zones and units of durations in a Parquet file, which only its Arrow schema names.

Parquet stores a moment with a time zone in UTC, and a duration as a whole number. pandas, polars and
Arrow add their schema, an Arrow IPC message in base64, to the metadata of the file. Its layout is that
of FlatBuffers (Arrow, `format/Schema.fbs` and `format/Message.fbs`).
"""

import base64
import binascii
import re
import struct
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

_TIMESTAMP, _DURATION = 10, 18
_UNITS = (1.0, 1e3, 1e6, 1e9)


@dataclass(frozen=True)
class TimeType:
    """The type of a column of times. zone: of timestamps, or "". per_second: units in a second."""

    kind: Literal["timestamp", "duration"]
    zone: str = ""
    per_second: float = 1.0


def time_types(schema: str) -> dict[str, TimeType]:
    """The types of timestamps and durations by the names of columns; none for a damaged schema.

    schema: the value of "ARROW:schema" in the metadata of a Parquet file.
    """
    try:
        message = base64.b64decode(schema, validate=True)
        start = 8 if message[:4] == b"\xff\xff\xff\xff" else 4
        return _types(_Buffer(message[start:]))
    except (binascii.Error, struct.error, IndexError, ValueError):
        return {}


def local_time(source: str, zone: str, zones: Container[str]) -> str:
    """The SQL expression for the local time of moments in UTC; in UTC where the zone is unknown.

    zones: the names that the database knows.
    """
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", zone)
    if offset:
        sign, hours, minutes = offset.groups()
        return f"(timezone('UTC', {source}) + to_minutes({sign}{60 * int(hours) + int(minutes)}))"
    known = zone in zones and zone != "UTC"
    return f"timezone('{zone}', {source})" if known else source


class _Buffer:
    """Tables, vectors and texts in a FlatBuffer, by their positions."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def root(self) -> int:
        return self._number("<I", 0)

    def field(self, table: int, index: int) -> int:
        """The position of a field of a table; 0 where it is not there."""
        layout = table - self._number("<i", table)
        if 4 + 2 * index >= self._number("<H", layout):
            return 0
        offset = self._number("<H", layout + 4 + 2 * index)
        return table + offset if offset else 0

    def table(self, table: int, index: int) -> int:
        """The position of the table, vector or text to which a field points; 0 for none."""
        position = self.field(table, index)
        return position + self._number("<I", position) if position else 0

    def small(self, table: int, index: int, default: int) -> int:
        """A whole number of two bytes."""
        position = self.field(table, index)
        return self._number("<h", position) if position else default

    def byte(self, table: int, index: int) -> int:
        """A whole number of one byte; 0 where it is not there."""
        position = self.field(table, index)
        return self.data[position] if position else 0

    def text(self, table: int, index: int) -> str:
        """A text; "" where it is not there."""
        position = self.table(table, index)
        if not position:
            return ""
        length = self._number("<I", position)
        return self.data[position + 4 : position + 4 + length].decode("utf-8")

    def tables(self, table: int, index: int) -> list[int]:
        """The positions of the tables in a vector."""
        vector = self.table(table, index)
        count = self._number("<I", vector) if vector else 0
        positions = range(vector + 4, vector + 4 + 4 * min(count, len(self.data)), 4)
        return [position + self._number("<I", position) for position in positions]

    def _number(self, form: str, position: int) -> int:
        (value,) = struct.unpack_from(form, self.data, position)
        return int(value)


def _types(buffer: _Buffer) -> dict[str, TimeType]:
    schema = buffer.table(buffer.root(), 2)
    types: dict[str, TimeType] = {}
    for field in buffer.tables(schema, 1):
        kind, details = buffer.byte(field, 2), buffer.table(field, 3)
        if kind == _TIMESTAMP:
            types[buffer.text(field, 0)] = TimeType("timestamp", buffer.text(details, 1))
        elif kind == _DURATION:
            unit = _UNITS[buffer.small(details, 0, 1)]
            types[buffer.text(field, 0)] = TimeType("duration", per_second=unit)
    return types
