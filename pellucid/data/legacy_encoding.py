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
    "cp1254": ("çğıİöşüâîû",),
    "iso8859_15": (),
    "mac_roman": (),
    "cp850": (),
    "cp437": (),
}
"""Single-byte encodings of Latin letters, with the letters beyond ASCII of their languages."""

_OTHERS = (
    "cp1251",
    "gb18030",
    "cp932",
    "big5",
    "euc_kr",
    "euc_jp",
    "cp1253",
    "koi8_r",
    "cp866",
    "cp1255",
    "cp1256",
)
"""Encodings of other scripts."""

_COMMON_LEADS = {
    "gb18030": ((0xA1, 0xA3), (0xB0, 0xD7)),
    "big5": ((0xA1, 0xC6),),
    "cp932": ((0x81, 0x83), (0x88, 0x97)),
    "euc_kr": ((0xA1, 0xA3), (0xB0, 0xC8)),
    "euc_jp": ((0xA1, 0xA5), (0xB0, 0xCF)),
}
"""The first bytes of signs and of the commoner half of the characters, by the standards' levels."""

_PLAUSIBLE = 0.9

_SIGNS = frozenset("€£¥©®°²³µ½¼¾·–—‘’“”„…«»•§¿¡™ºª×±‰\xa0")
_CYRILLIC = "оеаинтсрвлкм"
_AFTER_DIGITS = "‰½¼¾±"
_BEFORE_SPACE = "®©§™ª²³…»”"
_FREQUENT = {"cp1251": _CYRILLIC, "koi8_r": _CYRILLIC, "cp866": _CYRILLIC, "cp1253": "αοιετσνρκά"}
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_HIGH = re.compile(rb"[\x80-\xff]{2,}")
_IMPOSSIBLE = re.compile(r"[\u2500-\u259f]|ς[α-ω]|[ךםןףץ][א-ת]")
"""Box drawings, and letters that end words before others."""

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
    """The encoding of another script; None where the bytes beyond ASCII are Latin letters or signs.

    They are of another script where most words that have them have nothing else. Two-byte characters may
    end in an ASCII letter; then no Latin alphabet may fit, and if no word has two bytes beyond ASCII in
    a row, the characters must be common ones.
    """
    words = [word for word in _WORD.findall(sample) if not word.isascii()]
    pure = sum(_HIGH.fullmatch(word) is not None for word in words)
    mixed = sum(_HIGH.search(word) is None for word in words if len(word) > 1)
    joined = sum(re.search(rb"[A-Za-z]", word) is not None for word in words)
    possible = [name for name in _OTHERS if _is_possible(sample, name)]
    if pure <= max(mixed, joined) and _latin_score(sample, _latin(sample)) >= _PLAUSIBLE:
        return None
    if pure <= mixed:
        possible = [name for name in possible if _common_share(sample, name) >= _PLAUSIBLE]
    possible = _without_rare_letters(sample, possible)
    if len(possible) < 2:
        return next(iter(possible), None)
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=possible, threshold=0.8).best()
    return (
        max(possible, key=lambda each: _common_share(sample, each))
        if best is None
        else best.encoding
    )


def _without_rare_letters(sample: bytes, names: list[str]) -> list[str]:
    """The encodings, of the Cyrillic and Greek ones only that whose letters are most frequent ones.

    A capital counts less: KOI8-R exchanges the cases of Windows-1251. A word counts once, however many
    rows repeat it.
    """
    words = b" ".join(sorted(set(_HIGH.findall(sample))))
    weights = {name: _frequency(words, name) for name in names if name in _FREQUENT}
    best = max(weights, key=lambda name: weights[name], default=None)
    return [name for name in names if name not in weights or name == best]


def _frequency(sample: bytes, name: str) -> float:
    letters = _decoded(sample, name) or ""
    small = sum(letter in _FREQUENT[name] for letter in letters)
    return small + 0.6 * sum(letter in _FREQUENT[name].upper() for letter in letters)


def _common_share(sample: bytes, name: str) -> float:
    """The share of common characters among the two-byte ones; 0 for encodings of single bytes."""
    text = _decoded(sample, name)
    if text is None or name not in _COMMON_LEADS:
        return 0.0
    leads = [character.encode(name)[0] for character in text if character > "\x7f"]
    common = sum(any(low <= lead <= high for low, high in _COMMON_LEADS[name]) for lead in leads)
    return common / len(leads) if leads else 0.0


def _is_possible(sample: bytes, name: str) -> bool:
    text = _decoded(sample, name)
    if text is None:
        return False
    narrow = sum("\uff61" <= character <= "\uff9f" for character in text)
    beyond = sum(character > "\x7f" for character in text)
    points = sum("\u05b0" <= character <= "\u05c7" for character in text)
    # Halfwidth kana and Hebrew points fill the bytes that others use for letters; tables have few.
    if 2 * max(narrow, points) > beyond:
        return False
    return _IMPOSSIBLE.search(text) is None


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
        sum(_fits(*spot) and _is_in(spot[1], alphabet) for spot in spots)
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
    """Whether a sign stands where it can: not within a word, but for an apostrophe, and a dash."""
    if sign not in _SIGNS or (sign in "‘“„«¿¡" and before.isalnum()):
        return False
    if sign in _AFTER_DIGITS:
        return not (before.isalpha() or after.isalpha())
    if sign in _BEFORE_SPACE and after.isalpha():
        return False
    return sign in "’–" or not (before.isalpha() and after.isalpha())


def _is_in(letter: str, alphabet: str) -> bool:
    return letter in alphabet or letter.lower() in alphabet


def _fits(before: str, letter: str, after: str) -> bool:
    """Whether a letter suits its neighbours.

    A capital follows no small letter, ñ and õ precede vowels, þ begins words, and no letter stands
    between digits.
    """
    if letter.isupper() and before.islower():
        return False
    if before.isdigit() or after.isdigit():
        return before.isalpha() or after.isalpha()
    if letter in "ñÑ":
        return after in _VOWELS
    if letter in "þÞ":
        return not before.isalpha()
    return letter not in "õÕ" or after in "eEo"
