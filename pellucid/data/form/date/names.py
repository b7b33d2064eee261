"""Names of months and weekdays, in full and abbreviated, by language.

The names are those of the Unicode CLDR and of the locales of the C library, both the nominative
and, where the language has one, the case that follows the day. They are lower-case, without the
point of an abbreviation. Months run from January, weekdays from Monday; `|` separates the names of one.
"""

import unicodedata
from functools import cache

_MONTHS = {
    "English": "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug "
    "september|sep|sept october|oct november|nov december|dec",
    "German": "januar|jan|jänner|jän februar|feb|feber märz|mär|mrz|maerz april|apr mai juni|jun "
    "juli|jul august|aug september|sep|sept oktober|okt november|nov dezember|dez",
    "French": "janvier|janv|jan février|févr|fév|fevrier|fevr|fev mars|mar avril|avr mai juin|jui "
    "juillet|juil|jul août|aoû|aout|aou septembre|sept|sep octobre|oct novembre|nov "
    "décembre|déc|decembre|dec",
    "Spanish": "enero|ene febrero|feb marzo|mar abril|abr mayo|may junio|jun julio|jul agosto|ago "
    "septiembre|sep|sept|setiembre|set octubre|oct noviembre|nov diciembre|dic",
    "Italian": "gennaio|gen febbraio|feb marzo|mar aprile|apr maggio|mag giugno|giu luglio|lug "
    "agosto|ago settembre|set|sett ottobre|ott novembre|nov dicembre|dic",
    "Portuguese": "janeiro|jan fevereiro|fev março|mar|marco abril|abr maio|mai junho|jun julho|jul "
    "agosto|ago setembro|set outubro|out novembro|nov dezembro|dez",
    "Dutch": "januari|jan februari|feb maart|mrt|maa april|apr mei juni|jun juli|jul augustus|aug "
    "september|sep|sept oktober|okt november|nov december|dec",
    "Polish": "styczeń|stycznia|sty luty|lutego|lut marzec|marca|mar kwiecień|kwietnia|kwi maj|maja "
    "czerwiec|czerwca|cze lipiec|lipca|lip sierpień|sierpnia|sie wrzesień|września|wrz "
    "październik|października|paź listopad|listopada|lis grudzień|grudnia|gru",
    "Swedish": "januari|jan februari|feb|febr mars|mar april|apr maj juni|jun juli|jul augusti|aug "
    "september|sep|sept oktober|okt november|nov december|dec",
    "Danish": "januar|jan februar|feb marts|mar april|apr maj juni|jun juli|jul august|aug "
    "september|sep|sept oktober|okt november|nov december|dec",
    "Norwegian": "januar|jan februar|feb mars|mar april|apr mai juni|jun juli|jul august|aug "
    "september|sep|sept oktober|okt november|nov desember|des",
    "Finnish": "tammikuu|tammikuuta|tammi helmikuu|helmikuuta|helmi maaliskuu|maaliskuuta|maalis "
    "huhtikuu|huhtikuuta|huhti toukokuu|toukokuuta|touko kesäkuu|kesäkuuta|kesä "
    "heinäkuu|heinäkuuta|heinä elokuu|elokuuta|elo syyskuu|syyskuuta|syys lokakuu|lokakuuta|loka "
    "marraskuu|marraskuuta|marras joulukuu|joulukuuta|joulu",
    "Czech": "leden|ledna|led únor|února|úno březen|března|bře duben|dubna|dub květen|května|kvě "
    "červen|června|čvn červenec|července|čvc srpen|srpna|srp září|zář říjen|října|říj "
    "listopad|listopadu|lis prosinec|prosince|pro",
    "Slovak": "január|januára|jan február|februára|feb marec|marca|mar apríl|apríla|apr máj|mája "
    "jún|júna júl|júla august|augusta|aug september|septembra|sep október|októbra|okt "
    "november|novembra|nov december|decembra|dec",
    "Hungarian": "január|jan február|febr|feb március|márc|már április|ápr május|máj június|jún "
    "július|júl augusztus|aug szeptember|szept|szep október|okt november|nov december|dec",
    "Romanian": "ianuarie|ian februarie|feb martie|mar aprilie|apr mai iunie|iun iulie|iul "
    "august|aug septembrie|sept|sep octombrie|oct noiembrie|nov|noi decembrie|dec",
    "Turkish": "ocak|oca şubat|şub mart|mar nisan|nis mayıs|may haziran|haz temmuz|tem ağustos|ağu "
    "eylül|eyl ekim|eki kasım|kas aralık|ara",
    "Russian": "январь|января|янв февраль|февраля|фев|февр март|марта|мар апрель|апреля|апр май|мая "
    "июнь|июня|июн июль|июля|июл август|августа|авг сентябрь|сентября|сен|сент "
    "октябрь|октября|окт ноябрь|ноября|ноя|нояб декабрь|декабря|дек",
    "Ukrainian": "січень|січня|січ лютий|лютого|лют березень|березня|бер квітень|квітня|кві "
    "травень|травня|тра червень|червня|чер липень|липня|лип серпень|серпня|сер "
    "вересень|вересня|вер жовтень|жовтня|жов листопад|листопада|лис грудень|грудня|гру",
    "Greek": "ιανουάριος|ιανουαρίου|ιαν φεβρουάριος|φεβρουαρίου|φεβ μάρτιος|μαρτίου|μαρ|μάρ "
    "απρίλιος|απριλίου|απρ μάιος|μαΐου|μαϊ|μάι ιούνιος|ιουνίου|ιουν ιούλιος|ιουλίου|ιουλ "
    "αύγουστος|αυγούστου|αυγ|αύγ σεπτέμβριος|σεπτεμβρίου|σεπ|σεπτ οκτώβριος|οκτωβρίου|οκτ "
    "νοέμβριος|νοεμβρίου|νοε|νοέ δεκέμβριος|δεκεμβρίου|δεκ",
}

_WEEKDAYS = {
    "English": "monday|mon|mo tuesday|tue|tues|tu wednesday|wed|we thursday|thu|thur|thurs|th "
    "friday|fri|fr saturday|sat|sa sunday|sun|su",
    "German": "montag|mo|mon dienstag|di|die mittwoch|mi|mit donnerstag|do|don freitag|fr|fre "
    "samstag|sa|sam|sonnabend sonntag|so|son",
    "French": "lundi|lun|lu mardi|mar|ma mercredi|mer|me jeudi|jeu|je vendredi|ven|ve "
    "samedi|sam|sa dimanche|dim|di",
    "Spanish": "lunes|lun|lu martes|mar|ma miércoles|mié|mi|miercoles|mie jueves|jue|ju "
    "viernes|vie|vi sábado|sáb|sá|sabado|sab|sa domingo|dom|do",
    "Italian": "lunedì|lun|lunedi martedì|mar|martedi mercoledì|mer|mercoledi giovedì|gio|giovedi "
    "venerdì|ven|venerdi sabato|sab domenica|dom",
    "Portuguese": "segunda|seg terça|ter|terca quarta|qua quinta|qui sexta|sex sábado|sáb|sabado|sab "
    "domingo|dom",
    "Dutch": "maandag|ma|maa dinsdag|di|din woensdag|wo|woe donderdag|do|don vrijdag|vr|vrij "
    "zaterdag|za|zat zondag|zo|zon",
    "Polish": "poniedziałek|pon|pn wtorek|wt|wto środa|śr|śro czwartek|czw|cz piątek|pt|pią "
    "sobota|sob|so niedziela|niedz|nie|nd|ndz",
    "Swedish": "måndag|mån|må tisdag|tis|ti onsdag|ons|on torsdag|tors|tor|to fredag|fre|fr "
    "lördag|lör|lö söndag|sön|sö",
    "Danish": "mandag|man|ma tirsdag|tirs|tir|ti onsdag|ons|on torsdag|tors|tor|to fredag|fre|fr "
    "lørdag|lør|lø søndag|søn|sø",
    "Norwegian": "mandag|man|ma tirsdag|tirs|tir|ti onsdag|ons|on torsdag|tors|tor|to fredag|fre|fr "
    "lørdag|lør|lø søndag|søn|sø",
    "Finnish": "maanantai|maanantaina|ma tiistai|tiistaina|ti keskiviikko|keskiviikkona|ke "
    "torstai|torstaina|to perjantai|perjantaina|pe lauantai|lauantaina|la sunnuntai|sunnuntaina|su",
    "Czech": "pondělí|po|pon úterý|út|úte středa|st|stř čtvrtek|čt|čtv pátek|pá|pát sobota|so|sob "
    "neděle|ne|ned",
    "Slovak": "pondelok|po utorok|ut streda|st štvrtok|št piatok|pi sobota|so nedeľa|ne",
    "Hungarian": "hétfő|hét|h kedd|k|ked szerda|sze csütörtök|csü|cs péntek|pén|p szombat|szo|sz "
    "vasárnap|vas|v",
    "Romanian": "luni|lun|lu marți|mar|ma miercuri|mie|mi joi|jo vineri|vin|vi sâmbătă|sâm|sâ "
    "duminică|dum|du",
    "Turkish": "pazartesi|pzt salı|sal çarşamba|çar perşembe|per cuma|cum cumartesi|cmt pazar|paz",
    "Russian": "понедельник|пн|пон вторник|вт|втр среда|ср|сре четверг|чт|чтв пятница|пт|птн "
    "суббота|сб|суб воскресенье|вс|вск",
    "Ukrainian": "понеділок|пн вівторок|вт середа|ср четвер|чт п'ятниця|пт субота|сб неділя|нд",
    "Greek": "δευτέρα|δευ τρίτη|τρί|τρι τετάρτη|τετ πέμπτη|πέμ|πεμ παρασκευή|παρ σάββατο|σάβ|σαβ "
    "κυριακή|κυρ",
}

LANGUAGES = tuple(_MONTHS)
"""The languages whose names are known; English first."""


@cache
def months(language: str) -> dict[str, int]:
    """The months of a language, 1 to 12, by each of their names."""
    return _numbered(_MONTHS[language])


@cache
def weekdays(language: str) -> dict[str, int]:
    """The weekdays of a language, 1 (Monday) to 7, by each of their names."""
    return _numbered(_WEEKDAYS[language])


def _numbered(names: str) -> dict[str, int]:
    """Numbers by name, and by name without accents, as many files write them."""
    groups = list(enumerate(names.split(), start=1))
    exact = {name: number for number, group in groups for name in group.split("|")}
    bare = {_without_accents(name): number for name, number in exact.items()}
    return bare | exact


def _without_accents(name: str) -> str:
    parts = unicodedata.normalize("NFD", name.replace("ł", "l").replace("ø", "o").replace("ı", "i"))
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


@cache
def months_in(languages: tuple[str, ...]) -> dict[str, int]:
    """Months by name in several languages; no name means different months in two of them."""
    return {name: number for language in languages for name, number in months(language).items()}


def knowing(words: frozenset[str], weekday_words: frozenset[str]) -> tuple[str, ...]:
    """The languages that have all of these names of months and weekdays, in the order of the table."""
    return tuple(
        language
        for language in LANGUAGES
        if words <= months(language).keys() and weekday_words <= weekdays(language).keys()
    )
