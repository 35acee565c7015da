"""Interpret a sentence as a song request: each field by its own rules, nothing guessed, the rest named.

Moods stand for fields: sad, dark and angry music is in minor, happy music in major; calm music is slow, energetic and
angry music fast. A key, a mode or a tempo that is asked for itself has precedence.
"""

from dataclasses import dataclass, field
from typing import Any

from bandmate_music.theory.metre import parse_metre
from bandmate_shared.contracts.songs import Interpretation, SongRequest, Understood
from bandmate_shared.contracts.wishes import MAX_BARS
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.faults import in_words
from pydantic import ValidationError

from bandmate_generate.interpret.form import read_form
from bandmate_generate.interpret.instruments import Instruments, line_up, read_instruments
from bandmate_generate.interpret.keys import read_key, read_mode
from bandmate_generate.interpret.metre_and_length import read_bars, read_metre, read_seconds
from bandmate_generate.interpret.numbers import number_before
from bandmate_generate.interpret.sentence import Sentence
from bandmate_generate.interpret.tempo import Speed, read_speed, read_tempo_number, tempo_of
from bandmate_generate.interpret.topic import read_topic
from bandmate_generate.planning.styles import STYLES, Style

MOOD_MODES = {"sad": "minor", "dark": "minor", "angry": "minor", "happy": "major"}
MOOD_SPEEDS = {"calm": "slow", "energetic": "fast", "angry": "fast"}
_DEFAULT_STYLE = SongRequest().style
_MAX_TAKES = 8
_OF_NEW_SONGS = ("sections", "mode")
_FIXED_BY_EDITS = ("bars", "seconds", "tempo", "metre", "instruments", "lyrics")
NO_WRITER = (
    "{words!r} is understood as the topic, and no words are written: no writer is configured. Set BANDMATE_WORDS_URL "
    "to a server with the OpenAI chat API, or BANDMATE_WORDS_BEDROCK_MODEL; or send the words as `lyrics`"
)


def interpret(text: str, *, can_write_words: bool) -> Interpretation:
    """What a sentence asks for, as a request without the sentence, so that fields may be changed and taken out.

    `can_write_words`: whether a topic becomes words (`lyrics: {"about": …}`).
    """
    found = interpret_request(SongRequest(text=text), can_write_words=can_write_words)
    return found.model_copy(update={"request": found.request.model_copy(update={"text": None})})


def interpret_request(request: SongRequest, *, can_write_words: bool) -> Interpretation:
    """A request with its `text` interpreted: what it leaves open is filled in, what it says stays as it is.

    Raises:
        InvalidRequest: the text and the other fields together are no valid request.
    """
    given = {name: value for name in request.model_fields_set if (value := getattr(request, name)) is not None}
    reading = _read(request.text or "", given, can_write_words)
    fields = given | {name: value for name, value in reading.fields.items() if name not in given}
    try:
        completed = SongRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(f"what the text asks for is no song request: {in_words(error)}") from None
    return Interpretation(
        request=completed,
        understood=reading.understood(),
        ignored=reading.sentence.ignored(),
        notes=reading.notes,
    )


@dataclass(slots=True)
class _Reading:
    """What has been found in a sentence so far."""

    sentence: Sentence
    fields: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _understood: list[tuple[int, Understood]] = field(default_factory=list)

    def add(self, name: str, value: Any, taken_as: str | None = None) -> None:
        """Note a field whose words have been taken; `taken_as` is the name they were taken under."""
        self.fields[name] = value
        self.say(name, value, taken_as)

    def say(self, name: str, value: Any, taken_as: str | None = None) -> None:
        """Note what was understood and is no field of a request by itself."""
        words = self.sentence.words(taken_as or name)
        understood = Understood(field=name, value=value, words=words)
        self._understood.append((self.sentence.position(taken_as or name), understood))

    def understood(self) -> list[Understood]:
        """In the order of the sentence."""
        return [entry for _, entry in sorted(self._understood, key=lambda pair: pair[0])]


def _read(text: str, given: dict[str, Any], can_write_words: bool) -> _Reading:
    sentence = Sentence(text)
    reading = _Reading(sentence)
    _read_key(reading)
    if (metre := read_metre(sentence)) is not None:
        reading.add("metre", metre)
    if (sections := read_form(sentence)) is not None:
        reading.add("sections", sections)
    bars, seconds = read_bars(sentence), read_seconds(sentence)
    speed = read_tempo_number(sentence)
    _read_topic(reading, can_write_words and "lyrics" not in given)
    _read_language(reading)
    instruments = read_instruments(sentence)
    style = _read_style(reading)
    named = STYLES.get(given["style"]) if "style" in given else style
    moods = _read_moods(reading)
    words_speed = read_speed(sentence)
    _add_tempo(reading, speed or words_speed, moods, named or STYLES[_DEFAULT_STYLE], given)
    _read_voice(reading)
    _read_small_fields(reading)
    sung = "lyrics" in given or "lyrics" in reading.fields
    _add_instruments(reading, instruments, named, sung=sung)
    _add_length(reading, bars, seconds, named or STYLES[_DEFAULT_STYLE], given)
    _leave_out_conflicts(reading, given)
    return reading


def _read_key(reading: _Reading) -> None:
    if (key := read_key(reading.sentence)) is not None:
        reading.add("key", key.name)
    elif (mode := read_mode(reading.sentence)) is not None:
        reading.add("mode", mode)


def _read_topic(reading: _Reading, can_write: bool) -> None:
    topic = read_topic(reading.sentence)
    if topic is None:
        return
    if can_write:
        reading.fields["lyrics"] = {"about": topic}
    else:
        reading.notes.append(NO_WRITER.format(words=reading.sentence.words("about")))
    reading.say("about", topic)


def _read_language(reading: _Reading) -> None:
    """'in German', 'French lyrics'; not 'a French waltz', nor 'in Spanish style'."""
    sentence = reading.sentence
    for index in range(len(sentence)):
        code = sentence.meaning(index, "language")
        if code is None or sentence.plain(index + 1) in ("style", "guitar", "stil"):
            continue
        is_of_words = (
            sentence.has(index - 1, "in") or sentence.has(index + 1, "sing") or sentence.has(index - 1, "sing")
        )
        if is_of_words and not sentence.is_negated(index):
            around = [at for at in (index - 2, index - 1, index + 1) if sentence.has(at, "sing", "in")]
            sentence.take([*around, index], "language")
            reading.add("language", code)
            return


def _read_style(reading: _Reading) -> Style | None:
    """The style named first; of several side by side the last one, as in 'rock ballad'."""
    sentence = reading.sentence
    for index in range(len(sentence)):
        if not sentence.has(index, "style") or sentence.is_negated(index) or _is_month(sentence, index):
            continue
        last = index
        while sentence.has(last + 1, "style"):
            last += 1
        name = sentence.meaning(last, "style")
        assert name is not None, "a style stands there"
        sentence.take([last], "style")
        reading.add("style", name)
        return STYLES[name]
    return None


def _is_month(sentence: Sentence, index: int) -> bool:
    return sentence.items[index].text == "March" and sentence.has(index - 1, "in")


def _read_moods(reading: _Reading) -> list[str]:
    """The moods, taken each under a name of its own; the mode that they stand for, where no other was asked for."""
    sentence = reading.sentence
    moods: list[str] = []
    for index in range(len(sentence)):
        mood = sentence.meaning(index, "mood")
        if mood is None or sentence.is_negated(index) or sentence.has(index - 1, "too"):
            continue
        degree = [index - 1] if sentence.has(index - 1, "very", "rather") else []
        sentence.take([*degree, index], f"mood {mood}")
        if mood not in moods:
            moods.append(mood)
    for mood in moods:
        reading.say("mood", mood, f"mood {mood}")
        if mood in MOOD_MODES and not {"key", "mode"} & reading.fields.keys():
            reading.add("mode", MOOD_MODES[mood], f"mood {mood}")
    return moods


def _add_tempo(reading: _Reading, speed: Speed | None, moods: list[str], style: Style, given: dict[str, Any]) -> None:
    if speed is not None:
        reading.add("tempo", tempo_of(speed, style.tempi))
        return
    mood = next((mood for mood in moods if mood in MOOD_SPEEDS), None)
    if mood is not None and "tempo" not in given:
        reading.add("tempo", tempo_of(Speed(name=MOOD_SPEEDS[mood]), style.tempi), f"mood {mood}")


def _read_voice(reading: _Reading) -> None:
    sentence = reading.sentence
    for index in range(len(sentence)):
        voice = sentence.meaning(index, "voice")
        if voice is not None and not sentence.is_negated(index):
            around = [at for at in (index - 1, index + 1) if sentence.has(at, "sing")]
            sentence.take([index, *around], "voice")
            reading.add("voice", voice)
            return


def _read_small_fields(reading: _Reading) -> None:
    """Takes, density, and that nobody sings."""
    sentence = reading.sentence
    for index in range(len(sentence)):
        if sentence.has(index, "takes") and (number := number_before(sentence, index)) is not None:
            if 2 <= number[0] <= _MAX_TAKES:
                sentence.take(range(number[1], index + 1), "takes")
                reading.add("takes", int(number[0]))
        elif (density := sentence.meaning(index, "density")) is not None and not sentence.is_negated(index):
            sentence.take([index], "density")
            reading.add("density", int(density))
        elif sentence.has(index, "wordless") and not sentence.is_negated(index):
            sentence.take([index], "lyrics")
    if sentence.words("lyrics"):
        reading.say("lyrics", None)


def _add_instruments(reading: _Reading, found: Instruments, style: Style | None, *, sung: bool) -> None:
    if not found:
        return
    names = line_up(found, style, sung=sung, default=STYLES[_DEFAULT_STYLE])
    if names:
        reading.add("instruments", names)
    else:
        reading.notes.append(f"{reading.sentence.words('instruments')!r} leaves nobody to play; the style's band plays")


def _add_length(
    reading: _Reading, bars: int | None, seconds: float | None, style: Style, given: dict[str, Any]
) -> None:
    """The bars, and the seconds with as many bars as they hold; a length that the request gives stays alone."""
    if bars is not None:
        reading.add("bars", bars)
    if seconds is None:
        return
    reading.add("seconds", seconds)
    has_section_bars = any("bars" in section for section in reading.fields.get("sections", ()))
    if bars is None and not has_section_bars and "sections" not in given:
        count = _bars_in(seconds, reading.fields | given, style)
        if 1 <= count <= MAX_BARS:
            reading.fields["bars"] = count


def _bars_in(seconds: float, fields: dict[str, Any], style: Style) -> int:
    """How many bars last so long; without a tempo asked for a number that makes phrases, at a usual tempo."""
    metre = parse_metre(fields["metre"]) if "metre" in fields else style.metres[0]
    tempo = fields.get("tempo", sum(style.tempi) / 2)
    count = seconds / metre.bar_seconds(tempo)
    if "tempo" in fields:
        return max(1, round(count))
    step = 4 if count >= 7 else 2 if count >= 3 else 1
    return max(1, round(count / step) * step)


def _leave_out_conflicts(reading: _Reading, given: dict[str, Any]) -> None:
    """Drop what the request's own fields rule out, and say so."""
    fields = reading.fields
    ruled_out: dict[str, str] = {}
    if {"tracks", "instruments"} & given.keys():
        ruled_out["instruments"] = "the request names the line-up"
    if {"bars", "seconds"} & given.keys():
        ruled_out |= dict.fromkeys(("bars", "seconds"), "the request gives the length")
    if {"key", "mode"} & given.keys():
        ruled_out |= dict.fromkeys(("key", "mode"), "the request gives the key or the mode")
    if "prompt" in given:
        ruled_out |= dict.fromkeys(_OF_NEW_SONGS, "a given piece has its own")
    if {"infill", "add", "variation"} & given.keys():
        ruled_out |= dict.fromkeys(_FIXED_BY_EDITS, "a given piece keeps its own")
    for name, reason in ruled_out.items():
        if name in fields:
            del fields[name]
            if words := reading.sentence.words(name):
                reading.notes.append(f"{words!r} has no effect: {reason}")
