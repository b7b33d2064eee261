"""CSV files: every way they come, and every way they can be wrong."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pellucid.data import Table, read_table
from pellucid.data.column import BooleanColumn, DateColumn, NumberColumn, TextColumn
from pellucid.errors import DataError
from tests.data.tables import penguins, written


def numbers(table: Table, name: str) -> list[float]:
    column = table.column(name)
    assert isinstance(column, NumberColumn)
    return [float(value) for value in column.values]


def texts(table: Table, name: str) -> list[str | None]:
    column = table.column(name)
    assert isinstance(column, TextColumn)
    return [None if code < 0 else column.levels[code] for code in column.codes]


def said(table: Table) -> str:
    return " ".join(str(note) for note in table.notes)


def test_every_value_of_a_real_table_agrees_with_pandas(tmp_path: Path) -> None:
    frame = penguins()
    path = tmp_path / "penguins.csv"
    frame.to_csv(path, index=False)
    table = read_table(path)
    again = pd.read_csv(path)
    assert table.names == tuple(again.columns)
    assert table.rows == len(again)
    for name in table.names:
        if pd.api.types.is_numeric_dtype(again[name]):
            assert np.array_equal(numbers(table, name), again[name].to_numpy(float), equal_nan=True)
        else:
            wanted = [None if pd.isna(value) else value for value in again[name]]
            assert texts(table, name) == wanted
    assert table.notes == ()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(tmp_path: Path, separator: str) -> None:
    rows = [["a", "some, text" if separator != "," else "text", "c"], ["1", "x", "2.5"]]
    path = written(tmp_path, "\n".join(separator.join(row) for row in rows) + "\n")
    table = read_table(path)
    assert table.names == tuple(rows[0])
    assert numbers(table, "c") == [2.5]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "newline"])
def test_line_ends(tmp_path: Path, newline: str, last: str) -> None:
    text = newline.join(["a,b", "1,x", "2,y"]) + (newline if last else "")
    table = read_table(written(tmp_path, text))
    assert numbers(table, "a") == [1.0, 2.0]
    assert texts(table, "b") == ["x", "y"]


def test_mixed_line_ends(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\r\n1,2\n3,4\r\n5,6\n"))
    assert numbers(table, "a") == [1.0, 3.0, 5.0]
    assert numbers(table, "b") == [2.0, 4.0, 6.0]


def test_mixed_line_ends_lose_no_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Line 3 .* has 3 values"):
        read_table(written(tmp_path, "a,b\r\n1,2\n3,4,5\r\n5,6\n"))
    table = read_table(written(tmp_path, "a,b\r\n1,2\n3\r\n5,6\n"))
    assert numbers(table, "a") == [1.0, 3.0, 5.0]
    assert "line 3" in said(table)


def test_quoted_values_with_separators_newlines_and_quotes(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'a,b\n"x, y",1\n"two\nlines",2\n"say ""hi""",3\n'))
    assert texts(table, "a") == ["x, y", "two\nlines", 'say "hi"']


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffname,ü\nzoë,1\n".encode(),
        "name,ü\nzoë,1\n".encode("utf-16"),
        "name,ü\nzoë,1\n".encode("latin-1"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes) -> None:
    table = read_table(written(tmp_path, data))
    assert table.names == ("name", "ü")
    assert texts(table, "name") == ["zoë"]


def test_latin_1_beyond_the_first_part_of_the_file(tmp_path: Path) -> None:
    data = b"name,b\n" + b"plain,1\n" * 200_000 + "zoë,2\n".encode("latin-1")
    table = read_table(written(tmp_path, data))
    assert table.rows == 200_001
    assert texts(table, "name")[-1] == "zoë"
    assert "Windows-1252" in said(table)


def test_gzip(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a,b\n1,2\n", mtime=0), "table.csv.gz")
    assert numbers(read_table(path), "b") == [2.0]


def test_a_name_with_pattern_characters(tmp_path: Path) -> None:
    written(tmp_path, "a,b\n9,9\n", "table1.csv")
    path = written(tmp_path, "a,b\n1,2\n", "table[1]*?.csv")
    assert numbers(read_table(path), "b") == [2.0]


def test_lines_before_the_header(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "# made today\n\nReport\na,b\n1,2\n"))
    assert table.names == ("a", "b")
    assert numbers(table, "a") == [1.0]
    assert "first 3 lines" in said(table)


def test_no_header(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "5.1,3.5,setosa\n4.9,3.0,setosa\n"))
    assert table.names == ("x0", "x1", "x2")
    assert table.rows == 2
    assert "no header" in said(table)


@pytest.mark.parametrize("header", ["0,1,2", "country,2019,2020", "0,1,y"])
def test_headers_of_counted_numbers(tmp_path: Path, header: str) -> None:
    table = read_table(written(tmp_path, f"{header}\n7,0.5,0.25\n1,2,3\n"))
    assert table.names == tuple(header.split(","))
    assert table.rows == 2


def test_unnamed_column(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, ",b\n1,2\n")).names == ("unnamed0", "b")


def test_missing_words(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n1,x\nNA,NA\n,\n N/A ,null\n?,None\n2,y\n"))
    assert np.isnan(numbers(table, "a")).sum() == 4
    assert texts(table, "b") == ["x", None, None, None, "None", "y"]


def test_stray_text_in_a_column_of_numbers(tmp_path: Path) -> None:
    values = [str(value / 4) for value in range(100)]
    values[3] = values[50] = "unknown"
    values[99] = "n.k."
    table = read_table(written(tmp_path, "a,b\n" + "".join(f"{v},1\n" for v in values)))
    column = numbers(table, "a")
    assert np.flatnonzero(np.isnan(column)).tolist() == [3, 50, 99]
    assert column[98] == 24.5
    (note,) = table.notes
    assert note.column == "a"
    assert note.count == 3
    assert "'unknown' (2)" in note.text
    assert "'n.k.' (1)" in note.text


def test_stray_text_beyond_every_sample(tmp_path: Path) -> None:
    rows = "".join(f"{value},{value % 7}\n" for value in range(150_000))
    table = read_table(written(tmp_path, f"a,b\n{rows}oops,3\n"))
    assert np.isnan(numbers(table, "a")).sum() == 1
    assert numbers(table, "a")[149_999] == 149_999
    assert table.notes[0].count == 1
    assert "'oops' (1)" in table.notes[0].text


def test_a_few_codes_with_a_text_among_them_stay_categories(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n" + "0,1\n1,1\n2,1\n" * 20 + "3+,1\n"))
    assert texts(table, "a")[-1] == "3+"
    assert table.notes == ()


def test_codes_with_leading_zeros_stay_texts(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "zip,b\n02139,1\n10115,2\n"))
    assert texts(table, "zip") == ["02139", "10115"]


@pytest.mark.parametrize(
    ("written_as", "value"),
    [
        ("1,234.5", 1234.5),
        ("3,14", 3.14),
        ("1.234,5", 1234.5),
        ("12 %", 12.0),
        ("$5.20", 5.2),
        ("-7", -7.0),
        ("1e-3", 0.001),
        (".5", 0.5),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, written_as: str, value: float) -> None:
    assert numbers(read_table(written(tmp_path, f"a;b\n{written_as};1\n")), "a") == [value]


def test_infinities_count_as_missing(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n1,1\ninf,2\n-Infinity,3\n1e400,4\n5,inf\n"))
    assert np.isnan(numbers(table, "a")).tolist() == [False, True, True, True, False]
    assert [note.count for note in table.notes] == [3, 1]
    assert "infinite" in said(table)


@pytest.mark.parametrize(
    ("form", "moment"),
    [
        ("2024-02-29", "2024-02-29"),
        ("2024-02-29 13:45:10", "2024-02-29T13:45:10"),
        ("2024-02-29T13:45:10Z", "2024-02-29T13:45:10"),
        ("2024/02/29", "2024-02-29"),
        ("02/29/2024", "2024-02-29"),
        ("29/02/2024", "2024-02-29"),
        ("29.02.2024", "2024-02-29"),
        ("29-Feb-2024", "2024-02-29"),
        ("1899-12-31", "1899-12-31"),
    ],
)
def test_dates(tmp_path: Path, form: str, moment: str) -> None:
    column = read_table(written(tmp_path, f"when,b\n{form},1\n,2\n")).column("when")
    assert isinstance(column, DateColumn)
    assert column.seconds[0] == np.datetime64(moment, "s").astype(np.int64)
    assert column.missing().tolist() == [False, True]


def test_day_and_month_are_told_apart_by_any_row(tmp_path: Path) -> None:
    rows = "".join(f"{day:02}/03/2024,1\n" for day in range(1, 28))
    column = read_table(written(tmp_path, f"when,b\n{rows}")).column("when")
    assert isinstance(column, DateColumn)
    assert column.seconds[1] - column.seconds[0] == 86_400


def test_booleans(tmp_path: Path) -> None:
    column = read_table(written(tmp_path, "a,b\nTrue,1\nFALSE,2\n,3\n")).column("a")
    assert isinstance(column, BooleanColumn)
    assert column.states.tolist() == [1, 0, 2]


def test_a_column_all_missing(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n,1\nNA,2\n"))
    assert np.isnan(numbers(table, "a")).all()


def test_ten_thousand_categories(tmp_path: Path) -> None:
    rows = "".join(f"level{value % 10_000},{value}\n" for value in range(30_000))
    column = read_table(written(tmp_path, f"a,b\n{rows}")).column("a")
    assert isinstance(column, TextColumn)
    assert len(column.levels) == 10_000
    assert column.levels[column.codes[12_345]] == "level2345"


def test_very_many_texts_share_a_level(tmp_path: Path) -> None:
    rows = "".join(f"t{value},1\n" for value in range(100_500))
    column = read_table(written(tmp_path, f"a,b\n{rows}")).column("a")
    assert isinstance(column, TextColumn)
    assert len(column.levels) == 100_001
    assert (column.codes == 100_000).sum() == 500


def test_very_many_texts_that_are_numbers(tmp_path: Path) -> None:
    rows = "".join(f'"{value:,}",1\n' for value in range(100_500))
    column = read_table(written(tmp_path, f"a,b\n{rows}")).column("a")
    assert isinstance(column, NumberColumn)
    assert column.values[100_499] == 100_499


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "names 2 columns but holds no rows"),
        ("a,b", "names 2 columns but holds no rows"),
        ("a,b\n1,2\n4,5,6\n", "Line 3 of .* has 3 values where the header has 2 columns"),
        ('a,b\n1,"open\n2,3\n', "quotation mark is never closed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is a PNG image"),
        ("<!DOCTYPE html>\n<p>a,b</p>\n", "is an HTML page"),
        ('<?xml version="1.0"?>\n<a>1</a>\n', "is an XML document"),
        (b"PK\x03\x04rest", "an Excel workbook or a zip archive"),
        (b"a,b\n1,\x00\x01\x02\n", "binary data"),
        (bytes(range(128, 256)) * 3 + bytes(range(1, 9)) * 40, "binary data"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12], "damaged gzip file"),
    ],
)
def test_what_is_not_a_table_is_refused_in_one_sentence(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        read_table(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(str(tmp_path))


def test_names_that_differ_in_case_are_different(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,A\n1,2\n"))
    assert numbers(table, "a") == [1.0]
    assert numbers(table, "A") == [2.0]


def test_progress_names_the_file_and_its_columns(tmp_path: Path) -> None:
    lines: list[str] = []
    read_table(written(tmp_path, "a,b\n1,2\n"), progress=lines.append)
    assert "table.csv" in lines[0]
    assert "column 2 of 2, 'b'" in lines[-1]


def test_more_columns_than_are_typed_at_once(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 450))
    pd.DataFrame(values).to_csv(tmp_path / "wide.csv", index=False)
    table = read_table(tmp_path / "wide.csv")
    assert table.names == tuple(str(index) for index in range(450))
    assert np.array_equal([numbers(table, name) for name in table.names], values.T)
