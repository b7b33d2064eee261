"""The dialect of a training table, saved with a model and used for later files."""

from pathlib import Path
from typing import Any

import pytest

from pellucid.data.dialect import Dialect, dialect_from_json
from pellucid.data.dialect.records import Marks
from pellucid.errors import ModelFileError
from tests.data.raw_texts import raw_texts
from tests.data.tables import written

TRAINING = "name;breite;target\n" + "".join(f"Smith, J{row};{row},5;{row}\n" for row in range(30))


def saved(folder: Path, text: str | bytes = TRAINING) -> Dialect:
    dialect = raw_texts(written(folder, text, "training.csv")).dialect
    again = dialect_from_json(dialect.to_json())
    assert again == dialect
    return again


def test_a_file_of_one_row_is_cut_as_the_training_table(tmp_path: Path) -> None:
    path = written(tmp_path, "name;breite\nA, B, C, D;1,5\n")
    read = raw_texts(path, saved=saved(tmp_path))
    assert read.names == ["name", "breite"]
    assert read.cells == [["A, B, C, D", "1,5"]]
    assert read.notes == []
    assert read.dialect.decimal == ","


def test_the_decimal_mark_of_training_holds_where_a_file_shows_none(tmp_path: Path) -> None:
    read = raw_texts(written(tmp_path, "name;breite\nA;7\n"), saved=saved(tmp_path))
    assert read.dialect.decimal == ","


def test_columns_may_come_in_another_order_and_without_the_target(tmp_path: Path) -> None:
    read = raw_texts(written(tmp_path, "breite;name;new\n1,5;A;x\n"), saved=saved(tmp_path))
    assert read.names == ["breite", "name", "new"]
    assert read.cells == [["1,5", "A", "x"]]


def test_titles_of_another_length_are_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, "Export; 2024\n\nname;breite;target\nA;1,5;2\n")
    read = raw_texts(path, saved=saved(tmp_path))
    assert read.names == ["name", "breite", "target"]
    assert read.cells == [["A", "1,5", "2"]]


def test_another_separator_is_detected_and_noted(tmp_path: Path) -> None:
    path = written(tmp_path, "name,breite,target\nA,1.5,2\nB,2.5,3\n")
    read = raw_texts(path, saved=saved(tmp_path))
    assert read.names == ["name", "breite", "target"]
    assert read.cells == [["A", "1.5", "2"], ["B", "2.5", "3"]]
    assert "not written as the training table was (divided by ';', decimal comma" in read.notes[0]


def test_a_table_without_header_stays_without(tmp_path: Path) -> None:
    dialect = saved(tmp_path, "5.1,3.5,setosa\n4.9,3.0,setosa\n6.2,3.4,virginica\n")
    read = raw_texts(written(tmp_path, "x,y,setosa\n"), saved=dialect)
    assert read.cells == [["x", "y", "setosa"]]
    assert read.names == ["x0", "x1", "x2"]


def test_the_encoding_of_training_is_preferred(tmp_path: Path) -> None:
    dialect = saved(tmp_path, "miasto;n\nŁódź;1\nGdańsk;2\nKraków;3\n".encode("cp1250"))
    assert dialect.encoding == "cp1250"
    read = raw_texts(written(tmp_path, "miasto;n\nGdańsk;1\n".encode("cp1250")), saved=dialect)
    assert read.cells == [["Gdańsk", "1"]]


def test_totals_are_kept_where_each_row_is_predicted(tmp_path: Path) -> None:
    text = "region,sales\nN,10\nS,20\nregion,sales\nTotal,30\n"
    read = raw_texts(written(tmp_path, text), keep_rows=True)
    assert read.cells == [["N", "10"], ["S", "20"], ["Total", "30"]]
    assert "is kept" in " ".join(read.notes)
    assert raw_texts(written(tmp_path, text)).cells == [["N", "10"], ["S", "20"]]


PLAIN = Dialect(Marks(";"), ("a", "b"), decimal=",").to_json()


@pytest.mark.parametrize(
    "damage",
    [
        {"separator": ""},
        {"separator": ";;;"},
        {"separator": 1},
        {"separator": "'"},
        {"comment": "'; --"},
        {"quote": "x"},
        {"escape": "/"},
        {"decimal": ";"},
        {"names": ["a", "a"]},
        {"names": "a"},
        {"header": 1},
        {"framed": None},
        {"encoding": 5},
        {"starts": ["a"]},
        {"other": 5},
    ],
)
def test_damaged_json_is_refused(damage: dict[str, Any]) -> None:
    assert dialect_from_json(PLAIN).names == ("a", "b")
    with pytest.raises(ModelFileError):
        dialect_from_json({**PLAIN, **damage})
