"""Any text and any bytes give a table or a `DataError`, with and without a saved dialect."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.data.file_kind import inspect_file
from pellucid.data.options import ReadOptions
from pellucid.data.unpack import Scratch
from pellucid.errors import DataError
from tests.data.raw_texts import raw_texts

MARKS = st.text("ab1 ,;\t|\"'\\\n\r#%-=.€:~\x1f\x00\x1a()/", max_size=120)
LINES = st.lists(st.text('ab1 ,;|"#.-', max_size=12), max_size=12).map("\n".join)
SEPARATORS = st.sampled_from([None, ",", ";", "space", "tab", "|"])
QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def read_or_refuse(path: Path, options: ReadOptions) -> None:
    read = refused = None
    try:
        with Scratch() as scratch:
            if inspect_file(path, scratch, options.encoding).kind != "csv":
                return
        read = raw_texts(path, options)
        raw_texts(path, options, saved=read.dialect)
    except DataError as error:
        refused = str(error)
    assert refused is None or "\n" not in refused
    if read is not None:
        assert all(len(row) == len(read.names) for row in read.cells)
        assert len(set(read.names)) == len(read.names)


@QUICK
@given(st.one_of(MARKS, LINES), SEPARATORS, st.sampled_from([None, True, False]))
def test_any_text(tmp_path: Path, text: str, separator: str | None, header: bool | None) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    read_or_refuse(path, ReadOptions(separator=separator, header=header))


@QUICK
@given(st.binary(max_size=200), st.sampled_from([None, "cp1252", "utf-16", "shift_jis"]))
def test_any_bytes(tmp_path: Path, data: bytes, encoding: str | None) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"a,b\n1,2\n" + data)
    read_or_refuse(path, ReadOptions(encoding=encoding))
