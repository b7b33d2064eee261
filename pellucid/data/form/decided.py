"""A form with the evidence for it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

F = TypeVar("F")


@dataclass(frozen=True)
class Decided(Generic[F]):
    """The form of a column and how well its texts support it.

    `share`: of the non-missing rows, those that the form reads. `distinct`: distinct values read.
    `certain`: False where another form reads as many rows. `evidence`: one plain sentence.
    """

    form: F
    share: float
    distinct: int
    certain: bool
    evidence: str
