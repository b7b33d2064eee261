"""A form together with the evidence that decided for it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

F = TypeVar("F", covariant=True)


@dataclass(frozen=True)
class Decided(Generic[F]):
    """A form, how much of a column it reads, and why it was chosen."""

    form: F
    """The form that reads the most rows."""
    share: float
    """The share of the rows that the form reads, of those that are not missing; from 0 to 1."""
    distinct: int
    """The distinct values that the form reads; a lower bound where there are more than 64."""
    certain: bool
    """False where another form reads as many rows and gives other values."""
    evidence: str
    """One plain sentence: what decided for the form."""
