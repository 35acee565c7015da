"""Split English words into syllables by rule; `data/english_words.txt` lists the words that the rules get wrong.

Nuclei are vowel groups, less the silent e's, plus the places where two vowels meet in hiatus; consonants between
nuclei go to the right as far as English words can begin with them (maximal onset, Kahn 1976), save that s parts from
a following stop, as singers' scores write it (sis-ter). Letters with diacritics count as their plain ones.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from importlib.resources import files
from itertools import pairwise


def _entries(name: str) -> list[str]:
    """The words of a data file; lines that begin with # are comments."""
    text = (files("bandmate_generate") / "data" / name).read_text(encoding="utf-8")
    return [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]


def _parse(entry: str) -> tuple[str, tuple[tuple[str, ...], int]]:
    """'be-'gin' → ('begin', (('be', 'gin'), 1)); an apostrophe elsewhere belongs to the word."""
    syllables = entry.split("-")
    stressed = next((index for index, part in enumerate(syllables) if part.startswith("'")), 0)
    clean = tuple(part.removeprefix("'").lower() for part in syllables)
    return "".join(clean), (clean, stressed)


_WORDS = dict(map(_parse, _entries("english_words.txt")))
"""Word → its syllables and the index of the stressed one."""
_FUNCTION_WORDS = frozenset(_entries("english_function_words.txt"))
_SECOND_WORDS = (
    "man",
    "men",
    "time",
    "times",
    "where",
    "thing",
    "day",
    "days",
    "night",
    "light",
    "lights",
    "like",
    "land",
)
"""What compounds of listed words end with: everytime, businessman."""
_MARKED = re.compile("[ëïèé]", re.IGNORECASE)
_VOWELS = frozenset("aeiouy")
_ONSETS = (
    "bl br ch cl cr dr dw fl fr gh gl gr gu kn ph pl pr qu sh sl sw th tr tw wh wr str spr scr spl thr shr sch chr phr "
    "squ"
)
_UNSPLIT_CLUSTERS = "ch gh ph sh th ck ng qu tch dg wh sch"
_SUFFIXES = (
    "lessness|lessly|fulness|liness|liest|lier|ments?|ness|less|ly|ful|fully|some|wards?|thing|"
    "times?|body|how|where|man|men|land|light|"
    "like|line|side|hood|bell|book|brows?|backs?|mail|wolf|marks?|stones?|stock|span|lets?|holders?|hand|days?|rooms?|field|teenth|"
    "berry|fish|way|ways|head|board|boards|work|works|town|ship|bound|proof|long|yard|keeper|makers?|maker|time|lands|lights|house|boat|song|folk"
)
_SILENT_INSIDE = re.compile(
    rf"(?<=[aeiouy][^aeiouy])e(?=(?:{_SUFFIXES})(?:ly|s)?$)"
    rf"|(?<=[aeiouy]th|[aeiouy]st|[aeiouy][nrlsp][cgsvz]|[aeiouy]dg)e(?=(?:{_SUFFIXES})(?:ly|s)?$)"
    r"|(?<=[aeiouy][^aeiouy])e(?=(?:out|over|off|one|up)s?$)"
    r"|(?<=[aeiouy][^aeiouy])e(?=s(?:man|men|person|people|woman|women)$)"
)
_COMPOUND_STARTS = (
    "bride care fire fore game grave here hide home horse house lake life like lime line live lone love make mine nose "
    "note one pine place race rose safe same shame shore side smoke snake some space stage state stone take thence "
    "there these time tide twice wave whence where whole wide wife wine wire wise bone cave cheese blue "
    "moose grease goose share score face come voice wave white whole were trade eye ice cake dance"
)
_SILENT_IN_COMPOUND = re.compile(
    rf"^(?:(?:{_COMPOUND_STARTS.replace(' ', '|')})(?!ver)(?=[^aeiouyrsdl][^aeiouy]*[aeiouy])"
    r"|(?:home|house|life|lime|stone|here|there|where|some|time|fire|like|love|wine|side|mile|wave|whole|eye|were)(?=[lrsd][^aeiouy]?[aeiouy]..)"
    r"|(?:here|there|where)(?=of|in|on|at|as|after|unto|upon|about))"
)
_JOINED_PREFIX = re.compile(
    r"^(?:co(?=op|or[dg]|ex|inc)|re(?=app|act|aff|arr|ass|awak|ech|elec|emb|ent|est|exa|inf|inv|inst|ite|orga|un|us[ei])"
    r"|pre(?=em|ex|oc)|be(?=ing|ati[ft])|who(?=[eis])|cre(?=at)|pro(?=act)|co(?=al[ei]|eff)|(?:radi|bi)o(?=act))"
)
"""Prefixes whose vowel stays apart from the next one."""
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
    return word.strip("'") in _FUNCTION_WORDS


def split_word(word: str) -> tuple[list[str], int]:
    """The syllables of a word as written, and the index of the stressed one; ([], 0) where none is found."""
    word = unicodedata.normalize("NFC", word)
    plain = strip_marks(word)
    letters = plain.replace("'", "")
    if not letters or not re.fullmatch(r"[a-z]+", letters):
        return [], 0
    parts, stressed = _known(plain, letters)
    if not parts or _MARKED.search(word):
        parts, stressed = _by_rule(plain, letters, frozenset(_marked(word)))
    return _as_written(word, parts), min(stressed, len(parts) - 1)


def _marked(word: str) -> Iterator[int]:
    """Indices, among the plain letters, of the vowels whose marks say that they are sung apart: savèd, Noël, café."""
    length = 0
    for index, character in enumerate(word):
        is_last = index + 1 == len(word)
        if character in "ëïËÏ" or (
            character in "èéÈÉ" and (is_last or word[index + 1 :].lower() in ("d", "s", "st", "th"))
        ):
            yield length
        length += len(strip_marks(character).replace("'", ""))


def _known(plain: str, letters: str) -> tuple[list[str], int]:
    """From the word list: the word itself, or a stem with a regular ending."""
    for form in (plain, letters):
        if form in _WORDS:
            return list(_WORDS[form][0]), _WORDS[form][1]
    for ending in ("'s", "s", "es", "d", "ed", "ing", "in'", "ly", "er", "ers", "est", "ness", "less", "ful"):
        if not plain.endswith(ending):
            continue
        base = plain.removesuffix(ending)
        for stem in (base, base + "e") if ending in ("ing", "in'", "er", "ers", "est") else (base,):
            if stem not in _WORDS or len(stem) < 3:
                continue
            parts, stressed = list(_WORDS[stem][0]), _WORDS[stem][1]
            if stem != base:
                parts[-1] = parts[-1].removesuffix("e")
            plain_ending = ending.replace("'", "")
            if not _adds_syllable(stem, ending):
                parts[-1] += plain_ending
            elif plain_ending == "d":
                parts = [*parts[:-1], parts[-1].removesuffix("e"), "ed"]
            else:
                parts.append(plain_ending)
            return parts, stressed
    for second in _SECOND_WORDS:
        base = plain.removesuffix(second)
        if base != plain and len(base) >= 4 and base in _WORDS:
            return [*_WORDS[base][0], second], _WORDS[base][1]
    return [], 0


def _adds_syllable(stem: str, ending: str) -> bool:
    if ending in ("'s", "s", "es"):
        return re.search(r"(?:s|x|z|sh|ch|[aeiou][cg]e|nce|nge|rce|rge|se|ze|dge)$", stem) is not None
    if ending in ("d", "ed"):
        return re.search(r"(?:t|d|te|de)$", stem) is not None
    return True


def _by_rule(plain: str, letters: str, marked: Collection[int] = ()) -> tuple[list[str], int]:
    nuclei = _nuclei(letters, marked)
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


def _nuclei(word: str, marked: Collection[int] = ()) -> list[tuple[int, int]]:
    """Ranges [start, end) of the letters that carry a syllable; each of the `marked` ones begins one."""
    silent = _silent_es(word).difference(marked)
    if word.endswith("ically") and len(word) > 7:
        silent.add(len(word) - 4)  # basic(al)ly
    nuclei: list[tuple[int, int]] = []
    index = 0
    while index < len(word):
        if index in silent or not _is_vowel(word, index):
            index += 1
            continue
        end = index + 1
        while end < len(word) and end not in silent and _is_vowel(word, end):
            if end in marked or _hiatus(word, index, end):
                break
            end += 1
        nuclei.append((index, end))
        index = end
    if re.search(r"(?:[^aeiouy]th|[^t]h[yt]th|rith|is|as|ys)ms?$", word):
        nuclei.append((len(word.rstrip("s")) - 1, len(word)))
    return nuclei


def _is_vowel(word: str, index: int) -> bool:
    letter = word[index]
    if letter not in _VOWELS:
        return False
    following = word[index + 1 : index + 2]
    before = word[index - 1 : index]
    if letter == "y":
        if before == "w" and index > 1 and following and following in "aeiou":
            return False  # lawyer
        if before == "n" and re.match(r"y(?:a|ans?|ons?)$", word[index:]):
            return False  # canyon, Kenya
        if word.startswith(("yard", "yond", "year", "your"), index):
            return False
        return not (
            following and following in "aeiou" and (index == 0 or before in _VOWELS or word[:index] in ("be", "un"))
        )
    if letter == "u" and following and following in "aeiouy":
        if word.startswith("guar", index - 1):
            return False
        return not (before == "q" or (before == "g" and (index == 1 or word[index - 2] == "n" or following in "ei")))
    return True


def _silent_es(word: str) -> set[int]:
    """Indices of the e's that are written and not sung."""
    silent = {match.start() for match in _SILENT_INSIDE.finditer(word)}
    if (compound := _SILENT_IN_COMPOUND.match(word)) and compound[0].endswith("e"):
        silent.add(compound.end() - 1)
    last = len(word) - 1
    if len(word) > 2 and word.endswith("e") and not _is_vowel(word, last - 1):
        after_consonant_l = word[-2] in "l" and word[-3] not in _VOWELS and word[-3] not in "lr"
        if not (after_consonant_l or word[-3:] in ("cre", "tre", "bre") or not _has_vowel(word[:-1])):
            silent.add(last)
    elif len(word) > 3 and word.endswith("es") and not _is_vowel(word, last - 2):
        stem = word[:-2]
        after_consonant_l = stem[-1] == "l" and stem[-2] not in _VOWELS and stem[-2] not in "lr"
        sibilant = stem.endswith(("s", "x", "z", "ch", "sh", "c", "g"))
        is_syllable = after_consonant_l or sibilant or stem.endswith(("cr", "tr", "br"))  # acres, metres
        if not is_syllable and _has_vowel(stem):
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
    if (prefix := _JOINED_PREFIX.match(word)) and index == prefix.end():
        return True
    if pair == "io" and re.match(r"ns?(?:al|ed|less|ing|ar|ary|ist)?(?:ly|s)?$|us(?:ly|ness)?$", rest):
        return before not in ("t", "s", "c", "g", "x", "n") and not (
            before == "l" and word[start - 2 : start - 1] == "l"
        )
    if pair in ("ou", "us") and word[start:index] in ("io", "eo"):
        return False
    if pair in ("ia", "ua") and re.match(r"t(?:e|es|ed|or|ors|ing|ion|ions|ive)(?:ly)?$|h|lity", rest):
        return True
    if pair == "ie" and re.match(r"n[tc]", rest):
        is_glide = before in tuple("tcnl") and _has_vowel(word[:start])
        return start >= 1 and (word.startswith("sci") or not (is_glide or before in tuple("tcf")))
    if pair == "ie" and re.match(r"t(?:$|s$|y|ies|al|ar|or|ed$|ing|ary)", rest):
        return before != "f"
    if index - start >= 2:
        return word[start:index] not in ("ea", "e", "q", "ie", "oy", "eau", "ei", "oo") or (
            pair in ("ie",) and rest in ("r", "st")
        )
    match pair:
        case "ia" if rest in ("", "s", "n", "ns", "m", "ms") and _joins_before_a(word, start):
            return False  # California, William
        case "iu" if before in ("l", "n") and start >= 2 and rest == "s":
            return False  # genius
        case "io" if rest.startswith("nair") or (before == "l" and start >= 3 and re.match(r"ns?$", rest)):
            return False  # millionaire, pavilion
        case "ia" if before == "s" and rest in ("", "n", "ns"):
            return False  # Asia
        case "ia" if re.match(r"s[mt]", rest):
            return True  # enthusiasm
        case "ia" if rest in ("ge", "ges", "r", "rs", "rly") and before in ("r", "l") and start >= 3:
            return before == "r" and rest.startswith("r")
        case "io" if rest in ("r", "rs", "ur", "urs"):
            return before not in ("v", "n")
        case "ia":
            return before not in tuple("tcsg") or start < 3
        case "io":
            return before not in tuple("tscgx") or not rest.startswith(("n", "us"))
        case "eo" if rest.startswith("us"):
            return before not in ("g", "c")
        case "eo":
            joined = re.search(r"peopl|leopard|jeopard|yeom|geor|geoff|seoul|(?:g|ch)eons?$", word)
            return not joined or rest in ("", "s")
        case "iu" | "uu":
            return True
        case "ei" if rest.startswith(("st", "sm")) and word.startswith(("thei", "athei"), max(0, start - 3)):
            return True
        case "ai" | "oi" if re.match(r"c(?:s|al|ally)?$", rest):
            return True  # archaic, heroic
        case "oi" if word.startswith("heroin"):
            return True
        case "oa" if rest in ("", "h", "hs"):
            return before not in ("h", "c")
        case "ea" if re.match(r"ns?$", rest):
            return before not in ("c", "l", "m", "b", "j", "d") and _has_vowel(word[:start])
        case "ea" if word.startswith("reali") or "theat" in word[max(0, start - 2) : index + 2] or "ereal" in word:
            return True
        case "ei":
            return rest in ("sm", "st", "sts", "stic", "ty", "ties") and before not in ("h", "w")
        case "ee":
            return rest == "st"
        case "ie" if rest in ("l", "ls"):
            return before in ("r", "n", "k") and start >= 3
        case "ie":
            long_enough = (
                _has_vowel(word[:start]) if rest in ("r", "rs", "st") else start >= 2 and before not in tuple("fptc")
            )
            return rest in ("r", "rs", "st", "nce", "nt", "ty") and long_enough
        case "ua":
            return (
                rest == ""
                or rest.startswith(("l", "te", "r"))
                or (before == "g" and rest.startswith("bl"))
                or (rest in ("nt", "nts") and before == "r")
            )
        case "ue":
            return rest in ("l", "ls", "nt", "nce") and before not in tuple("gq")
        case "uo":
            return rest.startswith("us")
        case "eu":
            return rest in ("m", "s") and len(word) > 5
        case "ya" | "yi" | "yo" | "ye" | "ao":
            return pair != "ye" or rest != ""
        case "oe":
            return rest in ("m", "t", "ms", "ts", "try", "l", "ls", "ver") or word.startswith("poet")
        case "ea":
            return rest.startswith(("te", "ti", "to")) and word[max(0, start - 2) : start] == "cr"
        case "ii" | "ui":
            apart = rest.startswith(("ty", "n", "tion", "tiv", "cid"))
            apart = apart or (rest.startswith("d") and before in ("l", "r"))
            is_vowel = before not in tuple("gq") or rest.startswith("ty")
            return pair == "ii" or (apart and is_vowel and rest != "nt")
        case _:
            return False


def _joins_before_a(word: str, start: int) -> bool:
    """Whether the i before an a is no syllable: after l, and in -rnia and -ginia."""
    return start >= 3 and (word[start - 1] == "l" or word[:start].endswith(("rn", "gin")))


def _contraction(plain: str, letters: str, nuclei: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A syllable more for didn't, it'll, could've, rose's."""
    end = len(letters)
    if plain.endswith("ren't"):
        return [(a, b) for a, b in nuclei if a != end - 3]
    if (plain.endswith("n't") and letters[-3] in "ds") or plain.endswith("stn't"):
        return [*nuclei, (end - 2, end)]
    if plain.endswith(("'ll", "'ve", "'d")) and plain[plain.rindex("'") - 1] not in "aeiouy":
        tail = len(plain) - plain.rindex("'") - 1
        nuclei_before = [(a, b) for a, b in nuclei if a < end - tail]
        if not plain.endswith("'d") or plain[-3:-2] in ("t", "d"):
            return [*nuclei_before, (end - tail, end)]
        return nuclei_before
    if plain.endswith("'s") and plain[:-2].endswith(("s", "x", "z", "ch", "sh", "ce", "ge", "se", "ze")):
        silent_e = plain[-3] == "e"
        nuclei_before = [(a, b) for a, b in nuclei if a < end - 2]
        return [*nuclei_before, (end - 2 if silent_e else end - 1, end)]
    return nuclei


def _boundary(word: str, left_end: int, right_start: int) -> int:
    """Where the consonants word[left_end:right_start] part."""
    cluster = word[left_end:right_start]
    cluster_start = left_end
    while cluster.startswith("e") and cluster:
        cluster, cluster_start = cluster[1:], cluster_start + 1
    if "e" in cluster:
        behind = cluster_start + cluster.rindex("e") + 1
        return behind + (re.fullmatch(r"s(?:man|men|person|people|woman|women)", word[behind:]) is not None)
    if not cluster or word[right_start] not in _VOWELS:  # did-n't, rhyth-m
        return right_start
    for cut in range(cluster_start, right_start + 1):
        if re.fullmatch(_SUFFIXES, word[cut:]):
            return cut
    if cluster in ("x", "ck", "ng") or (
        word[right_start:] in ("ing", "ings") and (len(cluster) == 1 or cluster in _UNSPLIT_CLUSTERS.split())
    ):
        return right_start
    if re.fullmatch(r"[^lr]l", cluster[-2:]) and word[right_start:] in ("e", "es", "ed"):
        return right_start - 2
    if len(cluster) == 1 or cluster in _UNSPLIT_CLUSTERS.split():
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
