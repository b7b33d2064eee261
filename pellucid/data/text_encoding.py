"""The encoding of a text file, from its byte order mark, its validity as UTF-8, or its letters."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from pellucid.data.legacy_encoding import legacy_encoding
from pellucid.data.note import Note, counted
from pellucid.errors import DataError

CHUNK = 1 << 22
"""Bytes that are examined at a time."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 1 << 16
_LONGEST = 1 << 24
"""Bytes that are searched for a sample."""


@dataclass(frozen=True)
class TextEncoding:
    """How the bytes of a text file are read.

    name:   the encoding. damaged: whether single bytes of a UTF-8 file are not UTF-8.
    is_clean: whether the file can be read as it is: valid UTF-8 without NUL and 0x1A bytes.
    """

    name: str
    is_clean: bool
    damaged: bool = False
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Scan:
    """What a pass over all bytes of a file showed.

    bad:    the offset of the first byte that is not UTF-8; None if all are.
    sample: lines with bytes beyond ASCII, where some are not UTF-8.
    nul:    the number of NUL and 0x1A bytes.
    """

    bad: int | None
    sample: bytes
    nul: int


def text_encoding(data: Path, source: str, stated: str | None, saved: str | None) -> TextEncoding:
    """The encoding of the file `data`; `source` names it in messages.

    stated: the encoding that the user says. saved: that of the training table, which is preferred where
    the bytes fit several.
    """
    with data.open("rb") as file:
        first = file.read(1 << 20)
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    wide = marked if marked != "utf-8" else None
    wide = wide or _wide_without_mark(first)
    if stated is not None:
        return TextEncoding(_with_mark(stated, marked, first), False)
    if wide is not None:
        return TextEncoding(wide, False, notes=() if marked else (_note(source, wide),))
    _refuse_binary(first, source)
    scan = scanned(data)
    if scan.bad is None:
        return TextEncoding("utf-8", scan.nul == 0, notes=_nul_notes(source, scan.nul))
    notes = _nul_notes(source, scan.nul)
    if marked == "utf-8" or _is_damaged(scan.sample):
        text = (
            f"{source} is written in UTF-8, but not all of its bytes are: from byte {scan.bad:,} on, "
            "such bytes were read as Windows-1252; --encoding says otherwise."
        )
        return TextEncoding("utf-8", False, True, (*notes, Note("", text, 1)))
    name = legacy_encoding(scan.sample, saved)
    return TextEncoding(name, False, notes=(*notes, _note(source, name)))


def _note(source: str, name: str) -> Note:
    label = LABELS.get(name, name)
    text = f"{source} is not written in UTF-8; it was read as {label}; --encoding says otherwise."
    return Note("", text)


LABELS = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp932": "Windows-932 (Shift JIS, Japanese)",
    "gb18030": "GB 18030 (GBK, Chinese)",
    "big5": "Big5 (Chinese)",
    "euc_kr": "EUC-KR (Korean)",
    "euc_jp": "EUC-JP (Japanese)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "mac_roman": "Mac Roman",
    "cp437": "DOS code page 437",
    "cp850": "DOS code page 850",
    "cp866": "DOS code page 866 (Cyrillic)",
    "utf-16-le": "UTF-16 without a byte order mark",
    "utf-16-be": "UTF-16 without a byte order mark",
    "utf-32-le": "UTF-32 without a byte order mark",
    "utf-32-be": "UTF-32 without a byte order mark",
}
"""Names of encodings for messages."""


def _with_mark(stated: str, marked: str | None, first: bytes) -> str:
    """The stated encoding, in the variant that a byte order mark, or the lack of one, calls for."""
    name = codecs.lookup(stated).name
    if not name.startswith(("utf-16", "utf-32")):
        return name
    if marked == name[:6]:
        return name[:6]
    if name not in ("utf-16", "utf-32"):
        return name
    detected = _wide_without_mark(first)
    return detected if detected is not None and detected.startswith(name) else f"{name}-le"


def _wide_without_mark(first: bytes) -> str | None:
    """UTF-16 or UTF-32 by the NUL bytes of ASCII characters; None where they don't show it."""
    part = first[: len(first) // 4 * 4][:4096]
    if 0 not in part:
        return None
    nul = [part[offset::4].count(0) for offset in range(4)]
    even, odd = nul[0] + nul[2], nul[1] + nul[3]
    if nul[2] and nul[3] and not nul[0]:
        candidates = ["utf-32-le", "utf-16-le"]
    elif nul[0] and nul[1] and not nul[3]:
        candidates = ["utf-32-be", "utf-16-be"]
    elif 10 * min(even, odd) <= max(even, odd):
        candidates = ["utf-16-le" if odd > even else "utf-16-be"]
    else:
        return None
    return next((name for name in candidates if _is_wide_text(part, name)), None)


def _is_wide_text(part: bytes, name: str) -> bool:
    """Whether bytes are text of several lines in this encoding, without control characters."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(part)
    except UnicodeDecodeError:
        return False
    if any(character < " " and character not in "\t\r\n\f" for character in text):
        return False
    ascii_characters = sum(character < "\x7f" for character in text)
    return ascii_characters > 2 and ("\n" in text or "\r" in text)


def _refuse_binary(first: bytes, source: str) -> None:
    control = sum(
        first.count(byte) for byte in range(1, 32) if byte not in (1, 9, 10, 12, 13, 26, 31)
    )
    if control > 0.01 * len(first):
        raise DataError(f"{source} holds binary data, not a table in text, Parquet or JSON.")


def scanned(data: Path) -> Scan:
    """A pass over all bytes of a file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = nul = 0
    bad: int | None = None
    with data.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            nul += chunk.count(0) + chunk.count(0x1A)
            if bad is None:
                bad = _bad_byte(decoder, chunk, position)
            position += len(chunk)
            if not chunk:
                break
    return Scan(bad, b"" if bad is None else _sample(data, bad), nul)


def _bad_byte(decoder: codecs.IncrementalDecoder, chunk: bytes, position: int) -> int | None:
    """The offset in the file of the first byte of the chunk that does not decode; None for none."""
    pending = len(decoder.getstate()[0])
    if chunk and not pending and chunk.isascii():
        return None
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        return position - pending + error.start
    return None


def _sample(data: Path, bad: int) -> bytes:
    """Lines with bytes beyond ASCII: the first ones before the byte `bad`, and those from it on."""
    return _high_lines(data, 0, bad) + _high_lines(data, max(0, bad - 200), bad + _LONGEST)


def _high_lines(data: Path, start: int, end: int) -> bytes:
    """The first lines with bytes beyond ASCII that begin between two offsets, up to 64 KB."""
    lines: list[bytes] = []
    size = 0
    with data.open("rb") as file:
        file.seek(start)
        while file.tell() <= end and size < _SAMPLE_BYTES:
            line = file.readline(10_000)
            if not line:
                break
            if not line.isascii():
                lines.append(line)
                size += len(line)
    return b"".join(lines)


def _is_damaged(sample: bytes) -> bool:
    """Whether at least as many letters beyond ASCII are UTF-8 as bytes are not."""
    text = sample.decode("utf-8", "surrogateescape")
    wrong = sum("\udc80" <= character <= "\udcff" for character in text)
    return sum(character > "\x7f" for character in text) - wrong >= wrong


def _nul_notes(source: str, count: int) -> tuple[Note, ...]:
    if not count:
        return ()
    text = f"{counted(count, 'NUL or 0x1A byte')} of {source} {'is' if count == 1 else 'are'} left out."
    return (Note("", text, count),)
