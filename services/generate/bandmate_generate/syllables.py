"""English words to syllables, by rule, with the words that mislead the rules in `english_words.py`.

Nuclei are vowel groups, less the silent e's, plus the places where two vowels meet in hiatus; consonants between
nuclei go to the right as far as English words can begin with them (maximal onset, Kahn 1976), save that s parts from
a following stop, as singers' scores write it (sis-ter). Letters with diacritics count as their plain ones.
"""

import re
import unicodedata
from itertools import pairwise

from bandmate_generate.english_words import FUNCTION_WORDS, WORDS

_VOWELS = frozenset("aeiouy")
_ONSETS = (
    "bl br ch cl cr dr dw fl fr gh gl gr kn ph pl pr qu sh sl sw th tr tw wh wr str spr scr spl thr shr sch chr phr squ"
)
_KEPT = "ch gh ph sh th ck ng qu tch dg wh sch"
_SUFFIXES = (
    "lessness|fulness|liness|ments?|ness|less|ly|ful|fully|some|wards?|thing|times?|body|how|where|man|men|land|light|"
    "like|line|side|work|works|town|ship|bound|proof|long|yard|keeper|makers?|maker|time|lands|lights|house|boat|song|folk"
)
_SILENT_INSIDE = re.compile(
    rf"(?<=[aeiouy][^aeiouy])e(?=(?:{_SUFFIXES})$)|(?<=[aeiouy]th|[aeiouy]st|[aeiouy]ng)e(?=(?:{_SUFFIXES})$)"
)
_WEAK_PREFIXES = "be de re ex en em un ad ac ab com con dis mis for pre pro per sub sur trans"
_STRESS_BEFORE = re.compile(
    r"(?:[tscg]ions?|[tsc]ial(?:ly)?|[tscgx]ious(?:ly)?|[aeiou]?ic|ical(?:ly)?|ity|ities|ian|ians|ious|eous|ual|"
    r"logy|graphy|nomy|ience|iance)$"
)


def strip_marks(word: str) -> str:
    """Lower case, with straight apostrophes and without diacritics: 'Café’s' → "cafe's"."""
    decomposed = unicodedata.normalize("NFD", word.replace("’", "'").lower())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return plain.replace("æ", "ae").replace("œ", "oe").replace("ø", "o").replace("ß", "ss")


def is_function_word(word: str) -> bool:
    """Whether a word of one syllable is usually weak: articles, prepositions, pronouns, auxiliaries."""
    return word.strip("'") in FUNCTION_WORDS


def split_word(word: str) -> tuple[list[str], int]:
    """The syllables of a word as written, and the index of the stressed one; ([], 0) where none is found."""
    word = unicodedata.normalize("NFC", word)
    plain = strip_marks(word)
    letters = plain.replace("'", "")
    if not letters or not re.fullmatch(r"[a-z]+", letters):
        return [], 0
    parts, stressed = _known(plain, letters)
    if not parts:
        parts, stressed = _by_rule(plain, letters)
    return _as_written(word, parts), min(stressed, len(parts) - 1)


def _known(plain: str, letters: str) -> tuple[list[str], int]:
    """From the word list: the word itself, or a stem with a regular ending."""
    for form in (plain, letters):
        if form in WORDS:
            return list(WORDS[form][0]), WORDS[form][1]
    for ending in ("'s", "s", "es", "d", "ed", "ing", "in'", "ly", "er", "ers", "est", "ness", "less", "ful"):
        if not plain.endswith(ending):
            continue
        base = plain.removesuffix(ending)
        for stem in (base, base + "e") if ending in ("ing", "in'", "er", "ers", "est") else (base,):
            if stem not in WORDS or len(stem) < 3:
                continue
            parts, stressed = list(WORDS[stem][0]), WORDS[stem][1]
            if stem != base:
                parts[-1] = parts[-1].removesuffix("e")
            spoken = ending.replace("'", "")
            if not _adds_syllable(stem, ending):
                parts[-1] += spoken
            elif parts[-1][-1:] not in _VOWELS and ending[0] in "ei" and len(parts[-1]) > 1:
                onset = 2 if parts[-1][-2:] in ("th", "sh", "ch") else 1
                parts[-1], tail = parts[-1][:-onset], parts[-1][-onset:] + spoken
                parts = (
                    [*parts, tail]
                    if any(letter in _VOWELS for letter in parts[-1])
                    else [*parts[:-1], parts[-1] + tail]
                )
            else:
                parts.append(spoken)
            return parts, stressed
    return [], 0


def _adds_syllable(stem: str, ending: str) -> bool:
    if ending in ("'s", "s", "es"):
        return re.search(r"(?:s|x|z|sh|ch|[aeiou][cg]e|nce|nge|rce|rge|se|ze|dge)$", stem) is not None
    if ending in ("d", "ed"):
        return re.search(r"(?:t|d|te|de)$", stem) is not None
    return True


def _by_rule(plain: str, letters: str) -> tuple[list[str], int]:
    nuclei = _nuclei(letters)
    nuclei = _contraction(plain, letters, nuclei)
    if not nuclei:
        return [letters], 0
    parts, start = [], 0
    for (_, left_end), (right_start, _) in pairwise(nuclei):
        cut = _boundary(letters, left_end, right_start)
        parts.append(letters[start:cut])
        start = cut
    parts.append(letters[start:])
    return parts, _stressed(letters, parts)


def _nuclei(word: str) -> list[tuple[int, int]]:
    """Ranges [start, end) of the letters that carry a syllable."""
    silent = _silent(word)
    nuclei: list[tuple[int, int]] = []
    index = 0
    while index < len(word):
        if index in silent or not _is_vowel(word, index):
            index += 1
            continue
        end = index + 1
        while end < len(word) and end not in silent and _is_vowel(word, end) and not _hiatus(word, index, end):
            end += 1
        nuclei.append((index, end))
        index = end
    if re.search(r"(?:[^aeiouy]th|[^t]h[yt]th|is|as|ys)ms?$", word):
        nuclei.append((len(word.rstrip("s")) - 1, len(word)))
    return nuclei


def _is_vowel(word: str, index: int) -> bool:
    letter = word[index]
    if letter not in _VOWELS:
        return False
    following = word[index + 1 : index + 2]
    before = word[index - 1 : index]
    if letter == "y":
        return not (
            following and following in "aeiou" and (index == 0 or before in _VOWELS or word[:index] in ("be", "un"))
        )
    if letter == "u" and following and following in "aeiouy":
        return not (before == "q" or (before == "g" and (index == 1 or word[index - 2] == "n" or following in "ei")))
    return True


def _silent(word: str) -> set[int]:
    """Indices of the e's that are written and not sung."""
    silent = {match.start() for match in _SILENT_INSIDE.finditer(word)}
    last = len(word) - 1
    if len(word) > 2 and word.endswith("e") and not _is_vowel(word, last - 1):
        after_consonant_l = word[-2] in "l" and word[-3] not in _VOWELS and word[-3] not in "lr"
        if not (after_consonant_l or word[-3:] in ("cre", "tre", "bre") or not _has_vowel(word[:-1])):
            silent.add(last)
    elif len(word) > 3 and word.endswith("es") and not _is_vowel(word, last - 2):
        stem = word[:-2]
        after_consonant_l = stem[-1] == "l" and stem[-2] not in _VOWELS and stem[-2] not in "lr"
        sibilant = stem.endswith(("s", "x", "z", "ch", "sh", "c", "g"))
        if not (after_consonant_l or sibilant) and _has_vowel(stem):
            silent.add(last - 1)
    elif len(word) > 3 and word.endswith("ed") and not _is_vowel(word, last - 2):
        stem = word[:-2]
        if stem[-1] not in "td" and _has_vowel(stem):
            after_consonant_l = stem[-1] == "l" and len(stem) > 2 and stem[-2] not in _VOWELS and stem[-2] not in "lr"
            if not after_consonant_l:
                silent.add(last - 1)
    return silent


def _has_vowel(text: str) -> bool:
    return any(_is_vowel(text, index) for index in range(len(text)))


def _hiatus(word: str, start: int, index: int) -> bool:
    """Whether the vowel at `index` begins a syllable of its own after the vowels from `start`."""
    pair, rest, before = word[index - 1 : index + 1], word[index + 1 :], word[max(0, start - 1) : start]
    if (
        word[index:] in ("ing", "ings", "in", "ingly")
        and index - start >= 1
        and not (word[index:] == "in" and pair in ("ai", "oi", "ei"))
    ):
        return True
    if word.endswith(("tion", "tions")) and rest in ("n", "ns"):
        return False
    if index - start >= 2:
        return word[start:index] not in ("ea", "e", "q", "ie", "oy", "eau", "ei", "oo") or (
            pair in ("ie",) and rest in ("r", "st")
        )
    match pair:
        case "ia":
            return before not in tuple("tcsg") or start < 3
        case "io":
            return before not in tuple("tscgx") or not rest.startswith(("n", "us"))
        case "iu" | "uu" | "eo" if pair != "eo" or start == len(word) - 2:
            return True
        case "ie":
            long_enough = (
                _has_vowel(word[:start]) if rest in ("r", "rs", "st") else start >= 2 and before not in tuple("fptc")
            )
            return rest in ("r", "rs", "st", "nce", "nt", "ty") and long_enough
        case "ua":
            return rest.startswith(("l", "te", "r"))
        case "ue":
            return rest in ("l", "ls", "nt", "nce") and before not in tuple("gq")
        case "uo":
            return rest.startswith("us")
        case "eu":
            return rest in ("m", "s") and len(word) > 5
        case "ya" | "yi" | "yo" | "ye" | "ao":
            return pair != "ye" or rest != ""
        case "oe":
            return rest in ("m", "t", "ms", "ts", "try")
        case "ea":
            return rest.startswith(("te", "ti", "to")) and before == "r"
        case "ii" | "ui":
            return pair == "ii" or (rest.startswith(("ty", "n")) and before not in tuple("gqr"))
        case _:
            return False


def _contraction(plain: str, letters: str, nuclei: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A syllable more for didn't, it'll, could've, rose's."""
    end = len(letters)
    if (plain.endswith("n't") and letters[-3] in "ds") or plain.endswith("stn't"):
        return [*nuclei, (end - 2, end)]
    if plain.endswith(("'ll", "'ve", "'d")) and plain[plain.rindex("'") - 1] not in "aeiouy":
        tail = len(plain) - plain.rindex("'") - 1
        kept = [(a, b) for a, b in nuclei if a < end - tail]
        if not plain.endswith("'d") or plain[-3] in "td":
            return [*kept, (end - tail, end)]
        return kept
    if plain.endswith("'s") and plain[:-2].endswith(("s", "x", "z", "ch", "sh", "ce", "ge", "se", "ze")):
        silent_e = plain[-3] == "e"
        kept = [(a, b) for a, b in nuclei if a < end - 2]
        return [*kept, (end - 2 if silent_e else end - 1, end)]
    return nuclei


def _boundary(word: str, left_end: int, right_start: int) -> int:
    """Where the consonants word[left_end:right_start] part."""
    cluster = word[left_end:right_start]
    cluster_start = left_end
    while cluster.startswith("e") and cluster:
        cluster, cluster_start = cluster[1:], cluster_start + 1
    if "e" in cluster:
        return cluster_start + cluster.rindex("e") + 1
    if not cluster or word[right_start] not in _VOWELS:  # did-n't, rhyth-m
        return right_start
    for cut in range(cluster_start, right_start + 1):
        if re.fullmatch(_SUFFIXES, word[cut:]):
            return cut
    if cluster in ("x", "ck", "ng") or (
        word[right_start:] in ("ing", "ings") and (len(cluster) == 1 or cluster in _KEPT.split())
    ):
        return right_start
    if re.fullmatch(r"[^lr]l", cluster[-2:]) and word[right_start:] in ("e", "es", "ed"):
        return right_start - 2
    if len(cluster) == 1 or cluster in _KEPT.split():
        return cluster_start
    for take in (3, 2):
        if cluster[-take:] in _ONSETS.split() and (len(cluster) > take or take == 2):
            return right_start - take
    return right_start - 1


def _stressed(word: str, parts: list[str]) -> int:
    count = len(parts)
    if count == 1:
        return 0
    match = _STRESS_BEFORE.search(word)
    if match and count > 1:
        length = 0
        for index, part in enumerate(parts):
            length += len(part)
            if length > match.start():
                before = index - 1 if match.start() < length - len(part) + 2 or len(match[0]) > 3 else index
                return max(0, min(before, count - 2))
    if count == 2 and (parts[0] in _WEAK_PREFIXES.split() or re.search(r"(?:ee|oon|ette|ade|esque)$", word)):
        return 1
    if count >= 3 and parts[0] in _WEAK_PREFIXES.split():
        return 1
    return 0


def _as_written(word: str, parts: list[str]) -> list[str]:
    """Cut the word as written (capitals, apostrophes, diacritics) where its plain letters were cut."""
    lengths = [len(part) for part in parts]
    written: list[str] = []
    current, letters, target = "", 0, lengths[0]
    for character in word:
        size = len(strip_marks(character).replace("'", ""))
        if letters >= target and size and len(written) < len(parts) - 1:
            written.append(current)
            current = ""
            target += lengths[len(written)]
        current += character
        letters += size
    return [*written, current]
