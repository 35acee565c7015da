"""Choose the engine for a request: the one asked for, the voice's own, or the best installed for the language."""

import importlib.util
from collections.abc import Callable, Sequence

from bandmate_music.language.names import base_language
from bandmate_shared.errors import about
from bandmate_shared.singing.catalogue import ANY_ENGINE, find_engine, find_voice

from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech.errors import SpeechEngineMissing
from bandmate_vocal.speech.neural import kokoro_files

_BEST = {
    "en": ("hibari", "espeak"),
    "de": ("pico", "espeak"),
    "fr": ("pico", "espeak"),
    "it": ("pico", "espeak"),
    "es": ("pico", "espeak"),
    "pt": ("kokoro", "espeak"),
    "nl": ("kokoro", "espeak"),
    "sv": ("kokoro", "espeak"),
}
"""Engines by the share of words that a recogniser gets wrong, the best first (docs/reference/voices.md)."""
_OTHERS = ("espeak",)


def is_installed(engine: str, settings: VocalSettings) -> bool:
    """Whether an engine can sing here."""
    return all(_IS_HERE[part](settings) for part in (engine, *_NEEDS.get(engine, ())))


def choose_engine(
    settings: VocalSettings, language: str, voices: Sequence[str | None] = (), engine: str | None = None
) -> str:
    """The engine's name. Raises SpeechEngineMissing, with the line that installs it, for one that is not here."""
    owner = next((name for name in map(_of_voice, voices) if name is not None), None)
    chosen = engine or owner or (None if settings.speech_engine == "auto" else settings.speech_engine)
    if chosen is None:
        chosen = best_engine(settings, language)
    if not is_installed(chosen, settings):
        with about("engine" if engine else "voice" if owner else "language"):
            raise SpeechEngineMissing(missing(chosen, settings))
    return chosen


def best_engine(settings: VocalSettings, language: str) -> str:
    """The best engine that is installed for a language; espeak-ng where none is."""
    candidates = _BEST.get(base_language(language), _OTHERS)
    return next((name for name in candidates if is_installed(name, settings)), "espeak")


def missing(engine: str, settings: VocalSettings) -> str:
    """What to say of an engine that is not installed: the lines that install it."""
    return (
        f"{find_engine(engine).title} is not installed, so it cannot sing. Install it with "
        f"`{install_line(engine, settings)}`"
    )


def install_line(engine: str, settings: VocalSettings) -> str:
    """The commands that install what an engine lacks, joined by &&."""
    parts = [part for part in (engine, *_NEEDS.get(engine, ())) if not _IS_HERE[part](settings)]
    return " && ".join(find_engine(part).install for part in parts)


def _of_voice(voice: str | None) -> str | None:
    """The engine that alone has the voice; None for a singer, and without a voice."""
    if voice is None:
        return None
    found = find_voice(voice.partition("+")[0])
    if found is None:
        return "espeak"  # a variant of its, or a language's code
    return None if found.engine == ANY_ENGINE else found.engine


def _has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


_IS_HERE: dict[str, Callable[[VocalSettings], bool]] = {
    "espeak": lambda settings: settings.espeak_folder is not None or _has_module("espeakng_loader"),
    "hibari": lambda _: _has_module("hibari"),
    "pico": lambda _: _has_module("py_nanotts"),
    "kokoro": lambda settings: kokoro_files.is_installed(settings.kokoro_archive),
    "polly": lambda _: _has_module("boto3"),
}
_NEEDS = {"pico": ("espeak",), "kokoro": ("espeak", "hibari")}
"""Engines that an engine needs beside itself: espeak-ng's phones time Pico's and are read by Kokoro, whose alphabet
hibari has."""
