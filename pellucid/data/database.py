"""A DuckDB database in memory for reading one file, and DuckDB's errors as plain sentences."""

import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.errors import DataError

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "700MB"
"""DuckDB's limit of memory; a larger table is spilled to disk while it is read."""

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


@contextmanager
def database(path: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection for reading `path`; its failures raise a `DataError` that names the file."""
    import duckdb

    with ExitStack() as stack:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": _temporary_folder(stack),
            "autoinstall_known_extensions": False,
        }
        connection = stack.enter_context(duckdb.connect(":memory:", config=settings))
        connection.execute("SET enable_progress_bar = false")
        # Otherwise a time with a time zone would depend on the zone of this machine.
        connection.execute("SET TimeZone = 'UTC'")
        try:
            yield connection
        except duckdb.Error as error:
            raise DataError(explain(path, str(error))) from error
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be read: {error}.") from error
        except RuntimeError as error:
            if "interrupted" in str(error).lower():
                raise KeyboardInterrupt from error
            raise


def _temporary_folder(stack: ExitStack) -> str:
    """A folder that is removed with the stack; "" (memory only) where none can be made."""
    try:
        return stack.enter_context(tempfile.TemporaryDirectory(prefix="pellucid-"))
    except OSError:
        return ""


def explain(path: Path, message: str) -> str:
    """An error message of DuckDB on this file as one sentence."""
    line = _LINE.search(message)
    where = f"line {int(line.group(1)):,} of {path}" if line else str(path)
    width = _WIDTH.search(message)
    if width:
        expected, actual = int(width.group(1)), int(width.group(2))
        noun = "value" if actual == 1 else "values"
        return (
            f"{where[0].upper()}{where[1:]} has {actual} {noun} where the header has {expected} "
            "columns: correct that line and try again."
        )
    if "unterminated quote" in message:
        return f"A quotation mark is never closed in {where}."
    if "Out of Memory" in message or "No space left" in message:
        return f"{path} does not fit in memory and on the temporary disk: free some space."
    first = message.strip().splitlines()[0].rstrip(". ")
    return f"{path} cannot be read as a table: {first.split('Error: ', 1)[-1]}."


def glob_safe(path: Path) -> str:
    """The path with the characters of DuckDB's glob patterns escaped."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
