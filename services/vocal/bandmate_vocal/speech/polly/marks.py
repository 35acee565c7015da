"""Parse Polly's speech marks: when each word and each viseme begins.

One JSON object a line: `{"time":373,"type":"word","start":5,"end":8,"value":"had"}`. Marks have no durations, so what
begins lasts until the next begins; a pause is the mouth shape `sil`, and a `<break>` may come as a word.
"""

import json
from dataclasses import dataclass

from bandmate_vocal.speech.base import Viseme
from bandmate_vocal.speech.errors import SpeechFailed
from bandmate_vocal.speech.polly.ssml import Markup

SILENCE = "sil"


@dataclass(frozen=True, slots=True)
class Sound:
    """A mouth shape with its end in seconds; `word` indexes the words."""

    viseme: str
    t0: float
    t1: float
    word: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What the marks of one utterance say; pauses are among the visemes, not among the sounds.

    `words` are (first character, end, seconds at which the word begins).
    """

    words: tuple[tuple[int, int, float], ...]
    sounds: tuple[Sound, ...]
    visemes: tuple[Viseme, ...]


def read_marks(lines: bytes, markup: Markup, speech_end: float) -> Marks:
    """Words and sounds in order of time. `speech_end` (seconds) ends a last sound that no pause follows.

    Raises SpeechFailed for other lines.
    """
    rows: list[tuple[float, int, tuple[int, int] | str]] = []
    try:
        for line in lines.decode().splitlines():
            if not line.strip():
                continue
            mark = json.loads(line)
            time = mark["time"] / 1000.0
            if mark["type"] == "word":
                span = markup.characters(int(mark["start"]), int(mark["end"]))
                if span is not None and not str(mark["value"]).startswith("<"):
                    rows.append((time, 0, span))
            elif mark["type"] == "viseme":
                rows.append((time, 1, str(mark["value"])))
    except (ValueError, KeyError, TypeError) as error:
        raise SpeechFailed(f"Amazon Polly sent speech marks that cannot be read: {error!r}") from error
    rows.sort(key=lambda row: row[:2])  # a word comes before the mouth shape it begins with
    spans: list[tuple[int, int, float]] = []
    visemes: list[tuple[str, float, int]] = []
    for time, _, value in rows:
        if isinstance(value, tuple):
            spans.append((*value, time))
        else:
            visemes.append((value, time, len(spans) - 1))
    ends = [time for _, time, _ in visemes[1:]] + [max(speech_end, visemes[-1][1] if visemes else 0.0)]
    sounds = tuple(
        Sound(name, t0, t1, word)
        for (name, t0, word), t1 in zip(visemes, ends, strict=True)
        if name != SILENCE and word >= 0 and t1 > t0
    )
    return Marks(tuple(spans), sounds, tuple(Viseme(name, t) for name, t, _ in visemes))
