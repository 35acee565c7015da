"""Numbers as words in the languages that are sung: "1999" is "nineteen ninety nine", "mille neuf cent quatre vingt …".

Compounds that a language writes as one word are given in their parts, so that they divide into syllables.
"""

from collections.abc import Callable

_MAX_DIGITS = 6
"""Longer numbers are said digit by digit."""
_UNITS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici "
    "sedici diciassette diciotto diciannove",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete dieciocho diecinueve",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis "
    "dezessete dezoito dezenove",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien "
    "zeventien achttien negentien",
    "sv": "noll ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "vingt trente quarante cinquante soixante",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
    "sv": "tjugo trettio fyrtio femtio sextio sjuttio åttio nittio",
}
_HUNDREDS_ES = "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
_HUNDREDS_PT = "cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos"
_TWENTIES_ES = (
    "veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_POINT = {
    "en": "point",
    "de": "Komma",
    "fr": "virgule",
    "it": "virgola",
    "es": "coma",
    "pt": "vírgula",
    "nl": "komma",
    "sv": "komma",
}


def number_words(figures: str, language: str) -> list[str]:
    """A number in figures, perhaps with a decimal point or comma, as words of the language ("en" for one not known)."""
    code = language if language in _UNITS else "en"
    whole, _, decimals = figures.replace(",", ".").partition(".")
    units = _UNITS[code].split()
    if len(whole) > _MAX_DIGITS or (whole.startswith("0") and len(whole) > 1):
        words = [units[int(digit)] for digit in whole]
    elif not decimals and (year := _year(int(whole), code)):
        words = year
    else:
        words = _cardinal(int(whole), code)
    return words + ([_POINT[code], *(units[int(digit)] for digit in decimals)] if decimals else [])


def _year(value: int, code: str) -> list[str]:
    """Numbers that are said in hundreds in the language; empty for others."""
    in_hundreds = 1100 <= value < 2000 or (code == "en" and 2010 <= value < 2100)
    if code not in ("en", "de", "nl", "sv") or not in_hundreds:
        return []
    hundreds, rest = divmod(value, 100)
    if code == "en":
        tail = ["hundred"] if rest == 0 else ["oh", *_cardinal(rest, code)] if rest < 10 else _cardinal(rest, code)
        return _cardinal(hundreds, code) + tail
    hundred = {"de": "hundert", "nl": "honderd", "sv": "hundra"}[code]
    return [*_cardinal(hundreds, code), hundred, *(_cardinal(rest, code) if rest else [])]


def _cardinal(value: int, code: str) -> list[str]:
    """A number below a million."""
    if value < 20:
        return _UNITS[code].split()[value].split("-")
    if value < 100:
        return _BELOW_HUNDRED[code](value)
    if value < 1000:
        return _hundreds(value, code)
    thousands, rest = divmod(value, 1000)
    return _thousands(thousands, code) + (_joined(rest, code) if rest else [])


def _joined(rest: int, code: str) -> list[str]:
    """What follows the thousands; Portuguese puts an "e" before a round or small remainder."""
    connected = code == "pt" and (rest < 100 or rest % 100 == 0)
    return (["e"] if connected else []) + _cardinal(rest, code)


def _thousands(count: int, code: str) -> list[str]:
    match code:
        case "en":
            return [*_cardinal(count, code), "thousand"]
        case "de":
            return [*(["ein"] if count == 1 else _before_noun(count, code)), "tausend"]
        case "fr":
            return ["mille"] if count == 1 else [*_cardinal(count, code), "mille"]
        case "it":
            return ["mille"] if count == 1 else [*_cardinal(count, code), "mila"]
        case "es" | "pt":
            return ["mil"] if count == 1 else [*_before_noun(count, code), "mil"]
        case "nl":
            return ["duizend"] if count == 1 else [*_cardinal(count, code), "duizend"]
        case _:
            return [*_cardinal(count, code), "tusen"]


def _before_noun(count: int, code: str) -> list[str]:
    """German "eins" and Spanish "uno" lose their ends before a noun: "einundzwanzigtausend", "veintiún mil"."""
    words = _cardinal(count, code)
    shortened = {"eins": "ein", "uno": "un", "veintiuno": "veintiún"}
    return [*words[:-1], shortened.get(words[-1], words[-1])]


def _hundreds(value: int, code: str) -> list[str]:
    count, rest = divmod(value, 100)
    tail = _cardinal(rest, code) if rest else []
    unit = _UNITS[code].split()[count]
    match code:
        case "en":
            return [unit, "hundred", *tail]
        case "de":
            return ["ein" if count == 1 else unit, "hundert", *tail]
        case "fr":
            return [*([] if count == 1 else [unit]), "cent" if rest or count == 1 else "cents", *tail]
        case "it":
            return [*([] if count == 1 else [unit]), "cento", *tail]
        case "es":
            return ["cien" if value == 100 else _HUNDREDS_ES.split()[count - 1], *tail]
        case "pt":
            if value == 100:
                return ["cem"]
            return [_HUNDREDS_PT.split()[count - 1], *(["e", *tail] if tail else [])]
        case "nl":
            return [*([] if count == 1 else [unit]), "honderd", *tail]
        case _:
            return [unit, "hundra", *tail]


def _plain(code: str, joint: str = "") -> Callable[[int], list[str]]:
    """Tens, then units, perhaps with a word between them."""

    def words(value: int) -> list[str]:
        tens, unit = _TENS[code].split()[value // 10 - 2], value % 10
        return [tens, *([joint] if joint and unit else []), *([_UNITS[code].split()[unit]] if unit else [])]

    return words


def _units_first(code: str, joint: str, one: str) -> Callable[[int], list[str]]:
    """Units, "and", tens: "einundzwanzig"."""

    def words(value: int) -> list[str]:
        tens, unit = _TENS[code].split()[value // 10 - 2], value % 10
        return [tens] if not unit else [one if unit == 1 else _UNITS[code].split()[unit], joint, tens]

    return words


def _french(value: int) -> list[str]:
    """French counts by twenties from seventy on."""
    units, tens = _UNITS["fr"].split(), _TENS["fr"].split()
    if value >= 80:
        rest = value - 80
        return ["quatre", "vingt" if rest else "vingts", *(units[rest].split("-") if rest else [])]
    base = min(value // 10, 6)
    rest = value - 10 * base
    joint = ["et"] if rest in (1, 11) else []
    return [tens[base - 2], *joint, *(units[rest].split("-") if rest else [])]


def _italian(value: int) -> list[str]:
    """The tens lose their vowel before "uno" and "otto"."""
    tens, unit = _TENS["it"].split()[value // 10 - 2], value % 10
    if unit in (1, 8):
        return [tens[:-1] + _UNITS["it"].split()[unit]]
    return [tens, _UNITS["it"].split()[unit]] if unit else [tens]


def _spanish(value: int) -> list[str]:
    return [_TWENTIES_ES.split()[value - 20]] if value < 30 else _plain("es", "y")(value)


_BELOW_HUNDRED: dict[str, Callable[[int], list[str]]] = {
    "en": _plain("en"),
    "de": _units_first("de", "und", "ein"),
    "fr": _french,
    "it": _italian,
    "es": _spanish,
    "pt": _plain("pt", "e"),
    "nl": _units_first("nl", "en", "een"),
    "sv": _plain("sv"),
}
