"""The encoding of bytes that are not UTF-8, from their letters.

Words of East Asian, Cyrillic and Greek texts consist of bytes beyond ASCII alone; those encodings are
told apart by `charset-normalizer`, restricted to the plausible ones. Western and Central European words
mix such bytes with ASCII letters. Few bytes of a table tell its language, and `charset-normalizer` was
made for longer prose, so these encodings are chosen by alphabets: an encoding scores the share of its
characters beyond ASCII that belong to the best language's alphabet, or are usual signs (€, °, ’, –)
outside of words. Equal scores go to the encoding that is listed first.
"""

import re
from collections.abc import Iterator

_LATIN = {
    "cp1252": (
        "àâæçéèêëîïôœùûüÿ",
        "äöüß",
        "áéíñóúü",
        "áâãàçéêíóôõú",
        "àèéìòóù",
        "åäöé",
        "æøåé",
        "áðéíóúýþæö",
        "çàéèíïòóúü",
    ),
    "cp1250": (
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýž",
        "áäčďéíĺľňóôŕšťúýž",
        "áéíóöőúüű",
        "ăâîşţ",
        "čćđšž",
        "äöüß",
    ),
    "cp1254": ("çğıöşüâîû",),
    "mac_roman": (),
    "cp850": (),
    "cp437": (),
}
"""Single-byte encodings of Latin letters, with the letters beyond ASCII of their languages."""

_OTHERS = ("cp1251", "gb18030", "cp932", "big5", "euc_kr", "euc_jp", "cp1253", "koi8_r", "cp866")
"""Encodings of other scripts."""

_SIGNS = frozenset("€£¥©®°²³µ½¼¾·–—‘’“”„…«»•§¿¡™ºª×±‰\xa0")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_HIGH = re.compile(rb"[\x80-\xff]{2,}")
_VOWELS = "aeiouáéíóúAEIOUÁÉÍÓÚ"


def legacy_encoding(sample: bytes, saved: str | None = None) -> str:
    """The encoding of a sample that is not UTF-8; one that was `saved` wins where it decodes as well."""
    name = _other(sample) or _latin(sample)
    if saved in _OTHERS and _is_possible(sample, saved):
        return saved
    if saved in _LATIN and _latin_score(sample, saved) >= _latin_score(sample, name):
        return saved
    return name


def _decoded(sample: bytes, name: str) -> str | None:
    try:
        text = sample.decode(name)
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x80-\x9f\ue000-\uf8ff]", text) else text


def _other(sample: bytes) -> str | None:
    """The encoding of another script; None where most words beyond ASCII have ASCII letters too."""
    words = [word for word in _WORD.findall(sample) if not word.isascii()]
    pure = sum(_HIGH.fullmatch(word) is not None for word in words)
    mixed = sum(_HIGH.search(word) is None for word in words if len(word) > 1)
    if pure <= mixed:
        return None
    possible = [name for name in _OTHERS if _is_possible(sample, name)]
    if len(possible) < 2:
        return next(iter(possible), None)
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=possible, threshold=0.8).best()
    return possible[0] if best is None else best.encoding


def _is_possible(sample: bytes, name: str) -> bool:
    text = _decoded(sample, name)
    if text is None:
        return False
    narrow = sum("\uff61" <= character <= "\uff9f" for character in text)
    beyond = sum(character > "\x7f" for character in text)
    # Halfwidth kana fill the bytes that other encodings use for letters; tables have few of them.
    return 2 * narrow <= beyond and not re.search(r"[\u2500-\u259f]", text)


def _latin(sample: bytes) -> str:
    names = [name for name in _LATIN if _decoded(sample, name) is not None]
    if not names:
        return "latin-1"
    return max(names, key=lambda name: round(_latin_score(sample, name), 3))


def _latin_score(sample: bytes, name: str) -> float:
    """The share of the characters beyond ASCII that fit the best language of the encoding."""
    text = _decoded(sample, name)
    if text is None:
        return -1.0
    spots = list(_spots(text))
    if not spots:
        return 0.0
    signs = sum(_is_apt_sign(*spot) for spot in spots)
    alphabets = _LATIN[name] or _LATIN["cp1252"]
    letters = [
        sum(_fits(*spot) and spot[1].lower() in alphabet for spot in spots)
        for alphabet in (*alphabets, "".join(alphabets))
    ]
    # Names of several languages in one table fit no single alphabet, but rather less surely.
    return (signs + max(*letters[:-1], 0.9 * letters[-1])) / len(spots)


def _spots(text: str) -> Iterator[tuple[str, str, str]]:
    """Each character beyond ASCII between its neighbours."""
    for match in re.finditer(r"[^\x00-\x7f]", text):
        start, end = match.span()
        yield text[max(0, start - 1) : start], match[0], text[end : end + 1]


def _is_apt_sign(before: str, sign: str, after: str) -> bool:
    """Whether a sign stands outside of a word, or is an apostrophe in one."""
    return sign in _SIGNS and (sign == "’" or not (before.isalpha() and after.isalpha()))


def _fits(before: str, letter: str, after: str) -> bool:
    """Whether a letter suits its neighbours: no capital after a small letter, ñ and õ before vowels."""
    if letter.isupper() and before.islower():
        return False
    if letter in "ñÑ":
        return after in _VOWELS
    return letter not in "õÕ" or after in "eEo"
