"""`pellucid predict`."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.cli.column_names import column_names
from pellucid.cli.model_file import load
from pellucid.cli.show import DelayedProgress, show_notes
from pellucid.data import Note, ReadOptions, read_table
from pellucid.errors import DataError
from pellucid.graph import Array
from pellucid.train.storage.files import write_atomically

Columns = dict[str, Array]

SUFFIXES = (".csv", ".parquet")
"""The suffixes of a file of predictions."""


def run_predict(
    run: Path,
    data: Path,
    output: Path | None,
    keep: Sequence[str] = (),
    options: ReadOptions | None = None,
) -> None:
    """Write the predictions for a table to a file, or as CSV to standard output.

    keep: columns of the table to write beside them, each a name or several with commas between.
    """
    if output is not None and output.exists() and data.exists() and output.samefile(data):
        raise DataError(f"{output} is the table itself: write the predictions to another file.")
    model = load(run)
    notes: list[Note] = []
    assert model.preparation is not None
    table = read_table(data, options, model.preparation.form, progress=DelayedProgress())
    predicted = model.predict_table(table, column_names(keep, table), notes)
    show_notes(notes)
    if output is None:
        sys.stdout.write(csv_text(predicted))
        return
    parquet = output.suffix.lower() == ".parquet"
    write_atomically(output, parquet_bytes(predicted) if parquet else csv_text(predicted).encode())
    count = len(next(iter(predicted.values())))
    print(f"Wrote {count:,} predictions to {output}.", file=sys.stderr)


def csv_text(columns: Columns) -> str:
    """The columns as CSV with a header; numbers keep all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*map(_cells, columns.values()), strict=True))
    return text.getvalue()


def _cells(column: Array) -> list[Any]:
    """The values of a column; nothing where a number is missing."""
    cells: list[Any] = column.tolist()
    if column.dtype.kind == "f" and np.isnan(column).any():
        return ["" if cell != cell else cell for cell in cells]
    return cells


def parquet_bytes(columns: Columns) -> bytes:
    """The columns as a Parquet file; an error of DuckDB or of the temporary disk is a `DataError`."""
    import tempfile

    import duckdb

    types = {name: _sql_type(column) for name, column in columns.items()}
    try:
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
            source, target = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
            source.write_text(csv_text(columns), encoding="utf-8")
            connection.execute(
                "copy (select * from read_csv($1, header = true, delim = ',', quote = '\"', "
                "columns = $2)) to $3 (format parquet)",
                [str(source), types, str(target)],
            )
            return target.read_bytes()
    except (OSError, duckdb.Error) as error:
        text = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"The predictions cannot be written as Parquet: {text}.") from error


def _sql_type(column: Array) -> str:
    """The type of a column in a Parquet file."""
    return {"f": "DOUBLE", "i": "BIGINT", "u": "BIGINT", "b": "BOOLEAN"}.get(
        column.dtype.kind, "VARCHAR"
    )
