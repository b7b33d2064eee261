"""What the user says about how a table is written; what is not said is detected."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pellucid.check import brief
from pellucid.data import checked
from pellucid.errors import DataError, ModelFileError

KINDS = ("category", "number", "date", "text", "drop")
"""The kinds that can be set for a column."""

SEPARATOR_WORDS = {"space": " ", "tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
"""Words for separators that are hard to write in a shell."""

_NO_TEXTS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")
"""Encodings of Python that no text file is written in."""


@dataclass(frozen=True)
class ReadOptions:
    """How a table is written, as the user says it; None is "detect it".

    separator:    one character, or "space" (runs of spaces), "tab", "comma", "semicolon".
    decimal:      the decimal mark of numbers, "." or ",".
    header:       whether the first row holds the names of the columns.
    encoding:     a text encoding that Python knows, such as "cp1252".
    missing:      the words for missing values, instead of the default ones.
    date_formats: a `strptime` pattern ("%d/%m/%Y"), "day first" or "month first", by column.
    kinds:        "category", "number", "date", "text" or "drop", by column.

    A setting that cannot be used raises `DataError`.
    """

    separator: str | None = None
    decimal: str | None = None
    header: bool | None = None
    encoding: str | None = None
    missing: tuple[str, ...] | None = None
    date_formats: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_separator(self.separator)
        if self.decimal not in (None, ".", ","):
            raise DataError(f"The decimal mark is '.' or ',', not {brief(self.decimal)}.")
        if self.decimal is not None and self.decimal == self.delimiter:
            raise DataError(
                f"'{self.decimal}' is given both as the separator and as the decimal mark: "
                "give a separator that occurs in no number."
            )
        if not (self.header is None or isinstance(self.header, bool)):
            raise DataError(f"header is True, False or None, not {brief(self.header)}.")
        _check_encoding(self.encoding)
        if self.missing is not None:
            object.__setattr__(self, "missing", _words(self.missing))
        object.__setattr__(self, "date_formats", _by_column("date_formats", self.date_formats))
        object.__setattr__(self, "kinds", _by_column("kinds", self.kinds))
        for column, kind in self.kinds.items():
            if kind not in KINDS:
                raise DataError(
                    f"'{kind}' is no kind of a column, for '{column}': give {_listed(KINDS)}."
                )

    @property
    def delimiter(self) -> str | None:
        """The separator as one character; None where it is to be detected."""
        if self.separator is None:
            return None
        return SEPARATOR_WORDS.get(self.separator, self.separator)

    def over(self, saved: "ReadOptions") -> "ReadOptions":
        """These options where they say something, else the `saved` ones; columns one by one."""
        stated = {
            name: getattr(self, name)
            for name in ("separator", "decimal", "header", "encoding", "missing")
            if getattr(self, name) is not None
        }
        return replace(
            saved,
            **stated,
            date_formats={**saved.date_formats, **self.date_formats},
            kinds={**saved.kinds, **self.kinds},
        )

    def to_json(self) -> dict[str, Any]:
        """The options as plain JSON, for `options_from_json`."""
        return {
            "separator": self.separator,
            "decimal": self.decimal,
            "header": self.header,
            "encoding": self.encoding,
            "missing": None if self.missing is None else list(self.missing),
            "date_formats": dict(self.date_formats),
            "kinds": dict(self.kinds),
        }


def options_from_json(value: object, where: str = "options") -> ReadOptions:
    """The options from their JSON; anything else raises `ModelFileError`, naming the entry."""
    entries = checked.record(value, where, [each.name for each in fields(ReadOptions)])
    header, missing = entries["header"], entries["missing"]
    try:
        return ReadOptions(
            separator=_text_or_none(entries["separator"], f"{where}.separator"),
            decimal=_text_or_none(entries["decimal"], f"{where}.decimal"),
            header=None if header is None else checked.flag(header, f"{where}.header"),
            encoding=_text_or_none(entries["encoding"], f"{where}.encoding"),
            missing=None if missing is None else checked.texts(missing, f"{where}.missing"),
            date_formats=_mapping(entries["date_formats"], f"{where}.date_formats"),
            kinds=_mapping(entries["kinds"], f"{where}.kinds"),
        )
    except DataError as error:
        raise ModelFileError(f"the preparation is damaged: {where}: {error}") from error


def _check_separator(separator: object) -> None:
    if separator is None:
        return
    if not isinstance(separator, str):
        raise DataError(f"The separator is a text, not {brief(separator)}.")
    mark = SEPARATOR_WORDS.get(separator, separator)
    if len(mark) != 1 or mark.isalnum() or mark in "\"'\r\n\0\\.-+_" or ord(mark) > 127:
        raise DataError(
            f"{brief(separator)} cannot separate columns: give one character such as ';', '|' or "
            "',', or the word 'tab' or 'space'."
        )


def _check_encoding(encoding: object) -> None:
    if encoding is None:
        return
    if not isinstance(encoding, str):
        raise DataError(f"The encoding is a text such as 'cp1252', not {brief(encoding)}.")
    try:
        information = codecs.lookup(encoding)
    except (LookupError, ValueError):
        information = None
    if (
        information is None
        or information.incrementaldecoder is None
        or information.name.replace("-", "_") in _NO_TEXTS
        or not getattr(information, "_is_text_encoding", True)
    ):
        raise DataError(
            f"{brief(encoding)} is no text encoding: give one such as 'utf-8', 'cp1252', "
            "'shift_jis' or 'utf-16'."
        )


def _words(words: object) -> tuple[str, ...]:
    if isinstance(words, str) or not isinstance(words, tuple | list | set | frozenset):
        raise DataError(f"missing is a list of words, not {brief(words)}.")
    for word in words:
        if not isinstance(word, str):
            raise DataError(f"missing is a list of words; {brief(word)} is not a text.")
    ordered = sorted(words) if isinstance(words, set | frozenset) else words
    return tuple(dict.fromkeys(ordered))


def _by_column(name: str, entries: object) -> Mapping[str, str]:
    if not isinstance(entries, Mapping):
        raise DataError(f"{name} is a mapping by columns, not {brief(entries)}.")
    for column, entry in entries.items():
        if not (isinstance(column, str) and isinstance(entry, str)):
            raise DataError(
                f"{name} is a mapping from columns to texts, not {brief(column)} to {brief(entry)}."
            )
    return dict(entries)


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _text_or_none(value: object, where: str) -> str | None:
    return None if value is None else checked.text(value, where)


def _mapping(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise checked.refuse(where, "a mapping", value)
    return {
        checked.text(key, where): checked.text(entry, f"{where}[{brief(key)}]")
        for key, entry in value.items()
    }
