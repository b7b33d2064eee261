"""Dates as they are written."""

from dataclasses import dataclass
from typing import Any

from pellucid.data import checked
from pellucid.data.date_text import FORMATS, parse_date


@dataclass(frozen=True)
class DateForm:
    """Dates of one pattern; "" is ISO 8601."""

    pattern: str = ""

    def read(self, text: str) -> int | None:
        """Seconds since 1970-01-01 in local time; None where the text is not such a date."""
        return parse_date(text, self.pattern)

    def describe(self) -> str:
        """The form in plain words."""
        return f"dates written {FORMATS.get(self.pattern, self.pattern)}"

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values."""
        return {"form": "date", "pattern": self.pattern}


def date_form_from_json(value: object, where: str) -> DateForm:
    """The form that `to_json` wrote; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, ("form", "pattern"))
    return DateForm(checked.text(entries["pattern"], f"{where}.pattern"))
