"""Which syllables of English words are stressed, by a short list of weak words, prefixes and endings."""

import re

_WEAK_TEXT = """
a an the and or nor but if as at by for from in into of off on onto per than that to up upon via with without i me my
we us our you your ye he him his she her it its they them their thy thee thou who whom whose which what am is are was
were be been being do does did has have had can could will would shall should may might must not no so too then there
when where while till until though yet just some such o oh i'm i'll i've i'd we're we'll we've you're you'll you've he's
she's it's they're that's there's what's who's don't can't won't isn't 'tis 'twas de la le et ad
"""
WEAK_WORDS = frozenset(_WEAK_TEXT.split())
"""One-syllable words that speech passes over: articles, pronouns, prepositions, auxiliaries."""

_PREFIX_TEXT = """
a ac ad af al ap ar as at ag an be com con cor de des di dis e em en ex for fore im in ma mis o ob per po pre pro re se
sub sup sur to trans un
"""
_PREFIXES = frozenset(_PREFIX_TEXT.split())
"""First syllables that are weak as a rule."""
_FIRST_STRESSED_TEXT = """
able action actor adder after age alley also always amber anchor ancient angel anger angle anguish answer anthem any
apple area argue army arrow ashes atom autumn awful beauty better comfort come common compass concert constant contact
convent danger daring daughter deep desert devil distant early easy echo edge ember empty enter entrance envy equal
even ever every evil exile export extra forest former fortune fortress forty forward index infant inner insect inside
instant into inward island issue make many maple mary master matter maybe object ocean offer office often old only
open orange orchard order other over perfect perish permit person poem poet pony power pocket precious preface
presence present process product progress promise proper prophet proverb reading ready really reason rebel record
regal region relic rescue resting restless second secret seldom sermon seven several subject sudden summer summit
supper surface today's token total toward tower under uncle upper
"""
_FIRST_STRESSED = frozenset(_FIRST_STRESSED_TEXT.split())
"""Words that begin as if with such a syllable, and are stressed on it; with endings (-s, -ed, -ing) as well."""
_LAST_STRESSED = frozenset(
    ("within", "without", "upon", "until", "throughout", "although", "hello", "unite", "machine", "guitar")
)
_ENDINGS = re.compile(r"('s|s|ed|d|ing|er|est|eth|es)$")
_LAST_BUT_ONE = re.compile(r"(tion|sion|ic|ics|cian|cial|tial|cious|tious|geous|gious)s?$")
_LAST_BUT_TWO = re.compile(r"(ity|ety|ical|ify|ogy|graphy|ious|eous|ual|ian|ia)s?$")
_LAST = re.compile(r"(self|selves|teen|ee|eer|ette)$")


def stressed_syllables(syllables: list[str]) -> list[bool]:
    """Whether each syllable of one word is stressed. One-syllable words are, unless they are on the list of weak words.

    >>> stressed_syllables(["riv", "er"]), stressed_syllables(["a", "way"]), stressed_syllables(["the"])
    ([True, False], [False, True], [False])
    """
    parts = [_letters(part) for part in syllables]
    word = "".join(parts)
    if len(parts) == 1:
        return [word not in WEAK_WORDS]
    stressed = _main_stress(word, parts)
    return [index == stressed for index in range(len(parts))]


def _main_stress(word: str, parts: list[str]) -> int:
    last = len(parts) - 1
    if _LAST.search(word) or word in _LAST_STRESSED:
        return last
    if last >= 2 and _LAST_BUT_TWO.search(word):
        return last - 2
    if _LAST_BUT_ONE.search(word):
        return last - 1
    stem = _ENDINGS.sub("", word)
    if parts[0] in _PREFIXES and _FIRST_STRESSED.isdisjoint((word, stem, f"{stem}e", _ENDINGS.sub("", stem))):
        return 1
    return 0


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower().replace("’", "'") if letter.isalpha() or letter == "'").strip("'")
