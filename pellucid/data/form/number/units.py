"""Units and currencies beside a number, and which spellings mean the same."""

import re
import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ISO_CODES = _words(
    "AED AFN AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTC BTN BWP BYN "
    "BZD CAD CDF CHF CLF CLP CNH CNY COP CRC CUP CVE CZK DEM DJF DKK DOP DZD EGP ERN ESP ETB ETH EUR "
    "FJD FKP FRF GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK ITL JMD "
    "JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NLG NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RMB "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD STN SVC SYP SZL THB TJS TMT TND TRY TTD "
    "TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XAU XCD XOF XPF YER ZAR ZMW"
)
_CURRENCY_WORDS = _words(
    "kr kr. zł kč ft fr fr. sfr. rs rs. lei din дин ден лв лв. руб руб. грн р. rp rp. rm bs bs. php "
    "s/ s/. tl dh dhs 元 円 원 euro euros eur. dollar dollars cents cent"
)
_DOLLAR = re.compile(r"[A-Za-z]{1,3}\.? ?\$|\$ ?[A-Z]{1,3}")

_CASE_MATTERS = _words(
    "mW MW GW kW W mV MV kV µV mA kA µA mAh Ah Wh kWh MWh GWh TWh Hz kHz MHz GHz Pa hPa kPa MPa GPa "
    "mbar mmHg kB KB MB GB TB PB kb Kb Mb Gb Tb KiB MiB GiB TiB kbit Mbit Gbit kbps Mbps Gbps kJ MJ "
    "GJ mJ ms µs us ns mg µg ug ng µm um nm mmol µmol nmol mol IU mL ml cl dl hl µl µL dB dBm dBA lx lm "
    "PS °C °F °K ° °dH pH ppm ppb ppt % ‰ ‱ bp bps"
)
_CASE_FOLDED = _words(
    "kg kgs km cm mm dm mi mile miles ft feet foot yd yards lb lbs oz inch inches in. hp bhp cc ccm "
    "gal gallon gallons ha acre acres sqft sqm rpm mph kph kmh kmph kmpl mpg knots kcal cal psi "
    "bar min mins minute minutes sec secs second seconds hr hrs hour hours day days week weeks "
    "month months year years yr yrs stk stück std pcs pc px dpi "
    "percent nm kt kts tonnes tons"
)
_SYMBOLS = re.compile(r'[%‰‱°"]')
_SQUARE = re.compile(
    r"(?:[kcdm]?m|ft|yd|in)[²³23]|(?i:sq|cu)\.? ?(?i:ft|feet|in|m|km|mi|yd|miles)\.?"
)
_COMPOUND = re.compile(
    r"(?:[^\W\d_]{1,6}[²³23]?|[$€£¥₹])/[0-9]{0,3} ?[^\W\d_]{1,6}[²³23]?|/ ?[^\W\d_]{1,10}[²³23]?"
)
_SUFFIX = re.compile(
    rf'[^\W\d_]{{1,20}}\.?|[%‰‱]|° ?[CFK]?|"|{_SQUARE.pattern}|{_COMPOUND.pattern}'
    r"|[^\W\d_]{1,12} [^\W\d_]{1,12}"
)


def is_currency(text: str) -> bool:
    """Whether the text is a sign, code or short name of a currency: €, USD, US$, kr."""
    return (
        (len(text) == 1 and unicodedata.category(text) == "Sc")
        or text in _ISO_CODES
        or text in ("eur", "usd", "gbp", "chf")
        or text.lower() in _CURRENCY_WORDS
        or _DOLLAR.fullmatch(text) is not None
    )


def is_prefix(text: str) -> bool:
    """Whether the text may stand before a number: a currency."""
    return is_currency(text)


def is_suffix(text: str) -> bool:
    """Whether the text may stand after a number: a currency, a unit, or a word that may be one."""
    return is_currency(text) or _SUFFIX.fullmatch(text) is not None


def is_known_unit(text: str) -> bool:
    """Whether the text is surely a unit, so that numbers without it are read as well."""
    return (
        is_currency(text)
        or _base(text) in _FOLDED
        or _SYMBOLS.match(text) is not None
        or _SQUARE.fullmatch(text) is not None
        or text in _CASE_MATTERS
        or _COMPOUND.fullmatch(text) is not None
    )


def unit_key(text: str) -> str:
    """The same for spellings of the same unit: "kg" and "KG", "month" and "Months", "kr" and "kr."."""
    base = _base(text)
    return base if _is_folded(base) and text in _spellings(base) else text


def unit_pattern(text: str) -> str:
    """A regular expression for all spellings of the unit that have the same key."""
    key = unit_key(text)
    spellings = _spellings(key) if _is_folded(key) else [text]
    same = sorted({spelling for spelling in spellings if unit_key(spelling) == key}, reverse=True)
    return f"(?:{'|'.join(map(re.escape, same))})"


def _base(text: str) -> str:
    """The text in lower case, without a final point and the plural's s."""
    base = text.lower().removesuffix(".")
    plural = base in _SHORT_PLURALS or (len(base) > 3 and base.isalpha() and base[-2] != "s")
    plural = plural and base.endswith("s")
    return base[:-1] if plural else base


def _is_folded(base: str) -> bool:
    """Whether a unit may be written in lower case, in capitals or with an initial capital."""
    return base in _FOLDED or (len(base) > 2 and base.isalpha() and base.islower())


def _spellings(base: str) -> list[str]:
    words = [form(word) for word in (base, f"{base}s") for form in _CASES]
    return [*words, *(f"{word}." for word in words)]


_SHORT_PLURALS = _words("lbs kgs yrs hrs kts pcs")
_CASES = (str.lower, str.upper, str.title, str.capitalize)
_FOLDED = frozenset(map(_base, _CASE_FOLDED | _CURRENCY_WORDS))
