"""The dialect of a text file, as it is saved with a model."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pellucid.data import checked
from pellucid.data.dialect.records import COMMENTS, SPACES, WIDE_SPACES, Marks
from pellucid.data.note import Note

_MARKS = ("separator", "quote", "escape", "comment")
_FLAGS = ("framed", "ruled", "spaced")
_CHOICES = {
    "quote": ("", '"', "'"),
    "escape": ("", '"', "'", "\\"),
    "comment": ("", *COMMENTS),
}
_WORDS = {"\t": "tabs", SPACES: "spaces", WIDE_SPACES: "two or more spaces"}


@dataclass(frozen=True)
class Dialect:
    """How to read a text file: its marks, its column names, and where its data begin.

    marks:      the separator, the quotation marks and the beginning of comments.
    names:      the names of the columns.
    header:     whether the file names its columns.
    row_names:  whether the header lacks a name for the first column, as R writes tables.
    decimal:    the decimal mark that its cells show; None if they show none.
    encoding:   its text encoding.
    first_line: the line of the first row of data, counted from 1.
    skipped:    the records before it, blank ones included.
    direct:     whether DuckDB can read the sample by these marks.

    `notes`, `first_line`, `skipped` and `direct` belong to one file and are not saved.
    """

    marks: Marks
    names: tuple[str, ...]
    header: bool = True
    row_names: bool = False
    decimal: str | None = None
    encoding: str = "utf-8"
    first_line: int = field(default=1, compare=False)
    skipped: int = field(default=0, compare=False)
    direct: bool = field(default=True, compare=False)
    notes: tuple[Note, ...] = field(default=(), compare=False)

    def describe(self) -> str:
        """The dialect in words: "divided by ';', decimal comma, cp1252"."""
        return ", ".join(self._words())

    def _words(self) -> Iterator[str]:
        if len(self.names) > 1:
            separator = self.marks.separator
            divided = f"divided by {_WORDS.get(separator, repr(separator))}"
            yield "columns of fixed width" if self.marks.starts else divided
        if self.decimal is not None:
            yield f"decimal {'comma' if self.decimal == ',' else 'point'}"
        if not self.header:
            yield "no header"
        yield self.encoding

    def to_json(self) -> dict[str, Any]:
        """The dialect as plain JSON, for `dialect_from_json`."""
        marks = {key: getattr(self.marks, key) for key in (*_MARKS, *_FLAGS)}
        return {
            **marks,
            "starts": list(self.marks.starts),
            "names": list(self.names),
            "header": self.header,
            "row_names": self.row_names,
            "decimal": self.decimal,
            "encoding": self.encoding,
        }


def dialect_from_json(value: object, where: str = "dialect") -> Dialect:
    """The dialect from its JSON; anything else raises `ModelFileError`, naming the entry."""
    others = ("starts", "names", "header", "row_names", "decimal", "encoding")
    entries = checked.record(value, where, (*_MARKS, *_FLAGS, *others))
    texts = {key: checked.text(entries[key], f"{where}.{key}") for key in (*_MARKS, "encoding")}
    flags = {
        key: checked.flag(entries[key], f"{where}.{key}")
        for key in (*_FLAGS, "header", "row_names")
    }
    separator = texts["separator"]
    if separator != WIDE_SPACES and (len(separator) != 1 or separator in "\"'\\\r\n\0"):
        raise checked.refuse(f"{where}.separator", "a separator", separator)
    for key, choices in _CHOICES.items():
        if texts[key] not in choices:
            raise checked.refuse(f"{where}.{key}", f"one of {list(choices)}", texts[key])
    decimal = entries["decimal"]
    if decimal not in (None, ".", ","):
        raise checked.refuse(f"{where}.decimal", "a decimal mark", decimal)
    marks = Marks(
        **{key: texts[key] for key in _MARKS},
        framed=flags["framed"],
        ruled=flags["ruled"],
        spaced=flags["spaced"],
        starts=checked.whole_numbers(entries["starts"], f"{where}.starts"),
    )
    return Dialect(
        marks,
        checked.texts(entries["names"], f"{where}.names"),
        flags["header"],
        flags["row_names"],
        None if decimal is None else str(decimal),
        texts["encoding"],
    )
