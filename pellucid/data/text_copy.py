"""A copy of a text file in plain UTF-8: without byte order mark, NUL and 0x1A bytes."""

import codecs
from pathlib import Path

from pellucid.data.text_encoding import LABELS, TextEncoding
from pellucid.errors import DataError

_CHUNK = 1 << 22


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """An error handler for `codecs`: bytes that are not UTF-8 are read as Windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end


codecs.register_error("pellucid.windows", _as_windows)


def write_utf8(data: Path, encoding: TextEncoding, copy: Path, source: str) -> None:
    """Writes the text of the file `data` to `copy`; `source` names it in messages.

    A byte that is not of the encoding raises `DataError`, naming its offset.
    """
    errors = "pellucid.windows" if encoding.damaged else "strict"
    decoder = codecs.getincrementaldecoder(encoding.name)(errors)
    position = 0
    first = True
    with data.open("rb") as file, copy.open("w", encoding="utf-8", newline="") as target:
        while True:
            chunk = file.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                offset = position - pending + error.start
                raise _wrong_byte(source, encoding.name, offset, error) from error
            if first:
                text, first = text.removeprefix("\ufeff"), not text
            target.write(text.replace("\0", "").replace("\x1a", ""))
            position += len(chunk)
            if not chunk:
                return


def _wrong_byte(source: str, name: str, offset: int, error: UnicodeDecodeError) -> DataError:
    value = error.object[error.start : error.start + 1].hex()
    return DataError(
        f"{source} cannot be read as {LABELS.get(name, name)}: byte {offset:,} (0x{value}) is no part "
        "of a letter in it. Give the encoding with --encoding, or correct that byte."
    )
