"""Split words into syllables in the languages that are sung, and find the stressed one, by each language's rules.

A nucleus is a vowel, or two that the language reads as one (a diphthong or a digraph). Of the consonants between two
nuclei as many go to the right as a word of the language can begin with (maximal onset). English has rules of its own
(`syllables`), because its spelling does not tell its syllables.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from bandmate_generate.lyrics.syllables import split_word

_NO_CONSONANTS = re.compile("[aeiouyáéíóúàèìòùäöüâêîôûåæøœãõ'-]")
_VOWELS = "aeiouyäöüåæøœáàâãéèêëíìîïóòôõúùûÿý"
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})


@dataclass(frozen=True, slots=True)
class _Language:
    """`joined`: vowels read as one nucleus, longest first. `onsets`: what a syllable can begin with, beside one letter.

    `glides`: patterns of letters that are written as vowels and are none. `silent`: what is written and not sung.
    """

    joined: tuple[str, ...]
    onsets: frozenset[str]
    glides: re.Pattern[str] | None = None
    silent: re.Pattern[str] | None = None
    prefixes: re.Pattern[str] | None = None
    """Beginnings that a syllable ends with, whatever follows."""
    apart: re.Pattern[str] | None = None
    """Vowels that the next one is not joined to, against the rule."""


_ITALIAN_STRESSED_I = (
    "poes fantas gelos cortes bug mag nostalg energ strateg foll allegr armon sinfon malincon compagn agon mar batter "
    "galler farmac [a-z]+log [a-z]+graf [a-z]+sof [a-z]+craz man simpat antipat signor cavaller oster prater trattor "
    "librer epidem econom anatom accadem melod parod rapsod profez garanz add obl des nat rest ronz mormor brus "
    "pend legg"
)
"""Before an i that is stressed and parts from the last vowel: poesia, addio."""
_ROMANCE_ONSETS = "bl br ch cl cr dr fl fr gl gr pl pr tr vr qu gu ph th"
_GERMANIC_ONSETS = (
    "bl br ch cl cr dr fl fr gl gr kl kn kr pf pfl pfr ph pl pr qu sch schl schm schn schr schw sk sl sm sn sp "
    "spl spr st str th tr tw vr wr zw"
)


def _joined(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _onsets(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LANGUAGES = {
    "de": _Language(
        _joined("aa ai au ay ee ei eu ey ie oo oi ou äu"),
        _onsets(_GERMANIC_ONSETS + " ck"),
        glides=re.compile(r"(?<=q)u|^y(?=[aeiou])|i(?=on(?:en)?$)"),
        prefixes=re.compile(
            r"^(?:be|ge|er|ver|zer|ent|un|ur|auf|aus|an|ein|vor|über|unter|hin|her|mit|nach|weg|zu)"
            r"(?=[^aeiouyäöü]+[aeiouyäöü])"
        ),
    ),
    "nl": _Language(
        _joined("aai ooi oei eeu ieu aa ae ai au ee ei eu ie ij oe oi oo ou ui uu"),
        _onsets(_GERMANIC_ONSETS.replace("sch", "sch schr")),
        glides=re.compile(r"(?<=q)u|^y(?=[aeiou])"),
        prefixes=re.compile(r"^(?:be|ge|ver|her|ont|on|uit|aan|op|af|in|mis)(?=[^aeiouy]+[aeiouy])"),
    ),
    "sv": _Language(
        _joined("au eu ey"),
        _onsets(
            "bl br bj dr fj fl fr gl gr kl kn kr kv lj mj pl pr sk skr sj skj sl sm sn sp spr st str sv tj tr tv vr stj"
        ),
        glides=re.compile(r"(?<=q)u"),
    ),
    "fr": _Language(
        _joined("ieu yeu eau oeu œu aie oui ai au ay ei eu ey oi ou oy œ ie ui ue ée oe io ia iè ié oû aî où"),
        _onsets(_ROMANCE_ONSETS + " gn"),
        glides=re.compile(
            r"(?<=[qg])u(?=[eiéèêaoy'])|(?<=[aeou])y(?=[aeiouéèê])|^y(?=[aeiou])|(?<=[aeou])i(?=ll|ls?$)"
        ),
        silent=re.compile(r"(?:(?<=[aeioéèêîûyï])|(?<=[^qg]u))e(?=s?$|nt$)"),
    ),
    "it": _Language(
        _joined("iuo uoi iei ai au ei eu oi ia ie io iu ua ue ui uo iò iù ià iè uò uà uè già giò"),
        _onsets(
            _ROMANCE_ONSETS.replace("gu ", "")
            + " gn sb sc sch sd sf sg sl sm sn sp st sv sbr scr sdr sgr spl spr str sfr"
        ),
        glides=re.compile(r"(?<=q)u|(?<=[cg])i(?=[aeou])|(?<=sc)i(?=[aeou])|(?<=gl)i(?=[aeou])|^i(?=[aeou])"),
        apart=re.compile(
            rf"(?:(?<=^p)a(?=ur)|(?<=^imp)a(?=ur)|^(?:{_ITALIAN_STRESSED_I.replace(' ', '|')})i(?=[aeo]$))"
        ),
    ),
    "es": _Language(
        _joined(
            "iai iei uai uei ai "
            "au ei eu oi ou ia ie io iu ua ue ui uo ay ey oy uy ái éi ói áu éu iá ié ió uá ué uó üe üi"
        ),
        _onsets(_ROMANCE_ONSETS + " ll rr"),
        glides=re.compile(
            r"(?<=[qg])u(?=[eiéí])|^y(?=[aeiouáéíóú])|(?<=[aeiouáéíóú])y(?=[aeiouáéíóú])|^h?(?:i|u)(?=e)"
        ),
    ),
    "pt": _Language(
        _joined("ao ão ãe õe ãi ai au ei eu iu oi ou ui éi éu ói uai uei ua uo ie"),
        _onsets(_ROMANCE_ONSETS + " lh nh"),
        glides=re.compile(r"(?<=[qg])u(?=[eiéíêaãoá'])"),
    ),
}


def split_in(word: str, language: str) -> tuple[list[str], int]:
    """The syllables of a word as written, and the index of the stressed one; ([], 0) where none is found.

    `language`: a code ("de"); one without rules here is split as English.
    """
    rules = _LANGUAGES.get(language)
    if rules is None:
        return split_word(word)
    written = unicodedata.normalize("NFC", word).translate(_APOSTROPHES)
    plain = written.lower()
    if not re.search(r"[^\W\d_]", plain):
        return [], 0
    nuclei = _nuclei(plain, rules)
    if not nuclei:
        return [written], 0
    cuts = [_boundary(plain, left_end, right_start, rules) for (_, left_end), (right_start, _) in pairwise(nuclei)]
    if rules.prefixes and cuts and (prefix := rules.prefixes.match(plain)):
        first = prefix.end()
        if cuts[0] != first and nuclei[0][1] <= first <= nuclei[1][0]:
            cuts[0] = first
    parts = [written[start:end] for start, end in pairwise([0, *cuts, len(written)])]
    return parts, min(_stressed(plain, [part.lower() for part in parts], language), len(parts) - 1)


def _nuclei(word: str, rules: _Language) -> list[tuple[int, int]]:
    """Ranges [start, end) of the letters that carry a syllable."""
    glides = {match.start() for match in rules.glides.finditer(word)} if rules.glides else set()
    silent = {match.start() for match in rules.silent.finditer(word)} if rules.silent else set()
    apart = {match.end() - 1 for match in rules.apart.finditer(word)} if rules.apart else set()
    glides -= apart
    nuclei: list[tuple[int, int]] = []
    index = 0
    while index < len(word):
        if word[index] not in _VOWELS or index in glides or index in silent:
            index += 1
            continue
        joined = next((two for two in rules.joined if word.startswith(two, index)), word[index])
        end = index + (1 if index in apart else len(joined))
        while end > index + 1 and any(place in silent or place in glides for place in range(index + 1, end)):
            end -= 1
        nuclei.append((index, end))
        index = end
    return nuclei


def _boundary(word: str, left_end: int, right_start: int, rules: _Language) -> int:
    """Where the letters between two nuclei part."""
    for start in range(left_end, right_start):
        if word[start - 1 : start + 1] == "ck":
            continue
        consonants = _NO_CONSONANTS.sub("", word[start:right_start])
        if len(consonants) <= 1 or consonants in rules.onsets:
            return start
    return right_start


_UNSTRESSED_PREFIXES = {
    "de": ("be", "ge", "er", "ver", "zer", "ent"),
    "nl": ("be", "ge", "ver", "her", "ont"),
}


def _stressed(word: str, parts: list[str], language: str) -> int:
    """By rule: accents where they are written; else the last (French), the last but one, or the first syllable."""
    count = len(parts)
    if language in ("de", "nl", "sv"):
        weak = parts[0] in _UNSTRESSED_PREFIXES.get(language, ()) and count > 1
        return int(weak and (count > 2 or re.fullmatch(r"[^aeiouyäöü]*e(?:[nrlmst]|rn|ln)?", parts[1]) is None))
    if language == "fr":
        return count - 2 if count > 1 and re.search(r"[^aeiouyéèê]e(?:s|nt)?$", word) else count - 1
    accented = "áéíóú" if language == "es" else "àèéìòù" if language == "it" else "áéíóúâêôãõ"
    for index in range(count - 1, -1, -1):
        if any(letter in accented for letter in parts[index]):
            return index
    ends = {"es": r"[aeiou](?:s|n)?$", "it": r"[aeiou]$", "pt": r"(?:[aeo]s?|[ae]m|ens)$"}[language]
    return max(0, count - 2) if re.search(ends, word) else count - 1
