"""Reads the signs of repeats and jumps: barlines, sounds, and the words of musicians (D.C., D.S., Fine, coda)."""

import re
from xml.etree.ElementTree import Element

from bandmate_music.musicxml.order import Jumps

_MAX_TIMES = 20
_DA_CAPO = re.compile(r"\bd\.? ?c\.|\bd\.? ?c\b|\bda capo\b|\bvo[nm] anfang\b", re.IGNORECASE)
_DAL_SEGNO = re.compile(r"\bd\.? ?s\.|\bd\.? ?s\b|\bd[ae]l segno\b|\bd\.? ?[%𝄋]", re.IGNORECASE)
_TO_CODA = re.compile(
    r"\bto (?:the )?coda\b|\bal(?:la)? coda\b|\bzur coda\b|\bà la coda\b|\bda coda\b|\bto\W*𝄌", re.IGNORECASE
)
_FINE = re.compile(r"^\W*fine\W*$", re.IGNORECASE)
_SEGNO = re.compile(r"^\W*(?:segno|𝄋)\W*$", re.IGNORECASE)
_CODA = re.compile(r"^\W*(?:coda|𝄌)\W*$", re.IGNORECASE)
_MAX_WORDS = 40
"""A longer text is no sign."""


def barline_jumps(barline: Element) -> Jumps:
    """What a barline says: repeats, endings, and signs that stand at it."""
    jumps = Jumps()
    for repeat in barline.findall("repeat"):
        if repeat.get("direction") == "forward":
            jumps.forward = True
        else:
            jumps.backward = min(max(2, _number(repeat.get("times", ""), 2)), _MAX_TIMES)
            jumps.after_jump = repeat.get("after-jump") == "yes"
    for ending in barline.findall("ending"):
        if ending.get("type") == "start":
            jumps.endings = _ending_numbers(ending.get("number") or ending.text or "")
        else:
            jumps.ending_stops = True
    jumps.segno = barline.find("segno") is not None or barline.get("segno") is not None
    jumps.coda = barline.find("coda") is not None or barline.get("coda") is not None
    return jumps


def direction_jumps(direction: Element) -> Jumps:
    """What a direction says, by its signs and its words; its <sound> is read apart."""
    jumps = Jumps()
    words = " ".join(
        " ".join((piece.text or "").split()) for piece in (*direction.iter("words"), *direction.iter("rehearsal"))
    )
    if direction.find("direction-type/segno") is not None:
        jumps.segno = True
    has_sign = direction.find("direction-type/coda") is not None
    if words and len(words) <= _MAX_WORDS:
        jumps.da_capo = _DA_CAPO.search(words) is not None
        jumps.dal_segno = not jumps.da_capo and _DAL_SEGNO.search(words) is not None
        jumps.fine = _FINE.match(words) is not None
        leads = _TO_CODA.search(words) is not None or re.fullmatch(r"\W*to\W*", words, re.IGNORECASE) is not None
        jumps.to_coda = leads and not (jumps.da_capo or jumps.dal_segno)
        jumps.coda = _CODA.match(words) is not None
        jumps.segno = jumps.segno or _SEGNO.match(words) is not None
    if jumps.dal_segno:
        jumps.segno = False
    if has_sign and not (jumps.to_coda or jumps.da_capo or jumps.dal_segno):
        jumps.coda = True
    return jumps


def sound_jumps(sound: Element) -> Jumps:
    """What a <sound> element says; it outweighs words and signs of the same direction."""
    return Jumps(
        forward=sound.get("forward-repeat") == "yes",
        segno=sound.get("segno") is not None,
        coda=sound.get("coda") is not None,
        to_coda=sound.get("tocoda") is not None,
        fine=sound.get("fine") is not None,
        da_capo=sound.get("dacapo") == "yes",
        dal_segno=sound.get("dalsegno") is not None,
        segno_name=sound.get("segno") or sound.get("dalsegno") or "",
        coda_name=sound.get("coda") or sound.get("tocoda") or "",
    )


def settle_codas(measures: list[Jumps]) -> None:
    """Where a sign of the coda stands twice and nothing says which one leads away, the first does."""
    codas = [number for number, jumps in enumerate(measures) if jumps.coda]
    if len(codas) >= 2 and not any(jumps.to_coda for jumps in measures):
        measures[codas[0]].coda, measures[codas[0]].to_coda = False, True


def _ending_numbers(text: str) -> tuple[int, ...]:
    """'1', '1, 2', '1-3' and '1.' name passes."""
    numbers: list[int] = []
    for first, last in re.findall(r"(\d{1,2})(?:\s*[-–]\s*(\d{1,2}))?", text):
        numbers += range(int(first), max(int(first), int(last or first)) + 1)
    return tuple(number for number in numbers if 1 <= number <= _MAX_TIMES) or (1,)


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() and len(text) < 4 else default
