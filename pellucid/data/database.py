"""A DuckDB database in memory for the length of one reading, and its errors in plain words."""

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
"""What DuckDB may hold; a larger table is put on disk while it is read."""

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


@contextmanager
def database(path: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection for reading `path`, whose failures come out as `DataError` about that file."""
    import duckdb

    with ExitStack() as stack:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": _temporary_folder(stack),
            "autoinstall_known_extensions": False,
        }
        connection = stack.enter_context(duckdb.connect(":memory:", config=settings))
        connection.execute("SET enable_progress_bar = false")
        # A moment with a time zone is read as one clock shows it, whatever clock this machine has.
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
    """A folder that lives as long as the stack; "" where none can be made, and memory must do."""
    try:
        return stack.enter_context(tempfile.TemporaryDirectory(prefix="pellucid-"))
    except OSError:
        return ""


def explain(path: Path, message: str) -> str:
    """One sentence on what DuckDB could not do with the file."""
    line = _LINE.search(message)
    where = f"line {int(line.group(1)):,} of {path}" if line else str(path)
    width = _WIDTH.search(message)
    if width:
        expected, found = int(width.group(1)), int(width.group(2))
        noun = "value" if found == 1 else "values"
        return (
            f"{where[0].upper()}{where[1:]} has {found} {noun} where the header has {expected} "
            "columns: correct that line and try again."
        )
    if "unterminated quote" in message:
        return f"A quotation mark is never closed in {where}."
    if "Out of Memory" in message or "No space left" in message:
        return f"{path} does not fit in memory and on the temporary disk: free some space."
    first = message.strip().splitlines()[0].rstrip(". ")
    return f"{path} cannot be read as a table: {first.split('Error: ', 1)[-1]}."


def glob_safe(path: Path) -> str:
    """The path with the characters escaped that DuckDB would take for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
