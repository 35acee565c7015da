"""Each language is sung in tune with its own sounds, by the best engine that is installed for it."""

from typing import Any

import pytest
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.sing import sing
from bandmate_vocal.speech.base import SpeechEngine, Utterance
from bandmate_vocal.speech.choice import best_engine
from bandmate_vocal.speech.open import open_engine

LINES = {
    "en": "the ri-ver runs be-neath the moon",
    "de": "ich hör-te schö-ne Lie-der heu-te",
    "fr": "un bon vin blanc sur la lu-ne",
    "it": "gli oc-chi del-la not-te bel-la",
    "es": "los ni-ños co-rren ha-cia el cie-lo",
    "pt": "a ma-nhã não tem co-ra-ção",
    "nl": "ik zie de maan zo schoon en goed",
    "sv": "en skön sjö sjung-er för dig",
}
SOUNDS = {"de": "çøː", "fr": "ɔ̃ɑ̃y", "it": "ʎk", "es": "ɲ", "pt": "ɲɐ̃", "nl": "xaː", "sv": "øː"}
"""Sounds that English does not have, of each line."""
PITCHES = (60, 62, 64, 65, 64, 62, 60, 59, 60, 62)


def notes_of(language: str) -> list[dict[str, Any]]:
    syllables = [
        (part, number == len(parts) - 1)
        for parts in (word.split("-") for word in LINES[language].split())
        for number, part in enumerate(parts)
    ]
    return [
        {
            "onset": 0.2 + 0.45 * i,
            "duration": 0.45,
            "pitch": PITCHES[i % len(PITCHES)],
            "syllable": text,
            "word_end": end,
        }
        for i, (text, end) in enumerate(syllables)
    ]


@pytest.mark.parametrize("language", LINES)
def test_a_line_is_sung_in_tune(runtime: Runtime, queue: InProcessQueue, language: str) -> None:
    notes = notes_of(language)
    request = VocalRequest.model_validate({"notes": notes, "seconds": 0.7 + 0.45 * len(notes)})
    job = runtime.store.submit(NewJob("vocal", request.model_dump(mode="json"))).job
    queue.run_all(runtime, {"vocal": sing})
    result = runtime.store.get(job.id).result
    assert result is not None, runtime.store.get(job.id).error
    assert (result["language"], result["language_source"]) == (language, "words")
    assert result["engine"].startswith(best_engine(VocalSettings(), language))
    assert result["within_50_cents"] >= 0.98
    assert result["hummed"] == 0


@pytest.mark.parametrize("language", SOUNDS)
def test_a_line_has_the_languages_own_sounds(runtime: Runtime, language: str) -> None:
    engine = open_engine(VocalSettings(), runtime.storage, None, language)
    assert isinstance(engine, SpeechEngine)
    text = LINES[language].replace("-", "").lower()
    (speech,) = engine.speak([Utterance(text, 150, 200.0)], engine.choose_voice(language, None, 62.0))
    spoken = "".join(phone.ipa for phone in speech.phones)
    assert [letter for letter in SOUNDS[language] if letter not in spoken] == []
