"""Chord symbols as MusicXML <harmony> elements, and back. Source: W3C MusicXML 4.0, harmony, kind-value and degree."""

from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from bandmate_music.marks import MAX_CHORD_CHARACTERS
from bandmate_music.theory.chord_symbols import ALTERED, SHAPES, BadChord, split_symbol

_KINDS_TEXT = """
major: major  m: minor  dim: diminished  aug: augmented  5: power  sus4: suspended-fourth  sus2: suspended-second
6: major-sixth  m6: minor-sixth  69: major-sixth+9  m69: minor-sixth+9  7: dominant  maj7: major-seventh
m7: minor-seventh  mmaj7: major-minor  dim7: diminished-seventh  m7b5: half-diminished  aug7: augmented-seventh
augmaj7: augmented+#7  7sus4: suspended-fourth+7  7sus2: suspended-second+7  9sus4: suspended-fourth+7+9
13sus4: suspended-fourth+7+9+13  9: dominant-ninth  maj9: major-ninth  m9: minor-ninth  mmaj9: major-minor+9
11: dominant-11th  m11: minor-11th  maj11: major-11th  13: dominant-13th  m13: minor-13th  maj13: major-13th
add9: major+9  madd9: minor+9  add11: major+11  madd11: minor+11  add13: major+13  m9b5: half-diminished+9
dim9: diminished-seventh+9
"""
_SIGNS = {"b": -1, "#": 1}
_ALTERS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}


class Degree(NamedTuple):
    """What a <degree> does: `type` add, alter or subtract; `alter` in semitones.

    Added degrees are counted from a chord of major and perfect intervals with a minor seventh, altered ones from what
    the chord has.
    """

    type: str
    value: int
    alter: int


def _table() -> dict[str, tuple[str, tuple[Degree, ...]]]:
    kinds = {}
    words = _KINDS_TEXT.split()
    for quality, meaning in zip(words[::2], words[1::2], strict=True):
        kind, *added = meaning.split("+")
        degrees = tuple(Degree("add", int(one.strip("#")), one.count("#")) for one in added)
        kinds[quality.rstrip(":").removeprefix("major")] = kind, degrees
    return kinds


_KINDS = _table()
"""Quality → kind and added degrees."""
_QUALITIES = {meaning: quality for quality, meaning in _KINDS.items()}
_KIND_NAMES = frozenset(kind for kind, _ in _QUALITIES)


def kind_of(symbol: str) -> tuple[str, tuple[Degree, ...]]:
    """The MusicXML kind of a chord symbol and the degrees that differ from it. Raises BadChord."""
    parts = split_symbol(symbol)
    kind, degrees = _KINDS[parts.base]
    changes = list(degrees)
    steps = list(SHAPES[parts.base])
    for alteration in parts.alterations:
        value, sign = int(alteration[1:]), _SIGNS[alteration[0]]
        gives_way, comes = ALTERED[alteration]
        if comes in steps and gives_way not in steps:
            continue
        own = _degree_at(gives_way, parts.base) if gives_way in steps else None
        if own == value:
            is_added = any(degree.value == value for degree in changes)
            changes = [degree for degree in changes if degree.value != value]
            changes.append(Degree("add" if is_added else "alter", value, sign))
        else:
            if own is not None:
                changes.append(Degree("subtract", own, 0))
            changes.append(Degree("add", value, sign))
        steps = [step for step in steps if step != gives_way] + [comes]
    return kind, tuple(changes)


def harmony_element(symbol: str, offset: int) -> Element:
    """The symbol as an element, `offset` divisions after what follows it. Raises BadChord."""
    parts = split_symbol(symbol)
    kind, degrees = kind_of(symbol)
    harmony = ET.Element("harmony")
    _note(ET.SubElement(harmony, "root"), "root", parts.root)
    ET.SubElement(harmony, "kind", text=parts.quality).text = kind
    if parts.bass is not None:
        _note(ET.SubElement(harmony, "bass"), "bass", parts.bass)
    for degree in degrees:
        element = ET.SubElement(harmony, "degree", {"print-object": "no"})
        ET.SubElement(element, "degree-value").text = str(degree.value)
        ET.SubElement(element, "degree-alter").text = str(degree.alter)
        ET.SubElement(element, "degree-type").text = degree.type
    if offset:
        ET.SubElement(harmony, "offset").text = str(offset)
    return harmony


def symbol_of(harmony: Element) -> str | None:
    """The chord symbol that an element stands for; None where it has no root or is no chord that we know."""
    root, bass = _note_name(harmony.find("root"), "root"), _note_name(harmony.find("bass"), "bass")
    kind = harmony.find("kind")
    if root is None or kind is None:
        return None
    name, words = (kind.text or "").strip(), " ".join(kind.get("text", "").split())
    elements = harmony.findall("degree")
    degrees = tuple(degree for element in elements if (degree := _degree(element)) is not None)
    candidates = []
    if (name in _KIND_NAMES or (words and name != "none")) and all(e.get("print-object") == "no" for e in elements):
        candidates.append(words)
    plain = _QUALITIES.get((name, ()))
    if (exact := _QUALITIES.get((name, degrees))) is not None:
        candidates.append(exact)
    if plain is not None:
        suffix = "".join(map(_suffix, degrees))
        candidates += [plain + suffix if plain else f"({suffix})", plain]
    below = f"/{bass}" if bass else ""
    # The words of a kind are free: "m7", but also none, or some of the program's own.
    return next((root + quality + below for quality in candidates if _fits(root, quality + below, name)), None)


def _fits(root: str, rest: str, kind: str) -> bool:
    """Whether a root and a quality make a chord on this root, and of this kind where we know the kind."""
    if len(root + rest) > MAX_CHORD_CHARACTERS:
        return False
    try:
        parts = split_symbol(root + rest)
    except BadChord:
        return False
    step, alter = parts.root
    return step + _ALTERS[alter] == root and (kind not in _KIND_NAMES or kind_of(root + rest)[0] == kind)


def _degree_at(step: int, base: str) -> int:
    """Which degree of a quality a step is."""
    degrees = {7: 5, 2: 2 if base.endswith("sus2") else 9, 5: 4 if base.endswith("sus4") else 11}
    sixth = 7 if base.startswith("dim") else 6 if base in ("6", "m6", "69", "m69") else 13
    return sixth if step == 9 else degrees[step]


def _note(parent: Element, name: str, note: tuple[str, int]) -> None:
    ET.SubElement(parent, f"{name}-step").text = note[0]
    if note[1]:
        ET.SubElement(parent, f"{name}-alter").text = str(note[1])


def _note_name(parent: Element | None, name: str) -> str | None:
    if parent is None:
        return None
    step, alter = parent.findtext(f"{name}-step", "").strip(), _integer(parent.findtext(f"{name}-alter", "0"))
    return step + _ALTERS[alter] if step in tuple("ABCDEFG") and alter in _ALTERS else None


def _degree(element: Element) -> Degree | None:
    value, alter = _integer(element.findtext("degree-value", "")), _integer(element.findtext("degree-alter", "0"))
    type_ = element.findtext("degree-type", "add").strip()
    return Degree(type_, value, alter) if value is not None and alter is not None else None


def _suffix(degree: Degree) -> str:
    if degree.type == "subtract":
        return ""
    return f"{'#' if degree.alter > 0 else 'b'}{degree.value}" if degree.alter else f"add{degree.value}"


def _integer(text: str) -> int | None:
    try:
        return round(float(text.strip()[:16]))
    except (ValueError, OverflowError):
        return None
