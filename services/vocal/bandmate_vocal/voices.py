"""The voices there are, and which of them can sing here."""

from bandmate_music.language.names import LANGUAGES, base_language, parse_language
from bandmate_shared.contracts.voices import VoiceView
from bandmate_shared.singing.catalogue import ANY_ENGINE, Voice, voices

from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech.choice import best_engine, install_line, is_installed


def list_voices(settings: VocalSettings, language: str | None = None) -> list[VoiceView]:
    """All voices, or those that sing a language (any region of it). Raises UnknownLanguage."""
    code = None if language is None else base_language(parse_language(language))
    return [_view(voice, settings) for voice in voices() if code is None or code in map(base_language, voice.languages)]


def _view(voice: Voice, settings: VocalSettings) -> VoiceView:
    sung_by = {}
    engine = voice.engine
    if engine == ANY_ENGINE:
        sung_by = {code: best_engine(settings, code) for code in LANGUAGES}
        engine = sung_by["en"]
    installed = is_installed(engine, settings)
    return VoiceView(
        name=voice.name,
        engine=voice.engine,
        languages=list(voice.languages),
        installed=installed,
        install=None if installed else install_line(engine, settings),
        lowest=voice.lowest,
        highest=voice.highest,
        sounds=voice.sounds,
        sung_by=sung_by,
    )
