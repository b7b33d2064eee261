"""Credit and debit words after amounts: 5 CR, 5 DR."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.data.form.number.tally import Writing


@dataclass(frozen=True)
class AccountWords:
    """The words, the styles that they read, and a sentence on them."""

    negative: str
    positive: str
    writings: tuple[Writing, ...]
    note: str


def choose_account_words(writings: Sequence[Writing]) -> AccountWords:
    """What CR, DR and DB mean in a column.

    The only word that occurs marks negative amounts if other amounts have none, as printed by COBOL's
    edited pictures; a word after all amounts has no meaning. If CR and DR occur, DR is negative, as on
    a bank's statement.
    """
    rows: Counter[str] = Counter()
    for writing in writings:
        rows[writing.style.account_word] += writing.rows
    bare = rows.pop("", 0)
    words = [word for word, _ in rows.most_common(2)]
    if not words:
        return AccountWords("", "", tuple(writings), "")
    if words == ["CR"] and any(writing.style.multiple for writing in writings):
        read = tuple(writing for writing in writings if not writing.style.account_word)
        return AccountWords(
            "", "", read, "CR is a multiple or the sign of an amount, so it is not read"
        )
    if len(words) == 1 and not bare:
        return AccountWords("", words[0], tuple(writings), "")
    negative = words[0] if len(words) == 1 else min(words, key=lambda word: word == "CR")
    positive = next((word for word in words if word != negative), "")
    read = tuple(
        writing
        for writing in writings
        if writing.style.account_word in ("", positive)
        or (writing.style.account_word == negative and not writing.style.negative)
    )
    return AccountWords(negative, positive, read, f"amounts with {negative} are negative")
