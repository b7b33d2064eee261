"""Words and letters that multiply a number: 5k, 1.5 Mio. €."""

import re

from pellucid.data.form.number.units import is_currency

_LETTERS = {
    **dict.fromkeys(["k", "K"], 3),
    **dict.fromkeys(["M", "MM", "mn", "Mn"], 6),
    **dict.fromkeys(["B", "b", "bn", "Bn", "BN", "G"], 9),
    **dict.fromkeys(["T", "tn"], 12),
    **dict.fromkeys(["万", "만"], 4),
    **dict.fromkeys(["億", "亿", "억"], 8),
}
_WORDS = {
    **dict.fromkeys(["tsd", "tsd.", "thousand", "thousands"], 3),
    **dict.fromkeys(["lakh", "lakhs", "lac", "lacs"], 5),
    **dict.fromkeys(["mio", "mio.", "mill", "mill.", "mln", "million", "millions"], 6),
    **dict.fromkeys(["crore", "crores"], 7),
    **dict.fromkeys(["mrd", "mrd.", "mds", "mld", "bln", "billion", "billions"], 9),
    **dict.fromkeys(["trillion", "trillions"], 12),
}
_MONEY_LETTERS = {"m": 6}
"""Letters that multiply only beside a currency; alone, m is a metre."""

MULTIPLE_PATTERN = "|".join(
    [
        *map(re.escape, sorted([*_LETTERS, *_MONEY_LETTERS], key=len, reverse=True)),
        f"(?i:{'|'.join(map(re.escape, sorted(_WORDS, key=len, reverse=True)))})",
    ]
)
"""A regular expression for all of them."""


def is_multiple(text: str) -> bool:
    """Whether the text multiplies a number."""
    return text in _LETTERS or text in _MONEY_LETTERS or text.lower() in _WORDS


def power_of_ten(text: str) -> int:
    """The power of ten of a multiple: 3 for "k". Raises `KeyError` for anything else."""
    for powers in (_LETTERS, _MONEY_LETTERS):
        if text in powers:
            return powers[text]
    return _WORDS[text.lower()]


def split_multiple(suffix: str, *, money: bool) -> tuple[str, str]:
    """The multiple with which a suffix begins, or "", and the rest: "Mio. €" is "Mio.", "€".

    `money` says whether a currency stands before the number.
    """
    for length in range(len(suffix), 0, -1):
        head, rest = suffix[:length], suffix[length:].lstrip()
        alone = not rest and (money or head not in _MONEY_LETTERS)
        if is_multiple(head) and (alone or is_currency(rest)):
            return head, rest
    return "", suffix
