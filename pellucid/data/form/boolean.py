"""True and false as they are written."""

from dataclasses import dataclass
from typing import Any

from pellucid.data import checked

TRUE_WORDS = ("true", "t", "yes", "y", "1")
FALSE_WORDS = ("false", "f", "no", "n", "0")


@dataclass(frozen=True)
class BooleanForm:
    """True and false, by words in lower case; `read` ignores case."""

    true: tuple[str, ...] = TRUE_WORDS
    false: tuple[str, ...] = FALSE_WORDS

    def read(self, text: str) -> bool | None:
        """True or false; None for another text."""
        word = text.lower()
        return True if word in self.true else False if word in self.false else None

    def describe(self) -> str:
        """The form in plain words."""
        return "true or false"

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values."""
        return {"form": "boolean", "true": list(self.true), "false": list(self.false)}


def boolean_form_from_json(value: object, where: str) -> BooleanForm:
    """The form that `to_json` wrote; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, ("form", "true", "false"))
    true = checked.texts(entries["true"], f"{where}.true")
    false = checked.texts(entries["false"], f"{where}.false")
    if set(true) & set(false):
        raise checked.refuse(where, "different words for true and false", sorted(true))
    return BooleanForm(true, false)
