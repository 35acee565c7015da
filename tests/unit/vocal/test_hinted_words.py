"""A pronunciation in brackets replaces a word's spelling; engines that cannot follow it say so."""

import pytest
from bandmate_music.language.hints import hint_of, without_hints
from bandmate_shared.contracts.vocals import SungNote
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_vocal.alignment.syllables import lines_of
from bandmate_vocal.sing import sing
from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import LineText
from bandmate_vocal.speech.neural.engine import NeuralEngine
from bandmate_vocal.speech.neural.hibari import HibariNetwork


@pytest.mark.parametrize(
    ("text", "hint", "written"),
    [
        ("leaves[ˈliːvz]", "ˈliːvz", "leaves"),
        ("[ˈliːvz]", "ˈliːvz", ""),
        ("leaves", None, "leaves"),
        ("[Chorus]", None, "[Chorus]"),
        ("[Réfrain]", None, "[Réfrain]"),
        ("a[]b", None, "a[]b"),
    ],
)
def test_only_phonetic_writing_in_brackets_is_a_hint(text: str, hint: str | None, written: str) -> None:
    assert (hint_of(text), without_hints(text)) == (hint, written)


def note(syllable: str, onset: float, word_end: bool = True) -> SungNote:
    return SungNote(onset=onset, duration=0.5, pitch=60, syllable=syllable, word_end=word_end)


def test_a_word_has_the_hint_of_its_last_syllable() -> None:
    (line,) = lines_of([note("wa", 0.0, False), note("ter[ˈwɔːtə]", 0.5), note("runs", 1.0)])
    assert line.text == "water runs"
    assert line.pronounced().text == "[ˈwɔːtə] runs"
    assert not any(word.is_hum for word in lines_of([note("[ˈliːvz]", 0.0)])[0].words)


def test_the_neural_singer_follows_it() -> None:
    engine = NeuralEngine(HibariNetwork())
    hinted, written = engine.read([LineText(("[ˈziːvz]",)), LineText(("leaves",))], "alto")
    assert [ipa.bare(phone.ipa) for phone in hinted.phones] == ["z", "i", "v", "z"]
    assert [ipa.bare(phone.ipa) for phone in written.phones] == ["l", "i", "v", "z"]


def test_an_engine_that_cannot_follow_it_is_an_error(runtime: Runtime, queue: InProcessQueue) -> None:
    notes = [{"onset": 0.0, "duration": 1.0, "pitch": 60, "syllable": "leaves[ˈliːvz]"}]
    request = {"notes": notes, "seconds": 1.5, "engine": "espeak", "language": "en"}
    job = runtime.store.submit(NewJob("vocal", request)).job
    queue.run_all(runtime, {"vocal": sing})
    error = runtime.store.get(job.id).error
    assert error is not None
    assert error.type == "invalid-request"
    assert "espeak-ng says words as they are written" in error.detail
