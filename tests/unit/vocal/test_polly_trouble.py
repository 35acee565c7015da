"""Failures of Amazon Polly: throttling, broken connections, denied access, unsupported requests."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bandmate_shared.errors import BandmateError
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.singing.check import UnknownVoice
from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.speech.base import Utterance
from bandmate_vocal.speech.errors import SpeechEngineMissing, SpeechFailed
from bandmate_vocal.speech.open import open_engine
from bandmate_vocal.speech.polly.cache import SpeechCache
from bandmate_vocal.speech.polly.client import PollyClient, Spoken
from bandmate_vocal.speech.polly.engine import PollyEngine
from bandmate_vocal.speech.polly.errors import SpeechDenied, SpeechRefused, SpeechThrottled
from bandmate_vocal.speech.polly.rate import SharedRate

from tests.support.polly_server import PollyServer

LA = Utterance("la la la", 120, None)


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "store")


@pytest.fixture
def engine(polly: PollyServer, storage: DirectoryStorage) -> PollyEngine:
    return PollyEngine(PollyClient("neural"), storage)


def test_sound_and_marks_are_asked_for_as_pollys_model_has_it(polly: PollyServer, engine: PollyEngine) -> None:
    engine.speak([LA], "Joanna")
    sound, marks = polly.calls
    ssml = '<speak><prosody rate="69%">la la la</prosody></speak>'
    both = {"Engine": "neural", "Text": ssml, "TextType": "ssml", "VoiceId": "Joanna"}
    assert sound == {**both, "OutputFormat": "ogg_vorbis", "SampleRate": "24000"}
    assert marks == {**both, "OutputFormat": "json", "SpeechMarkTypes": ["sentence", "ssml", "viseme", "word"]}


def test_throttled_calls_are_retried(polly: PollyServer, engine: PollyEngine) -> None:
    polly.throttle(2)
    (speech,) = engine.speak([LA], "Joanna")
    assert speech.phones
    assert polly.refused == ["ThrottlingException"] * 2
    assert engine.usage.billed_characters == 16


def test_throttling_fails_after_six_attempts(
    polly: PollyServer, engine: PollyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    polly.throttle(1000)
    with pytest.raises(SpeechThrottled, match="Rate exceeded") as raised:
        engine.speak([LA], "Joanna")
    assert raised.value.retryable
    assert len(polly.refused) == 6


def test_a_server_error_is_tried_again(polly: PollyServer, engine: PollyEngine) -> None:
    polly.fail(1)
    assert engine.speak([LA], "Joanna")[0].phones


def test_an_answer_that_breaks_off_is_asked_for_again_and_counted(polly: PollyServer, engine: PollyEngine) -> None:
    polly.cut(2)
    (speech,) = engine.speak([LA], "Joanna")
    assert sum(phone.is_nucleus for phone in speech.phones) == 3
    assert len(polly.calls) == 4
    assert engine.usage.billed_characters == 4 * len(LA.text)


def test_answers_that_always_break_off_are_a_failure(polly: PollyServer, engine: PollyEngine) -> None:
    polly.cut(1000)
    with pytest.raises(SpeechFailed, match="break off") as raised:
        engine.speak([LA], "Joanna")
    assert raised.value.retryable


def test_malformed_answers_fail_and_are_not_cached(
    polly: PollyServer, engine: PollyEngine, storage: DirectoryStorage
) -> None:
    polly.garble(2)
    with pytest.raises(SpeechFailed, match="cannot be read"):
        engine.speak([LA], "Joanna")
    assert engine.speak([LA], "Joanna")[0].phones


def test_what_was_spoken_before_a_failure_is_kept(
    polly: PollyServer, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    engine = PollyEngine(PollyClient("neural"), storage, concurrency=1)
    other = Utterance("oh oh", 120, None)
    engine.speak([LA], "Joanna")
    polly.throttle(1000)
    with pytest.raises(SpeechThrottled):
        engine.speak([LA, other], "Joanna")
    polly._faults.clear()
    call_count = len(polly.calls)
    engine.speak([LA, other], "Joanna")
    assert [call["Text"] for call in polly.calls[call_count:]] == [polly.calls[-1]["Text"]] * 2


def test_an_unreachable_service_is_a_failure_to_try_again(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    monkeypatch.setenv("AWS_ENDPOINT_URL_POLLY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(SpeechFailed, match="did not answer"):
        PollyEngine(PollyClient("neural"), storage).choose_voice("en", None, 60.0)


def test_without_credentials_the_error_says_what_to_do(
    polly: PollyServer, engine: PollyEngine, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SpeechDenied, match=r"AWS_PROFILE.*polly:SynthesizeSpeech") as raised:
        PollyEngine(PollyClient("neural"), storage).speak([LA], "Joanna")
    assert not raised.value.retryable


def test_wrong_credentials_are_denied(
    polly: PollyServer, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDBAD")
    with pytest.raises(SpeechDenied, match="UnrecognizedClientException"):
        PollyEngine(PollyClient("neural"), storage).speak([LA], "Joanna")


def test_without_boto3_the_error_says_what_to_install(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpeechEngineMissing, match=r"bandmate\[aws\]"):
        open_engine(VocalSettings(speech_engine="polly", polly_engine="standard"), storage)


def test_engines_that_cannot_sing_are_refused_with_the_reason() -> None:
    for name, reason in (
        ("generative", "no speech marks"),
        ("long-form", "pages of prose"),
        ("loud", "no such engine"),
    ):
        with pytest.raises(ValueError, match=reason):
            PollyClient(name)
        with pytest.raises(ValueError, match=reason):
            VocalSettings(polly_engine=name)
    with pytest.raises(ValueError, match="no singer baritone"):
        VocalSettings(polly_voices={"baritone": "Joey"})


def test_polly_itself_refuses_marks_of_generative_voices(polly: PollyServer) -> None:
    """The failure that the check above prevents."""
    client = PollyClient("neural")
    client.engine = "generative"
    with pytest.raises(KeyError):  # there is no sample rate to sing it at
        client.speak("<speak>la</speak>", "Joanna")
    with pytest.raises(SpeechRefused, match="not available with generative"):
        client._ask(
            {
                "Engine": "generative",
                "Text": "<speak>la</speak>",
                "TextType": "ssml",
                "VoiceId": "Joanna",
                "OutputFormat": "json",
                "SpeechMarkTypes": ["word"],
            },
            None,
        )


@pytest.mark.parametrize(
    ("ssml", "voice", "error", "words"),
    [
        ("<speak>la", "Joanna", SpeechRefused, "InvalidSsmlException"),
        ("<speak>la</speak>", "Hans", UnknownVoice, "does not support the selected engine"),
        ("<speak>la</speak>", "Pavarotti", UnknownVoice, "enum value set"),
        (f"<speak>{'a' * 3001}</speak>", "Joanna", BandmateError, "too long"),
        ('<speak><prosody pitch="+10%">la</prosody></speak>', "Joanna", SpeechRefused, "Neural"),
    ],
)
def test_refusals_are_typed_and_final(
    polly: PollyServer, ssml: str, voice: str, error: type[BandmateError], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        PollyClient("neural").speak(ssml, voice)
    assert not raised.value.retryable
    assert len(polly.refused) == 1


@pytest.mark.parametrize(
    ("engine", "language", "voice", "pitch", "chosen"),
    [
        ("neural", "en", None, 67.0, "Joanna"),
        ("neural", "en", None, 50.0, "Stephen"),
        ("standard", "en", None, 50.0, "Joey"),
        ("neural", "en", "bass", 60.0, "Gregory"),
        ("neural", "en-GB", "alto", 60.0, "Amy"),
        ("neural", "en-gb", "tenor", 60.0, "Arthur"),
        ("neural", "de", None, 67.0, "Vicki"),
        ("standard", "de", "tenor", 67.0, "Hans"),
        ("neural", "fr", "bass", 40.0, "Lea"),
        ("neural", "en", "matthew", 67.0, "Matthew"),
        ("standard", "hi-IN", None, 67.0, "Aditi"),
    ],
)
def test_singers_get_voices_that_suit_them(
    polly: PollyServer,
    storage: DirectoryStorage,
    engine: str,
    language: str,
    voice: str | None,
    pitch: float,
    chosen: str,
) -> None:
    assert PollyEngine(PollyClient(engine), storage).choose_voice(language, voice, pitch) == chosen


def test_the_settings_may_name_other_voices(polly: PollyServer, storage: DirectoryStorage) -> None:
    engine = PollyEngine(PollyClient("neural"), storage, singers={"alto": "salli", "tenor": "Arthur"})
    assert engine.choose_voice("en", "alto", 60.0) == "Salli"
    assert engine.choose_voice("en-GB", "tenor", 60.0) == "Arthur"
    assert engine.choose_voice("en", "tenor", 60.0) == "Stephen"  # Arthur speaks British English only


def test_a_voice_of_another_engine_is_refused_with_the_list(polly: PollyServer, engine: PollyEngine) -> None:
    with pytest.raises(UnknownVoice, match=r"engine neural: Amy \(en-GB\), Arthur"):
        engine.choose_voice("en", "Conchita", 60.0)
    with pytest.raises(UnknownVoice, match="engine neural speaks 'es'; it speaks de-DE, en-GB"):
        engine.choose_voice("es", None, 60.0)


def test_voices_are_asked_for_once_in_an_hour(
    polly: PollyServer, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = PollyClient("neural")
    for _ in range(3):
        PollyEngine(client, storage).choose_voice("en", None, 60.0)
    pages = polly.voice_calls
    assert pages == 3  # of six voices each, all of one listing
    now = [10_000_000.0]
    monkeypatch.setattr("bandmate_vocal.speech.polly.client.time.monotonic", lambda: now[0])
    client.voices()
    assert polly.voice_calls == 2 * pages


def test_no_more_calls_at_once_than_allowed(polly: PollyServer, storage: DirectoryStorage) -> None:
    engine = PollyEngine(PollyClient("neural"), storage, concurrency=2)
    engine.speak([Utterance(f"number {number}", 120, None) for number in range(8)], "Joanna")
    assert polly.most_at_once == 2


def test_a_line_that_repeats_is_asked_for_once(polly: PollyServer, engine: PollyEngine) -> None:
    first, _, third = engine.speak([LA, Utterance("oh", 120, 200.0), Utterance(LA.text, LA.rate, 440.0)], "Joanna")
    assert np.array_equal(first.pcm, third.pcm)
    assert len(polly.calls) == 4


def spoil(change: Callable[[Path], None], storage: DirectoryStorage, pattern: str) -> None:
    (path,) = (storage.root / "speech").rglob(pattern)
    change(path)


@pytest.mark.parametrize(
    ("pattern", "change"),
    [
        ("*.ogg", lambda path: path.unlink()),
        ("*.ogg", lambda path: path.write_bytes(b"OggS but no more")),
        ("*.json", lambda path: path.write_text("{")),
        ("*.json", lambda path: path.write_text("{}")),
    ],
    ids=["sound-gone", "sound-spoilt", "record-cut", "record-empty"],
)
def test_a_damaged_cache_entry_is_replaced(
    polly: PollyServer, storage: DirectoryStorage, pattern: str, change: Callable[[Path], None]
) -> None:
    client = PollyClient("neural")
    (first,) = PollyEngine(client, storage).speak([LA], "Joanna")
    spoil(change, storage, pattern)
    (second,) = PollyEngine(client, storage).speak([LA], "Joanna")
    assert np.array_equal(first.pcm, second.pcm)
    third = PollyEngine(client, storage)
    third.speak([LA], "Joanna")
    assert third.usage.from_cache == 1


def test_two_workers_agree_on_one_recording(storage: DirectoryStorage) -> None:
    """Audio and marks of one pair of calls stay together, whichever worker is first."""
    cache = SpeechCache(storage, "neural")
    both = threading.Barrier(2)
    recordings: dict[str, Spoken] = {}

    def work(name: str) -> None:
        spoken = Spoken(name.encode(), json.dumps({"by": name}).encode(), 5)
        both.wait()
        recordings[name] = cache.put("<speak>la</speak>", "Joanna", spoken)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recordings["one"].audio == recordings["two"].audio
    assert json.loads(recordings["one"].marks)["by"] == recordings["one"].audio.decode()
    assert recordings["one"].billed_characters == recordings["two"].billed_characters == 5
    recording = cache.get("<speak>la</speak>", "Joanna")
    assert recording is not None
    assert (recording.audio, recording.billed_characters) == (recordings["one"].audio, 0)


def test_the_cache_key_covers_everything_that_shapes_the_sound(polly: PollyServer, storage: DirectoryStorage) -> None:
    client = PollyClient("neural")
    PollyEngine(client, storage).speak([LA], "Joanna")
    for engine, utterance, voice in (
        (client, LA, "Amy"),
        (client, Utterance(LA.text, 200, None), "Joanna"),
        (PollyClient("standard"), LA, "Joanna"),
    ):
        opened = PollyEngine(engine, storage)
        opened.speak([utterance], voice)
        assert opened.usage.from_cache == 0


def test_both_calls_of_a_line_keep_the_rate_and_cached_ones_need_none(
    polly: PollyServer, storage: DirectoryStorage
) -> None:
    asked: list[tuple[str, float, int]] = []

    def reserve(service: str, per_second: float, burst: int, max_wait: float) -> float:
        asked.append((service, per_second, burst))
        return 0.0

    engine = PollyEngine(PollyClient("neural"), storage, rate_limit=SharedRate(reserve, "neural", 8.0))
    engine.speak([LA], "Joanna")
    engine.speak([LA], "Joanna")
    assert asked == [("polly-neural", 8.0, 8)] * 2


def test_a_turn_that_is_too_far_off_is_throttling(polly: PollyServer, storage: DirectoryStorage) -> None:
    limit = SharedRate(lambda *_: None, "neural", 8.0)
    with pytest.raises(SpeechThrottled, match="more than 8 calls a second; ask AWS for a higher quota") as raised:
        PollyEngine(PollyClient("neural"), storage, rate_limit=limit).speak([LA], "Joanna")
    assert raised.value.pause_seconds == 10.0
    assert polly.calls == []
