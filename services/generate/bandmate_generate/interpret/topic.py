"""What the words of the song are to be about: 'about rain', 'über das Meer', 'sur la pluie'."""

from bandmate_generate.interpret.sentence import Sentence

_FIELD_KINDS = ("instrument", "style", "mood", "tempo", "tempo-number", "mode", "voice", "bpm", "section", "wordless")
_PREPOSITIONS = ("with", "for", "in", "at", "no", "only")
_POLITE = frozenset({"please", "bitte", "thanks"})
_SUNG = ("sung", "gesungen", "chante", "cantad")
_CLAUSES = frozenset({"that's", "that", "which", "but", "please", "make"})
_COPULAS = frozenset({"is", "sounds", "should", "has", "it", "make", "please", "with", "no", "not", "feels"})


def read_topic(sentence: Sentence) -> str | None:
    """The topic as it stands in the sentence, taken as `about`."""
    for index in range(len(sentence)):
        if not sentence.has(index, "topic"):
            continue
        end = index + 1
        while end < len(sentence) and not _ends(sentence, end):
            end += 1
        last = end
        while last > index + 1 and (sentence.has(last - 1, "and", "with", "in") or sentence.plain(last - 1) in _POLITE):
            last -= 1
        if last == index + 1:
            continue
        topic = sentence.between(index + 1, last)
        sentence.take(range(index, last), "about")
        return topic
    return None


def _ends(sentence: Sentence, index: int) -> bool:
    """Whether the topic ends before that item: a mark, what another field has taken, or a phrase for another field."""
    if sentence.is_mark(index) or not sentence.is_free(index):
        return True
    if sentence.plain(index).startswith(_SUNG) and sentence.has(index, "voice", "sing"):
        return True
    if sentence.plain(index) in _CLAUSES and sentence.plain(index + 1) in _COPULAS:
        return True
    if not sentence.has(index, *_PREPOSITIONS):
        return False
    after = index + 1
    while sentence.has(after, "filler", "number", "very", "rather", "too", "no") and not sentence.has(
        after, *_FIELD_KINDS
    ):
        after += 1
    return sentence.has(after, *_FIELD_KINDS) or (after < len(sentence) and not sentence.is_free(after))
