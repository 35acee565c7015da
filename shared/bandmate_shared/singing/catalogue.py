"""The voices by name: singers, which every engine maps to a voice of its own, and the voices of single engines.

Every service knows this list, so that a misspelt name is refused where it is asked for. Which engines are installed is
known where singing is done (`bandmate_vocal.voices`).
"""

from dataclasses import dataclass
from functools import cache

from bandmate_music.language.names import LANGUAGES

ANY_ENGINE = "any"
"""The engine of a singer: the best that is installed for the language."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A source of voices: how it is installed, and a sentence about it. `languages` empty: more than can be named.

    `follows_hints`: it can sing pronunciations that are given in brackets.
    """

    name: str
    title: str
    install: str
    about: str
    languages: tuple[str, ...] = ()
    follows_hints: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice by the name that requests give. `lowest`..`highest`: MIDI pitches at which it is understood well."""

    name: str
    engine: str
    languages: tuple[str, ...]
    lowest: int
    highest: int
    sounds: str


_KOKORO_JS = "1.2.1"
KOKORO_VOICES = f"kokoro-js-{_KOKORO_JS}.tgz"
"""The package of Kokoro's voices as `npm pack` leaves it; it is looked for in the home."""
ENGINES = (
    Engine(
        "hibari",
        "the neural singer",
        "pip install hibari-tts",
        "a neural network on this machine that sings English",
        ("en",),
        follows_hints=True,
    ),
    Engine(
        "espeak",
        "espeak-ng",
        "pip install 'bandmate[espeak]'",
        "formant synthesis in over 100 languages; GPL-3.0, run in a process of its own",
    ),
    Engine(
        "pico",
        "SVOX Pico",
        "pip install 'bandmate[pico]'",
        "recorded women's voices in five languages, 16 kHz; Apache-2.0; espeak-ng times its phones",
        ("en", "de", "es", "fr", "it"),
    ),
    Engine(
        "kokoro",
        "Kokoro",
        f"pip install 'bandmate[kokoro]' && mkdir -p ~/.local/share/bandmate && cd ~/.local/share/bandmate && "
        f"npm pack kokoro-js@{_KOKORO_JS}",
        "a neural network on this machine that sings Portuguese, Dutch and Swedish; espeak-ng reads the words",
        ("pt", "nl", "sv"),
    ),
    Engine(
        "polly",
        "Amazon Polly",
        "pip install 'bandmate[aws]'",
        "recorded voices, paid by the character; needs AWS credentials",
    ),
)
ENGINE_NAMES = tuple(engine.name for engine in ENGINES)
_ALL = tuple(LANGUAGES)
_SINGERS = (
    Voice("soprano", ANY_ENGINE, _ALL, 58, 74, "a light, high woman's voice"),
    Voice("alto", ANY_ENGINE, _ALL, 53, 70, "a warm woman's voice of middle height"),
    Voice("tenor", ANY_ENGINE, _ALL, 46, 64, "a clear man's voice"),
    Voice("bass", ANY_ENGINE, _ALL, 41, 58, "a deep man's voice"),
    Voice("bright", ANY_ENGINE, _ALL, 56, 72, "a woman's voice with a ring to it"),
    Voice("dark", ANY_ENGINE, _ALL, 52, 69, "a woman's voice, covered and soft at the top"),
    Voice("breathy", ANY_ENGINE, _ALL, 54, 69, "a woman's voice close to the ear, with air in it"),
    Voice("child", ANY_ENGINE, _ALL, 60, 74, "a small, light voice"),
)
SINGERS = tuple(voice.name for voice in _SINGERS)
_PICO = (
    Voice("pico-de", "pico", ("de-DE",), 53, 74, "a clear woman's voice, somewhat dull above"),
    Voice("pico-en", "pico", ("en-US",), 53, 74, "a friendly American woman's voice"),
    Voice("pico-gb", "pico", ("en-GB",), 53, 74, "a British woman's voice, rather stern"),
    Voice("pico-es", "pico", ("es-ES",), 53, 74, "a bright Castilian woman's voice"),
    Voice("pico-fr", "pico", ("fr-FR",), 53, 74, "a smooth Parisian woman's voice"),
    Voice("pico-it", "pico", ("it-IT",), 53, 74, "a lively Italian woman's voice"),
)
_VARIANTS = (
    "Alex Alicia Andrea Andy Annie AnxiousAndy Demonic Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco "
    "Mario Michael Mike Nguyen Reed RicishayMax RicishayMax2 RicishayMax3 Storm Tweaky UniRobot adam anika "
    "anikaRobot announcer antonio aunty belinda benjamin boris caleb croak david ed edward edward2 f1 f2 f3 f4 "
    "f5 fast grandma grandpa gustave ian iven iven2 iven3 iven4 john kaukovalta klatt klatt2 klatt3 klatt4 "
    "klatt5 klatt6 linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel mike2 norbert pablo paul pedro "
    "quincy rob robert robosoft robosoft2 robosoft3 robosoft4 robosoft5 robosoft6 robosoft7 robosoft8 sandro "
    "shelby steph steph2 steph3 travis victor whisper whisperf zac"
)
ESPEAK_VARIANTS = tuple(_VARIANTS.split())
"""espeak-ng's variants, which give any of its languages another timbre; a voice of their own each, or "en-gb+linda"."""
POLLY_VOICES = {
    name: language
    for language, names in {
        "en-US": "Joanna Matthew Salli Joey Ivy Justin Kevin Kendra Kimberly Ruth Stephen Danielle Gregory Patrick",
        "en-GB": "Amy Emma Brian Arthur",
        "en-AU": "Olivia Nicole Russell",
        "en-NZ": "Aria",
        "en-ZA": "Ayanda",
        "en-IE": "Niamh",
        "en-IN": "Kajal Raveena Aditi",
        "en-SG": "Jasmine",
        "en-GB-WLS": "Geraint",
        "de-DE": "Vicki Daniel Marlene Hans",
        "de-AT": "Hannah",
        "de-CH": "Sabrina",
        "fr-FR": "Lea Remi Celine Mathieu",
        "fr-CA": "Gabrielle Liam Chantal",
        "fr-BE": "Isabelle",
        "it-IT": "Bianca Adriano Carla Giorgio",
        "es-ES": "Lucia Sergio Conchita Enrique",
        "es-MX": "Mia Andres",
        "es-US": "Lupe Pedro Penelope Miguel",
        "pt-BR": "Camila Thiago Vitoria Ricardo",
        "pt-PT": "Ines Cristiano",
        "nl-NL": "Laura Lotte Ruben",
        "nl-BE": "Lisa",
        "sv-SE": "Elin Astrid",
    }.items()
    for name in names.split()
}
"""Amazon Polly's voices of the languages that are sung, as of 2026; with the engine polly, newer ones are passed on."""
_MEN = (
    "Matthew Joey Justin Kevin Stephen Gregory Patrick Brian Arthur Russell Geraint Daniel Hans Remi Mathieu Liam "
    "Adriano Giorgio Sergio Enrique Andres Pedro Miguel Thiago Ricardo Cristiano Ruben"
)
_POLLY_MEN = frozenset(_MEN.split())
_MEN_RANGE = (46, 66, "a man's recorded voice, retuned")
_WOMEN_RANGE = (53, 74, "a woman's recorded voice, retuned")


@cache
def voices() -> tuple[Voice, ...]:
    """All voices that are described one by one, the singers first."""
    polly = (
        Voice(name, "polly", (tag,), *(_MEN_RANGE if name in _POLLY_MEN else _WOMEN_RANGE))
        for name, tag in POLLY_VOICES.items()
    )
    return (*_SINGERS, *_PICO, *polly)


@cache
def voice_names() -> tuple[str, ...]:
    """Every name that a request may give as its voice, but for languages and their variants ("en-gb+linda")."""
    return tuple(dict.fromkeys([*(voice.name for voice in voices()), *ESPEAK_VARIANTS]))


def voices_of(engine: str) -> tuple[Voice, ...]:
    """The voices that only that engine has."""
    return tuple(voice for voice in voices() if voice.engine == engine)


def find_voice(name: str) -> Voice | None:
    """The voice of that name, capitals ignored; None for a variant of espeak-ng's and for no voice."""
    return next((voice for voice in voices() if voice.name.lower() == name.lower()), None)


def find_engine(name: str) -> Engine:
    """The engine of that name. Raises KeyError."""
    return {engine.name: engine for engine in ENGINES}[name]
