"""How loudly and fully each section is played, from 0 to 1.

The order of the values (intro below verse below pre-chorus below chorus, the last chorus highest) is that of popular
songs; the values themselves are chosen, since the annotated songs tell chords and not loudness.
"""

from collections import Counter
from collections.abc import Sequence

from bandmate_generate.form.draft import SectionDraft

_BY_NAME = {
    "intro": 0.4,
    "pre-chorus": 0.65,
    "chorus": 0.85,
    "post-chorus": 0.8,
    "bridge": 0.55,
    "solo": 0.75,
    "interlude": 0.5,
    "outro": 0.5,
}
_FIRST_VERSE, _LATER_VERSE = 0.45, 0.55
_LAST_CHORUS = 1.0
_BY_LETTER = {"A": 0.5, "B": 0.65, "C": 0.75, "D": 0.6}
_RETURN, _LAST_RETURN = 0.08, 0.2


def energies(drafts: Sequence[SectionDraft]) -> list[float]:
    """The energy of each section.

    Verses rise a little; without choruses they rise evenly to the last one, as stanzas of a hymn do. The last chorus of
    two or more is the highest point. Sections called by letters rise with each return.
    """
    names = Counter(draft.name for draft in drafts)
    seen: Counter[str] = Counter()
    values = []
    for draft in drafts:
        seen[draft.name] += 1
        values.append(_energy(draft.name, seen[draft.name], names))
    return values


def _energy(name: str, number: int, names: Counter[str]) -> float:
    is_last = number == names[name] > 1
    if name == "chorus":
        return _LAST_CHORUS if is_last else _BY_NAME[name]
    if name == "verse":
        if names["chorus"]:
            return _FIRST_VERSE if number == 1 else _LATER_VERSE
        if names[name] == 1:
            return 0.6
        return round(_FIRST_VERSE + 0.45 * (number - 1) / (names[name] - 1), 2)
    if name in _BY_NAME:
        return _BY_NAME[name]
    value = _BY_LETTER.get(name, 0.65) + (_LAST_RETURN if is_last else _RETURN * min(number - 1, 2))
    return round(value, 2)
