"""The Arrow schema in Parquet files: zones and units, and schemas that are damaged."""

import base64

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.arrow_schema import TimeType, local_time, time_types

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "+05:30", "-03:00"]
SCHEMA = pa.schema(
    [
        *(
            pa.field(f"t{unit}{zone}", pa.timestamp(unit, zone))
            for unit in ("s", "ns")
            for zone in ZONES
        ),
        *(pa.field(f"d{unit}", pa.duration(unit)) for unit in ("s", "ms", "us", "ns")),
        pa.field("plain", pa.timestamp("us")),
        pa.field("number", pa.int64()),
        pa.field("text", pa.string(), metadata={"some": "words"}),
    ]
)
BYTES = SCHEMA.serialize().to_pybytes()


def test_zones_and_units() -> None:
    types = time_types(base64.b64encode(BYTES).decode())
    for unit in ("s", "ns"):
        for zone in ZONES:
            assert types[f"t{unit}{zone}"] == TimeType("timestamp", zone)
    for unit, per_second in (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        assert types[f"d{unit}"] == TimeType("duration", per_second=per_second)
    assert types["plain"] == TimeType("timestamp")
    assert "number" not in types and "text" not in types


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(BYTES) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(BYTES)),
)
def test_a_damaged_schema_tells_nothing_wrongly_typed(
    edits: list[tuple[int, int]], length: int
) -> None:
    damaged = bytearray(BYTES)
    for position, value in edits:
        damaged[position] = value
    for content in (bytes(damaged), BYTES[:length]):
        for kind in time_types(base64.b64encode(content).decode()).values():
            assert kind.per_second in (1.0, 1e3, 1e6, 1e9)


@pytest.mark.parametrize(
    ("zone", "hour"), [("UTC", 12), ("America/New_York", 8), ("+05:30", 17), ("-03:00", 9)]
)
def test_local_times(zone: str, hour: int) -> None:
    moment = "'2024-07-01 12:00:00+00'::TIMESTAMPTZ"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(f"SELECT hour({local_time(moment, zone)})").fetchone()
    assert row == (hour,)


@pytest.mark.parametrize("zone", ["", "Nowhere/There", "'; DROP TABLE data; --"])
def test_an_unknown_zone_is_utc(zone: str) -> None:
    assert local_time("c0", zone) == "c0"


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", "////"])
def test_what_is_no_schema(text: str) -> None:
    assert time_types(text) == {}
