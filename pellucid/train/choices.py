"""What was chosen for the user, by which rule, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One choice that training needs.

    name, value: what was chosen. rule: in one sentence. source: where the rule comes from.
    evidence: what in the data or the run it rests on. instead: how to set it oneself.
    """

    name: str
    value: str | int | float
    rule: str
    source: str
    evidence: str = ""
    instead: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)
