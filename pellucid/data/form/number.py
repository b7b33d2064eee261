"""Numbers as they are written: decimal mark and separators of thousands."""

from dataclasses import dataclass
from typing import Any

from pellucid.data import checked
from pellucid.data.number_text import parse_number


@dataclass(frozen=True)
class NumberForm:
    """Numbers with this decimal mark, "." or ","; the other one separates thousands."""

    decimal: str = "."

    def read(self, text: str) -> float | None:
        """The number in the text; None where it is not a number."""
        return parse_number(text, decimal_comma=self.decimal == ",")

    def describe(self) -> str:
        """The form in plain words."""
        return "numbers with a decimal comma" if self.decimal == "," else "numbers"

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values."""
        return {"form": "number", "decimal": self.decimal}


def number_form_from_json(value: object, where: str) -> NumberForm:
    """The form that `to_json` wrote; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, ("form", "decimal"))
    if entries["decimal"] not in (".", ","):
        raise checked.refuse(f"{where}.decimal", "a point or a comma", entries["decimal"])
    return NumberForm(str(entries["decimal"]))
