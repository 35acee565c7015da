"""Check a voice, a language and words before any work is done, and settle which language is sung."""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.language.detect import detect_language
from bandmate_music.language.hints import hint_of
from bandmate_music.language.names import (
    LANGUAGES,
    OTHER_LANGUAGES,
    UnknownLanguage,
    base_language,
    nearest,
    parse_language,
)
from bandmate_music.language.scripts import refuse_unsung_scripts

from bandmate_shared.contracts.languages import LanguageSource
from bandmate_shared.errors import InvalidRequest, about
from bandmate_shared.singing.catalogue import (
    ANY_ENGINE,
    ENGINE_NAMES,
    ENGINES,
    ESPEAK_VARIANTS,
    SINGERS,
    Voice,
    find_engine,
    find_voice,
    voice_names,
    voices,
    voices_of,
)


class UnknownVoice(InvalidRequest):
    """The requested voice or language does not exist; the detail names the nearest."""

    type = "unknown-voice"
    title = "Voice not found"


class UnknownEngine(InvalidRequest):
    """No speech engine has the name that was asked for."""

    type = "unknown-engine"
    title = "Speech engine not found"


@dataclass(frozen=True, slots=True)
class SungLanguage:
    """The language of the words as a tag, and where it comes from."""

    tag: str
    source: LanguageSource


def check_voice(voice: str | None, language: str | None = None, engine: str | None = None) -> None:
    """Raises UnknownVoice, UnknownLanguage or UnknownEngine, with the nearest names, for what nobody has."""
    if language is not None:
        with about("language"):
            parse_language(language)
    if engine is not None and engine not in ENGINE_NAMES:
        with about("engine"):
            raise UnknownEngine(
                f"there is no engine {engine[:40]!r}; the nearest are {', '.join(nearest(engine, ENGINE_NAMES))}"
            )
    if engine is not None and language is not None:
        _check_engine_speaks(engine, language)
    if voice is None:
        return
    found = find_voice(voice.partition("+")[0])
    if found is not None:
        _check_contradictions(found, language, engine)
    if found is not None or engine == "polly" or _exists(voice):
        return
    names = nearest(voice, voice_names())
    with about("voice"):
        raise UnknownVoice(
            f"there is no voice {voice[:40]!r}; the nearest are {', '.join(names)}. Singers are {', '.join(SINGERS)}; "
            f"`bandmate voices` lists all voices"
        )


def sung_language(
    texts: Sequence[str], language: str | None, voice: str | None = None, source: LanguageSource | None = None
) -> SungLanguage:
    """The language that words are sung in: the one given (`source` says by what), else the voice's, else the words'.

    Raises UnknownLanguage, and ScriptNotSung for words in a script that no voice sings.
    """
    refuse_unsung_scripts(texts)
    if language is not None:
        with about("language"):
            return SungLanguage(parse_language(language), source or "request")
    if voice is not None and (tag := _language_of_voice(voice)) is not None:
        return SungLanguage(tag, "voice")
    detected = detect_language(texts)
    return SungLanguage(detected.code, "words" if detected.certain else "default")


def check_hints(texts: Sequence[str], language: str, voice: str | None = None, engine: str | None = None) -> None:
    """Raises InvalidRequest for pronunciations in brackets that nothing follows which sings so."""
    hinted = next((text for text in texts if hint_of(text) is not None), None)
    owner = None if voice is None else find_voice(voice.partition("+")[0])
    name = engine or (owner.engine if owner is not None and owner.engine != ANY_ENGINE else None)
    able = [known for known in ENGINES if known.follows_hints]
    if hinted is None or any(
        name in (None, known.name) and base_language(language) in known.languages for known in able
    ):
        return
    who = find_engine(name).title if name is not None else f"no voice for {language!r}"
    others = "; ".join(f"{known.title} ({known.name}) can, in {', '.join(known.languages)}" for known in able)
    verb = "cannot" if name is not None else "can"
    raise InvalidRequest(
        f"{who} {verb} follow the pronunciation in {hinted.strip()[:40]!r}; {others}. Take the brackets out"
    )


def _check_engine_speaks(engine: str, language: str) -> None:
    entry = find_engine(engine)
    if entry.languages and base_language(parse_language(language)) not in entry.languages:
        with about("engine"):
            raise UnknownLanguage(
                f"{entry.title} does not speak {language!r}, but {', '.join(entry.languages)}; without `engine` "
                f"the best that is installed sings"
            )


def _check_contradictions(voice: Voice, language: str | None, engine: str | None) -> None:
    """A voice of one engine is not another's, and sings no other language than its own."""
    if voice.engine == ANY_ENGINE:
        return
    with about("voice"):
        if engine is not None and engine != voice.engine:
            names = ", ".join(nearest(voice.name, [*SINGERS, *(other.name for other in voices_of(engine))]))
            raise UnknownVoice(f"{voice.name} is a voice of {voice.engine}, not of {engine}; the nearest are {names}")
        if language is None:
            return
        code = base_language(parse_language(language))
        if code not in map(base_language, voice.languages):
            others = [other.name for other in voices() if code in map(base_language, other.languages)]
            raise UnknownVoice(
                f"{voice.name} sings {voice.languages[0]}, not {language!r}; the nearest voices that do are "
                f"{', '.join(nearest(voice.name, others))}"
            )


def _exists(voice: str) -> bool:
    if voice.lower() in {name.lower() for name in voice_names()}:
        return True
    code, _, variant = voice.partition("+")
    return _is_language(code) and (not variant or variant in ESPEAK_VARIANTS)


def _is_language(code: str) -> bool:
    """A tag, but no language's name: "english" is no voice."""
    if base_language(code) not in LANGUAGES and base_language(code) not in OTHER_LANGUAGES:
        return False
    try:
        parse_language(code)
    except UnknownLanguage:
        return False
    return True


def _language_of_voice(voice: str) -> str | None:
    """The language of a voice that speaks one only."""
    found = find_voice(voice)
    if found is not None:
        return found.languages[0] if len(found.languages) == 1 else None
    code = voice.partition("+")[0]
    return parse_language(code) if voice not in ESPEAK_VARIANTS and _is_language(code) else None
