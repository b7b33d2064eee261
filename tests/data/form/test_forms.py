"""Forms are decided by all training rows, and every other table is read by them."""

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pellucid.data import Preparation, ReadOptions, Table, choose_target, read_table
from pellucid.data.column import BooleanColumn, DateColumn, NumberColumn, TextColumn
from pellucid.data.form.table import TableForm, table_form_from_json
from pellucid.errors import DataError
from tests.data.tables import written


def values(table: Table, name: str) -> list[Any]:
    """The values of a column, None where missing."""
    column = table.column(name)
    missing = column.missing()
    match column:
        case NumberColumn():
            found: list[Any] = [float(value) for value in column.values]
        case TextColumn():
            found = [None if code < 0 else column.levels[code] for code in column.codes]
        case BooleanColumn():
            found = [bool(state) for state in column.states]
        case DateColumn():
            found = [str(np.datetime64(int(second), "s")) for second in column.seconds]
    return [None if gone else value for value, gone in zip(found, missing, strict=True)]


def trained(folder: Path, texts: list[str], **options: Any) -> TableForm:
    """The form of a text file with one column of these texts, and another."""
    body = "".join(f'"{text}",1\n' for text in texts)
    return read_table(written(folder, f"a,b\n{body}"), ReadOptions(**options)).form


@pytest.mark.parametrize(
    ("texts", "value", "wanted"),
    [
        (["1.0", "2.0", "3+"], 1.0, "1.0"),
        (["1.0", "2.0", "3+"], 2, "2.0"),
        (["1", "2", "3+"], 1.0, "1"),
        (["1.10", "1.9.1", "1.1"], 1.1, "1.1"),
        (["1E5", "3A7", "2B2"], 100000.0, "1E5"),
        (["1E5", "3A7", "2B2"], "1E5", "1E5"),
        (["True", "False", "Unknown"], True, "True"),
        (["true", "false", "maybe"], np.bool_(False), "false"),
        (["TRUE", "FALSE", "n/k"], True, "TRUE"),
        (["yes", "no"], False, "no"),
        (["Y", "N", "?!"], True, "Y"),
        (["007", "012", "999"], 7, "007"),
        (["02139", "10115", "99999"], 2139.0, "02139"),
        (["9007199254740993", "9007199254740992"], 9007199254740993, "9007199254740993"),
        (["inf", "low", "high"], "inf", "inf"),
        (["2024-01-31", "soon", "later"], datetime.date(2024, 1, 31), "2024-01-31"),
        (["4929123412341234", "x4", "x5", "x6"], 4929123412341234, "4929123412341234"),
    ],
)
def test_a_level_that_alone_looks_like_something_else(
    tmp_path: Path, texts: list[str], value: Any, wanted: str
) -> None:
    form = trained(tmp_path, texts * 3)
    for source in ({"a": [value], "b": [1]}, pd.DataFrame({"a": [value], "b": [1]})):
        assert values(read_table(source, form=form), "a") == [wanted]
    text = f"a,b\n{wanted},1\n"
    assert values(read_table(written(tmp_path, text), form=form), "a") == [wanted]


@pytest.mark.parametrize(
    ("texts", "alone", "wanted"),
    [
        (["02/11/2023", "13/11/2023"], "02/11/2023", "2023-11-02T00:00:00"),
        (["02/11/2023", "11/13/2023"], "02/11/2023", "2023-02-11T00:00:00"),
        (["1,375", "2,000,000"], "1,375", 1375.0),
        (["1,375", "0,5"], "1,375", 1.375),
        (["1.375", "0.5"], "1.375", 1.375),
        (["$5", "($7)", "$1,250"], "($1,375)", -1375.0),
        (["12 %", "3 %"], "4 %", 4.0),
        (["1", "2", "3", "4", "5", "6", "7", "8", "9", "n/k"], "n/k", None),
        (["1", "2", "3"], "2023-01-01", None),
        (["2024-01-31", "2024-02-29"], "31.01.2024", None),
        (["True", "False"], "TRUE", True),
        (["True", "False"], "maybe", None),
    ],
)
def test_a_text_alone_is_read_as_in_training(
    tmp_path: Path, texts: list[str], alone: str, wanted: Any
) -> None:
    form = trained(tmp_path, texts * 3)
    table = read_table(written(tmp_path, f'a,b\n"{alone}",1\n'), form=form)
    assert values(table, "a") == [wanted]
    assert values(read_table({"a": [alone], "b": [1]}, form=form), "a") == [wanted]
    assert [note.count for note in table.notes] == [1] * (wanted is None)


def test_a_form_is_the_same_after_json(tmp_path: Path) -> None:
    text = "a;b;c;d;e\n1,5;x;2024-01-31;True;10:30\n1.000,25;y;;False;11:45\n"
    form = read_table(written(tmp_path, text), ReadOptions(kinds={"b": "category"})).form
    plain = json.loads(json.dumps(form.to_json(), allow_nan=False))
    assert table_form_from_json(plain, "form") == form


def test_columns_that_leave_no_doubt_decide_the_decimal_mark(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a;b;n\n1,5;1.234;7\n2,25;2.345;8\n0,75;9.001;9\n"))
    assert values(table, "b") == [1234.0, 2345.0, 9001.0]
    (note,) = [note for note in table.notes if note.column == "b"]
    assert "The decimal mark of 'a' is a comma".lower() in note.text.lower()
    assert "--decimal says otherwise" in note.text
    later = read_table(written(tmp_path, "a;b;n\n1,5;1.234;7,5\n"), form=table.form)
    assert values(later, "n") == [7.5]
    table = read_table(written(tmp_path, "a;b\n1.5;1.234\n2.25;2.345\n0.75;9.001\n"))
    assert values(table, "b") == [1.234, 2.345, 9.001]


@pytest.mark.parametrize(("mark", "wanted"), [(",", 1234.0), (".", 1.234), (None, 1.234)])
def test_the_user_decides_the_decimal_mark(tmp_path: Path, mark: str | None, wanted: float) -> None:
    path = written(tmp_path, "a;b\n1.234;x\n2.345;y\n")
    assert values(read_table(path, ReadOptions(decimal=mark)), "a")[0] == wanted


def test_na_is_a_value_among_codes_of_two_letters(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "c,n\nDE,1\nZA,2\nNA,3\n,4\n"))
    assert values(table, "c") == ["DE", "ZA", "NA", None]
    (note,) = table.notes
    assert "'NA' in 1 row of 'c' is a value" in note.text and "--missing NA" in note.text
    again = read_table(written(tmp_path, "c,n\nNA,3\n"), form=table.form)
    assert values(again, "c") == ["NA"]
    said = read_table(written(tmp_path, "c,n\nDE,1\nNA,3\n"), ReadOptions(missing=("NA",)))
    assert values(said, "c") == ["DE", None]


def test_na_is_missing_where_other_columns_write_it_so(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "c,n\nDE,1\nZA,NA\nNA,3\n"))
    assert values(table, "c") == ["DE", "ZA", None]
    assert "is missing, as in other columns" in table.notes[0].text
    plain = read_table(written(tmp_path, "c,n\nred,1\nblue,2\nNA,3\n"))
    assert values(plain, "c") == ["red", "blue", None]
    assert plain.notes == ()


@pytest.mark.parametrize("source", ["parquet", "json", "polars", "pandas", "mapping"])
def test_na_in_a_typed_source_is_a_value(tmp_path: Path, source: str) -> None:
    columns = {"c": ["NA", "x", None, "null"], "n": [1, 2, 3, 4]}
    frame = pd.DataFrame(columns)
    path = tmp_path / f"t.{source}"
    if source == "parquet":
        frame.to_parquet(path)
    elif source == "json":
        path.write_text(frame.to_json(orient="records"))
    sources = {"polars": pl.DataFrame(columns), "mapping": columns}
    sources["pandas"] = frame.convert_dtypes()
    table = read_table(sources.get(source, path))
    assert values(table, "c") == ["NA", "x", None, "null"]
    again = read_table(written(tmp_path, "c,n\nNA,1\nN/A,2\n"), form=table.form)
    assert values(again, "c") == ["NA", None]


@pytest.mark.parametrize("kind", ["int64", "Int64", "uint64"])
def test_identifiers_beyond_floats_do_not_merge(tmp_path: Path, kind: str) -> None:
    numbers = [2**53 + 1, 2**53, 2**53 + 3, 2**53 + 2]
    frame = pd.DataFrame({"i": pd.Series(numbers, dtype=kind), "n": [1, 2, 3, 4]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.json").write_text(frame.to_json(orient="records"))
    sources = [frame, pl.from_pandas(frame), {"i": numbers, "n": [1, 2, 3, 4]}]
    sources += [tmp_path / f"t.{suffix}" for suffix in ("parquet", "csv", "json")]
    for source in sources:
        table = read_table(source)
        assert values(table, "i") == list(map(str, numbers))
        assert "float64" in table.notes[0].text
        assert values(read_table(source, form=table.form), "i") == list(map(str, numbers))


def test_decimals_beyond_floats_do_not_merge(tmp_path: Path) -> None:
    numbers = [Decimal(2**53 + 1), Decimal(2**53), None]
    table = pa.table({"i": pa.array(numbers, pa.decimal128(20, 0)), "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "t.parquet")
    for source in (table, tmp_path / "t.parquet", {"i": numbers, "n": [1, 2, 3]}):
        assert values(read_table(source), "i") == [str(2**53 + 1), str(2**53), None]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_order_of_categories_is_kept(library: str) -> None:
    levels = ["low", "middle", "high"]
    rows = ["high", "low", None, "high"]
    frame: Any = pd.DataFrame({"c": pd.Categorical(rows, levels, ordered=True)})
    if library == "polars":
        frame = pl.DataFrame({"c": pl.Series(rows, dtype=pl.Enum(levels))})
    table = read_table(frame)
    column = table.column("c")
    assert isinstance(column, TextColumn)
    assert column.levels == tuple(levels)
    assert values(table, "c") == rows
    later = read_table({"c": ["middle", "new"]}, form=table.form).column("c")
    assert isinstance(later, TextColumn)
    assert later.levels == ("low", "middle", "high", "new")


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_names_that_differ_in_case(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"key": [1, 2], "Key": ["x", "y"], "KEY": [0.5, 1.5]})
    path = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "json":
        path.write_text(frame.to_json(orient="records"))
    else:
        frame.to_parquet(path)
    table = read_table(path)
    assert table.names == ("key", "Key", "KEY")
    assert values(table, "Key") == ["x", "y"]
    assert values(table, "KEY") == [0.5, 1.5]


NESTED = {
    "s": [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}],
    "l": [[1, 2], [3]],
    "n": [1.5, 2.5],
}


@pytest.mark.parametrize("source", ["parquet", "json", "polars"])
def test_structures_become_columns_and_lists_are_left_out(tmp_path: Path, source: str) -> None:
    frame = pl.DataFrame(NESTED)
    path = tmp_path / f"t.{source}"
    if source == "parquet":
        frame.write_parquet(path)
    elif source == "json":
        path.write_text(json.dumps(frame.to_dicts()))
    table = read_table(frame if source == "polars" else path)
    assert table.names == ("s.x", "s.y", "n")
    assert values(table, "s.y") == ["a", "b"]
    assert table.left_out == ("l",)
    assert "'l' holds nested" in table.notes[0].text
    assert table.drop(["l"]).names == table.names
    assert table.drop(["s"]).names == ("n",)
    assert table.drop(["s.x", "l"]).names == ("s.y", "n")


MOMENTS = pd.to_datetime(["2024-07-01 08:00", "2024-12-01 23:30"]).tz_localize("America/New_York")
LENGTHS = pd.to_timedelta(["2min", "1 days 01:00:00"])


@pytest.mark.parametrize("source", ["pandas", "polars", "parquet", "parquet of polars", "csv"])
def test_local_times_and_durations_are_the_same_from_every_source(
    tmp_path: Path, source: str
) -> None:
    frame = pd.DataFrame({"when": MOMENTS, "long": LENGTHS, "n": [1, 2]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    pl.from_pandas(frame).write_parquet(tmp_path / "p.parquet")
    sources: dict[str, Any] = {
        "pandas": frame,
        "polars": pl.from_pandas(frame),
        "parquet": tmp_path / "t.parquet",
        "parquet of polars": tmp_path / "p.parquet",
        "csv": tmp_path / "t.csv",
    }
    table = read_table(sources[source])
    assert values(table, "when") == ["2024-07-01T08:00:00", "2024-12-01T23:30:00"]
    assert values(table, "long") == [120.0, 90_000.0]
    for other in sources.values():
        again = read_table(other, form=table.form)
        assert values(again, "when") == values(table, "when")
        assert values(again, "long") == values(table, "long")


def test_times_of_day_are_the_same_from_every_source(tmp_path: Path) -> None:
    clocks = [datetime.time(13, 45), datetime.time(0, 10), None]
    frame = pl.DataFrame({"at": clocks, "n": [1, 2, 3]})
    frame.write_parquet(tmp_path / "t.parquet")
    sources = [frame, {"at": clocks, "n": [1, 2, 3]}, tmp_path / "t.parquet"]
    sources.append(written(tmp_path, "at,n\n13:45,1\n0:10,2\n,3\n"))
    for source in sources:
        table = read_table(source)
        assert values(table, "at") == ["1970-01-01T13:45:00", "1970-01-01T00:10:00", None]
        for other in sources:
            assert values(read_table(other, form=table.form), "at") == values(table, "at")


def test_a_known_level_is_told_apart_from_very_many_others(tmp_path: Path) -> None:
    form = read_table({"a": ["x", "y"] * 5, "n": range(10)}).form
    texts = [*(f"new {row}" for row in range(100_500)), "y"]
    table = read_table({"a": texts, "n": [1] * len(texts)}, form=form)
    assert values(table, "a")[-1] == "y"


def test_a_json_record_may_leave_out_what_is_missing(tmp_path: Path) -> None:
    records = [{"a": 1.5, "b": "x"}, {"a": 2.5}, {"b": "y"}]
    table = read_table(written(tmp_path, json.dumps(records), "t.json"))
    alone = read_table(written(tmp_path, json.dumps(records[1:2]), "t.json"), form=table.form)
    assert values(alone, "a") == [2.5]
    assert values(alone, "b") == [None]


@pytest.mark.parametrize("nested", [[1, 2], {"x": 1}])
def test_a_nested_value_among_others_is_missing(tmp_path: Path, nested: Any) -> None:
    form = read_table({"a": [1.5, 2.5, 3.5], "b": [1, 2, 3]}).form
    path = tmp_path / "t.json"
    for some, wanted in (([2.5, nested], [2.5, None]), ([nested], [None])):
        columns = {"a": some, "b": [1] * len(some)}
        path.write_text(json.dumps([{"a": each, "b": 1} for each in some]))
        for source in (columns, path):
            table = read_table(source, form=form)
            assert values(table, "a") == wanted
            assert table.notes or "a.x" in table


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("category", ["1", "2", "3"]), ("text", ["1", "2", "3"]), ("number", [1.0, 2.0, 3.0])],
)
def test_the_user_sets_the_kind(tmp_path: Path, kind: str, wanted: list[Any]) -> None:
    options = ReadOptions(kinds={"a": kind})
    for source in (written(tmp_path, "a,b\n1,x\n2,y\n3,z\n"), {"a": [1, 2, 3], "b": list("xyz")}):
        table = read_table(source, options)
        assert values(table, "a") == wanted
        assert values(read_table({"a": [2.0], "b": ["x"]}, form=table.form), "a") == [wanted[1]]


def test_kinds_that_typed_values_cannot_have() -> None:
    frame = pd.DataFrame({"d": pd.to_datetime(["2024-01-01", "2024-01-02"]), "b": [True, False]})
    for source in (frame, {"d": [datetime.date(2024, 1, 1)], "b": [True]}):
        with pytest.raises(DataError, match="'d' holds dates, which are no numbers"):
            read_table(source, ReadOptions(kinds={"d": "number"}))
    with pytest.raises(DataError, match="'b' should hold dates"):
        read_table(frame, ReadOptions(kinds={"b": "date"}))
    table = read_table(frame, ReadOptions(kinds={"b": "number", "d": "category"}))
    assert values(table, "b") == [1.0, 0.0]
    assert values(table, "d") == ["2024-01-01", "2024-01-02"]


def test_columns_that_the_user_drops(tmp_path: Path) -> None:
    table = read_table({"a": [1, 2], "b": [3, 4]}, ReadOptions(kinds={"a": "drop"}))
    assert table.names == ("b",)
    with pytest.raises(DataError, match="A kind is set for 'z', which is no column"):
        read_table({"a": [1, 2]}, ReadOptions(kinds={"z": "number"}))


def test_the_user_says_how_dates_are_written(tmp_path: Path) -> None:
    path = written(tmp_path, "d,n\n02/11/2023,1\n03/11/2023,2\n")
    for said, month in (("day first", "11"), ("month first", "02"), ("%d/%m/%Y", "11")):
        table = read_table(path, ReadOptions(date_formats={"d": said}))
        assert values(table, "d")[0][5:7] == month
    with pytest.raises(DataError, match="'n' should hold dates written '%d/%m/%Y'"):
        read_table(path, ReadOptions(date_formats={"n": "%d/%m/%Y"}))


def test_options_of_another_table_go_before_the_form(tmp_path: Path) -> None:
    form = read_table(written(tmp_path, "a;b\n1.5;x\n2.25;y\n")).form
    path = written(tmp_path, "a;b\n1,5;-\n2.000,25;y\n")
    options = ReadOptions(decimal=",", missing=("-",))
    table = read_table(path, options, form)
    assert values(table, "a") == [1.5, None]
    assert values(table, "b") == [None, "y"]


@pytest.mark.parametrize("zeros", [0, 3, 6, 9])
def test_unix_times_are_dates_from_every_source(tmp_path: Path, zeros: int) -> None:
    seconds = [1_700_000_000 + 86_400 * day for day in range(30)]
    times = [second * 10**zeros + zeros for second in seconds]
    frame = pd.DataFrame({"timestamp": times, "n": range(30)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    wanted = [str(np.datetime64(second, "s")) for second in seconds]
    sources = [frame, tmp_path / "t.csv", tmp_path / "t.parquet", frame.to_dict("list")]
    for source in sources:
        table = read_table(source)
        assert values(table, "timestamp") == wanted
        for other in sources:
            assert values(read_table(other, form=table.form), "timestamp") == wanted


def test_a_table_that_was_read_without_the_form_is_read_again(tmp_path: Path) -> None:
    form = trained(tmp_path, ["1.0", "2.0", "3+"] * 3)
    table = read_table(pd.DataFrame({"a": [1.0, 2.0, None], "b": [1, 2, 3]}))
    assert values(read_table(table, form=form), "a") == ["1.0", "2.0", None]


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_numbers_at_the_ends_of_floats(tmp_path: Path, suffix: str) -> None:
    numbers = [1e300, -0.0, 5e-324, -1.7976931348623157e308, 0.1, 2.0**53]
    frame = pd.DataFrame({"a": numbers, "n": range(6)})
    path = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "json":
        path.write_text(json.dumps(frame.to_dict("records")))
    else:
        frame.to_parquet(path)
    table = read_table(path)
    column = table.column("a")
    assert isinstance(column, NumberColumn)
    assert np.array_equal(column.values, numbers)
    assert np.signbit(column.values[1])
    assert table.notes == ()


def test_huge_numbers_are_encoded_and_huge_targets_left_out() -> None:
    x = np.arange(60.0)
    x[7] = 1e300
    table = read_table({"x": x, "z": np.arange(60) % 5, "y": np.where(x == 3, 1e300, x % 7 / 2)})
    choice = choose_target(table, "y")
    assert "1 row with a value of 'y' beyond 1e+120 was left out." in str(choice.notes[0])
    known = table.take(choice.rows)
    features = Preparation.learn(known, "y", choice.task).features(known)
    assert np.isfinite(features).all() and np.abs(features).max() < 10
