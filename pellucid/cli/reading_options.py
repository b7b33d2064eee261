"""The options of commands that say how a table is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.errors import DataError

if TYPE_CHECKING:
    from pellucid.data.options import ReadOptions

Separator = Annotated[
    str | None,
    typer.Option(
        help="The character between columns, or 'tab' or 'space'.",
        metavar="MARK",
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(help="The decimal mark, . or ,", metavar="MARK"),
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first row is a header."),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="The text encoding, such as cp1252.", metavar="NAME"),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        help="A word for a missing value, instead of the usual ones; may be repeated.",
        metavar="WORD",
    ),
]
DateFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--date-format",
        help="How a column writes dates: a pattern such as %d/%m/%Y, or 'day first' or "
        "'month first'; may be repeated.",
        metavar="COLUMN=FORM",
    ),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        help="What a column is: category, number, date, text or drop; may be repeated.",
        metavar="COLUMN=KIND",
    ),
]


def reading_options(
    separator: str | None,
    decimal: str | None,
    header: bool | None,
    encoding: str | None,
    missing: Sequence[str] | None,
    date_format: Sequence[str] | None,
    kind: Sequence[str] | None,
) -> ReadOptions:
    """The options as one value; a setting that cannot be used is a usage error."""
    from pellucid.data.options import ReadOptions

    try:
        return ReadOptions(
            separator=separator,
            decimal=decimal,
            header=header,
            encoding=encoding,
            missing=tuple(missing) if missing else None,
            date_formats=_by_column(date_format or (), "--date-format"),
            kinds=_by_column(kind or (), "--kind"),
        )
    except DataError as error:
        raise typer.BadParameter(str(error)) from None


def _by_column(entries: Sequence[str], option: str) -> dict[str, str]:
    """Settings by column, from `COLUMN=SETTING`; the column may hold "=" itself."""
    settings: dict[str, str] = {}
    for entry in entries:
        column, mark, setting = entry.rpartition("=")
        if not (mark and column and setting):
            raise typer.BadParameter(f"'{entry}' is not COLUMN=SETTING", param_hint=option)
        if settings.get(column, setting) != setting:
            raise typer.BadParameter(
                f"'{column}' is given both {settings[column]} and {setting}", param_hint=option
            )
        settings[column] = setting
    return settings
