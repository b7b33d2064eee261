"""`pellucid columns`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import failed, pellucid

TEXT = """day;price;country;id;flag
02/11/2023;1.234,5 €;DE;9007199254740993;True
13/11/2023;7,25 €;NA;9007199254740992;Unknown
14/11/2023;12 €;ZA;9007199254740991;False
15/11/2023;oops;;9007199254740994;False
"""


def table(folder: Path) -> Path:
    path = folder / "t.csv"
    path.write_text(TEXT, encoding="cp1252")
    return path


def test_what_would_become_of_each_column(tmp_path: Path) -> None:
    facts = json.loads(pellucid("columns", table(tmp_path), "--json").out)
    assert facts["rows"] == 4 and "divided by ';'" in facts["written"]
    columns = {column["column"]: column for column in facts["columns"]}
    kinds = {name: column["kind"] for name, column in columns.items()}
    assert kinds == {
        "day": "date",
        "price": "category",
        "country": "category",
        "id": "category",
        "flag": "category",
    }
    assert columns["day"]["form"] == "dates written day/month/year"
    assert "only if the day comes first" in columns["day"]["evidence"]
    assert columns["country"]["missing"] == 1
    assert columns["country"]["levels"][1] == {"level": "NA", "rows": 1}
    assert "--missing NA" in columns["country"]["notes"][0]
    assert "--kind 'id=number'" in columns["id"]["notes"][0]


def test_options_change_what_becomes_of_a_column(tmp_path: Path) -> None:
    options = ["--kind", "price=number", "--kind", "flag=drop", "--date-format", "day=%d/%m/%Y"]
    facts = json.loads(pellucid("columns", table(tmp_path), "--json", *options).out)
    columns = {column["column"]: column for column in facts["columns"]}
    assert columns["price"]["kind"] == "number" and columns["price"]["missing"] == 1
    assert "'oops' (1)" in columns["price"]["notes"][-1]
    assert "flag" not in columns and facts["left_out"] == ["flag"]
    message = failed("columns", table(tmp_path), "--kind", "nothing=number")
    assert "A kind is set for 'nothing', which is no column" in message


def test_the_page_names_columns_forms_and_notes(tmp_path: Path) -> None:
    said = pellucid("columns", table(tmp_path))
    assert said.code == 0
    for words in ("4 rows, 5 columns", "day/month/year", "Noticed in the data:"):
        assert words in " ".join(said.out.split())
    assert all(len(line) <= 80 for line in said.out.splitlines()[2:])
