"""Amazon Polly's wire format on loopback, with real speech behind it.

Requests are checked against botocore's own model of the service; answers are speech of espeak-ng with natural
intonation, as Ogg or PCM, and speech marks with byte offsets into the SSML. Faults can be injected:

    with PollyServer() as polly:
        monkeypatch.setenv("AWS_ENDPOINT_URL_POLLY", polly.url)
        polly.throttle(2)        # the next two calls
        ...
        assert [call["OutputFormat"] for call in polly.calls] == ["ogg_vorbis", "json"]
"""

import io
import json
import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlparse
from xml.parsers import expat

import botocore.session
import numpy as np
import soundfile
from bandmate_vocal.speech.base import Speech, Utterance, syllabic_phones
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from botocore.validate import ParamValidator

from tests.support.http_stand_in import HttpStandIn, StandInHandler

USUAL_RATE = 175
PAGE = 6
SAMPLE_RATES = {
    "pcm": ("8000", "16000"),
    "mp3": ("8000", "16000", "22050", "24000", "44100", "48000"),
    "ogg_vorbis": ("8000", "16000", "22050", "24000", "44100", "48000"),
}
# Polly's table for American English and what else is needed, by the IPA that espeak-ng writes.
_VISEMES = """
b:p m:p p:p d:t l:t n:t t:t ɾ:t dʒ:S tʃ:S ʃ:S ʒ:S ð:T θ:T f:f v:f ɡ:k h:k k:k ŋ:k x:k j:i ɹ:r r:r s:s z:s w:u
ə:@ ɚ:@ ɐ:@ æ:a aɪ:a aʊ:a a:a ɑ:a eɪ:e e:e ɛ:E ɜ:E ʌ:E i:i ɪ:i ᵻ:i oʊ:o o:o ɔ:O ɔɪ:O ʊ:u u:u y:u ʏ:u ø:o œ:O
ç:k ʁ:k ɲ:J
"""
VISEMES = dict(pair.split(":") for pair in _VISEMES.split())


@dataclass(frozen=True)
class Voice:
    """A row of DescribeVoices, and the espeak-ng voice that stands in for it."""

    name: str
    gender: str
    language: str
    engines: tuple[str, ...]
    additional_languages: tuple[str, ...] = ()

    @property
    def espeak(self) -> str:
        base = {"fr-FR": "fr-fr", "de-DE": "de", "en-GB": "en-gb", "es-ES": "es"}.get(self.language, "en-us")
        return base + ("+linda" if self.gender == "Female" else "")

    def describe(self) -> dict[str, Any]:
        row = {
            "Id": self.name,
            "Name": self.name,
            "Gender": self.gender,
            "LanguageCode": self.language,
            "LanguageName": self.language,
            "SupportedEngines": list(self.engines),
        }
        return row | ({"AdditionalLanguageCodes": list(self.additional_languages)} if self.additional_languages else {})


NEURAL_AND_STANDARD = ("neural", "standard")
VOICES = [
    Voice("Aditi", "Female", "en-IN", ("standard",), ("hi-IN",)),
    Voice("Amy", "Female", "en-GB", NEURAL_AND_STANDARD),
    Voice("Arthur", "Male", "en-GB", ("neural",)),
    Voice("Brian", "Male", "en-GB", NEURAL_AND_STANDARD),
    Voice("Conchita", "Female", "es-ES", ("standard",)),
    Voice("Daniel", "Male", "de-DE", ("neural",)),
    Voice("Danielle", "Female", "en-US", ("generative", "long-form", "neural")),
    Voice("Gregory", "Male", "en-US", ("long-form", "neural")),
    Voice("Hans", "Male", "de-DE", ("standard",)),
    Voice("Ivy", "Female", "en-US", NEURAL_AND_STANDARD),
    Voice("Joanna", "Female", "en-US", ("generative", *NEURAL_AND_STANDARD)),
    Voice("Joey", "Male", "en-US", NEURAL_AND_STANDARD),
    Voice("Lea", "Female", "fr-FR", NEURAL_AND_STANDARD),
    Voice("Matthew", "Male", "en-US", ("generative", *NEURAL_AND_STANDARD)),
    Voice("Salli", "Female", "en-US", NEURAL_AND_STANDARD),
    Voice("Stephen", "Male", "en-US", ("generative", "neural")),
    Voice("Vicki", "Female", "de-DE", NEURAL_AND_STANDARD),
]


class _Refused(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class PollyServer(HttpStandIn):
    """A context manager; `calls` are the bodies of the SynthesizeSpeech calls that were answered, in order."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(_Handler, port)
        self.calls: list[dict[str, Any]] = []
        self.voice_calls = 0
        self.refused: list[str] = []
        self.most_at_once = 0
        self._running = 0
        self._faults: list[str] = []
        self._lock = threading.Lock()

    def throttle(self, times: int) -> None:
        """Answer the next calls as Polly answers an account over its quota."""
        self._faults += ["throttle"] * times

    def fail(self, times: int) -> None:
        """Answer the next calls with 503."""
        self._faults += ["fail"] * times

    def cut(self, times: int) -> None:
        """Close the connection in the middle of the next answers."""
        self._faults += ["cut"] * times

    def garble(self, times: int) -> None:
        """Send bytes that are neither sound nor speech marks in the next answers."""
        self._faults += ["garble"] * times

    def begin(self) -> str:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            return self._faults.pop(0) if self._faults else ""

    def end(self) -> None:
        with self._lock:
            self._running -= 1

    def record(self, call: dict[str, Any]) -> None:
        with self._lock:
            self.calls.append(call)


class _Handler(StandInHandler):
    server: PollyServer

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        try:
            self._check_signature()
            path, query = urlparse(self.path).path, parse_qs(urlparse(self.path).query)
            if path != "/v1/voices":
                raise _Refused("UnknownOperationException", "", 404)
            request = {name: values[0] for name, values in query.items()}
            _validate("DescribeVoices", request)
            self.server.voice_calls += 1
            voices = [
                voice.describe()
                for voice in VOICES
                if request.get("Engine", voice.engines[0]) in voice.engines
                and request.get("LanguageCode", voice.language) == voice.language
            ]
            start = int(request.get("NextToken", "0"))
            answer: dict[str, Any] = {"Voices": voices[start : start + PAGE]}
            if start + PAGE < len(voices):
                answer["NextToken"] = str(start + PAGE)
            self._json(200, answer)
        except _Refused as refused:
            self._refuse(refused)

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        body = self.read_body()
        fault = self.server.begin()
        try:
            self._check_signature()
            if self.path != "/v1/speech":
                raise _Refused("UnknownOperationException", "", 404)
            if fault == "throttle":
                raise _Refused("ThrottlingException", "Rate exceeded")
            if fault == "fail":
                raise _Refused("ServiceUnavailable", "try again", 503)
            call = json.loads(body)
            _validate("SynthesizeSpeech", call)
            text, offsets = _check_speech(call)
            kind, answer = _synthesize(call, text, offsets)
            if fault == "garble":
                answer = b"\0nonsense\n" * 20
            self.server.record(call)
            self._stream(kind, len(text), answer, cut=fault == "cut")
        except _Refused as refused:
            self.server.refused.append(refused.code)
            self._refuse(refused)
        finally:
            self.server.end()

    def _check_signature(self) -> None:
        form = (
            r"AWS4-HMAC-SHA256 Credential=\S+/\d{8}/[a-z0-9-]+/polly/aws4_request, SignedHeaders=\S+, Signature=\w{64}"
        )
        if not re.fullmatch(form, self.headers.get("Authorization", "")):
            raise _Refused("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        if "AKIDBAD" in self.headers["Authorization"]:
            raise _Refused("UnrecognizedClientException", "The security token included in the request is invalid.", 403)

    def _stream(self, kind: str, characters: int, data: bytes, *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-RequestCharacters", str(characters))
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        blocks = [data[at : at + 4096] for at in range(0, len(data), 4096)]
        for block in blocks[: len(blocks) // 2] if cut else blocks:
            self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        if cut:
            self.wfile.write(b"1000\r\nhalf a blo")
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _json(self, status: int, answer: dict[str, Any], error: str = "") -> None:
        headers = {"Content-Type": "application/json"}
        if error:
            headers["x-amzn-ErrorType"] = f"{error}:http://internal.amazon.com/coral/com.amazon.polly/"
        self.respond(status, headers, json.dumps(answer).encode())

    def _refuse(self, refused: _Refused) -> None:
        self._json(refused.status, {"message": refused.message}, refused.code)


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("polly")


def _validate(operation: str, arguments: dict[str, Any]) -> None:
    """Check a request against the service's published model: names, types, what is required, and enumerations."""
    shape = _model().operation_model(operation).input_shape
    report = ParamValidator().validate(arguments, shape)
    if report.has_errors():
        raise _Refused("ValidationException", report.generate_report())
    for name, value in arguments.items():
        member = shape.members[name]
        allowed = getattr(member, "enum", None) or getattr(getattr(member, "member", None), "enum", None)
        for item in value if isinstance(value, list) else [value]:
            if allowed and item not in allowed:
                where = name[0].lower() + name[1:]
                raise _Refused(
                    "ValidationException",
                    f"1 validation error detected: Value '{item}' at '{where}' failed to satisfy constraint: Member "
                    f"must satisfy enum value set: [{', '.join(allowed)}]",
                )


def _check_speech(call: dict[str, Any]) -> tuple[str, list[int]]:
    """The text to speak, and the byte of the input at which each of its characters stands."""
    voice = next((voice for voice in VOICES if voice.name == call["VoiceId"]), None)
    engine = call.get("Engine", "standard")
    if voice is None or engine not in voice.engines:
        raise _Refused("EngineNotSupportedException", f"This voice does not support the selected engine: {engine}")
    marks, form = call.get("SpeechMarkTypes", []), call["OutputFormat"]
    if bool(marks) != (form == "json"):
        raise _Refused("MarksNotSupportedForFormatException", "Speech marks need the output format json.")
    if marks and engine == "generative":
        raise _Refused("ValidationException", "Speech marks are not available with generative voices.")
    if form != "json" and call.get("SampleRate", "16000") not in SAMPLE_RATES[form]:
        raise _Refused("InvalidSampleRateException", "The specified sample rate is not valid.")
    if call.get("TextType", "text") == "text":
        if "ssml" in marks:
            raise _Refused("SsmlMarksNotSupportedForTextTypeException", "SSML marks need SSML.")
        text = call["Text"]
        offsets = [len(text[:at].encode()) for at in range(len(text))]
    else:
        text, offsets = _read_ssml(call["Text"], engine)
    if len(call["Text"]) > 6000 or len(text) > 3000:
        raise _Refused("TextLengthExceededException", "Maximum text length has been exceeded")
    return text, offsets


def _read_ssml(ssml: str, engine: str) -> tuple[str, list[int]]:
    characters: list[str] = []
    offsets: list[int] = []
    tags: list[str] = []
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = False

    def start_element(name: str, attributes: dict[str, str]) -> None:
        tags.append(name)
        if name not in ("speak", "prosody") or (tags[0] != "speak"):
            raise _Refused("InvalidSsmlException", f"Invalid SSML request: {name}")
        if engine == "neural" and "pitch" in attributes:
            raise _Refused("InvalidSsmlException", "Unsupported Neural feature")
        if not re.fullmatch(r"([2-9]\d|1\d\d|200)%", attributes.get("rate", "100%")):
            raise _Refused("InvalidSsmlException", "Invalid rate")

    def add_text(data: str) -> None:
        at = parser.CurrentByteIndex
        for character in data:
            characters.append(character)
            offsets.append(at)
            at += len(character.encode())

    parser.StartElementHandler = start_element
    parser.CharacterDataHandler = add_text
    try:
        parser.Parse(ssml.encode(), True)
    except expat.ExpatError as error:
        raise _Refused("InvalidSsmlException", "Invalid SSML request") from error
    return "".join(characters), offsets


def _synthesize(call: dict[str, Any], text: str, offsets: list[int]) -> tuple[str, bytes]:
    voice = next(voice for voice in VOICES if voice.name == call["VoiceId"])
    rate = re.search(r'rate="(\d+)%"', call["Text"])
    speech = _speech(text, voice.espeak, int(rate[1]) if rate else 100)
    if call["OutputFormat"] == "json":
        return "application/x-json-stream", _marks(call, speech, text, offsets)
    sample_rate = int(call.get("SampleRate", "22050"))
    from scipy.signal import resample_poly

    pcm = (
        resample_poly(speech.pcm, sample_rate, speech.sample_rate) if sample_rate != speech.sample_rate else speech.pcm
    )
    if call["OutputFormat"] == "pcm":
        return "audio/pcm", (np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes()
    buffer = io.BytesIO()
    kind, subtype = ("OGG", "VORBIS") if call["OutputFormat"] == "ogg_vorbis" else ("MP3", "MPEG_LAYER_III")
    with soundfile.SoundFile(buffer, "w", sample_rate, 1, subtype, format=kind) as file:
        for start in range(0, len(pcm), 4096):  # libvorbis cannot take minutes of sound at once
            file.write(pcm[start : start + 4096])
    return ("audio/ogg" if kind == "OGG" else "audio/mpeg"), buffer.getvalue()


@cache
def _speech(text: str, voice: str, percent: int) -> Speech:
    (speech,) = EspeakEngine().speak([Utterance(text, round(USUAL_RATE * percent / 100), None)], voice)
    return speech


def _marks(call: dict[str, Any], speech: Speech, text: str, offsets: list[int]) -> bytes:
    """One mark per line, ordered by time; a word comes before the visemes that begin with it."""
    types = call["SpeechMarkTypes"]
    source = call["Text"].encode()

    def span(start: int, end: int) -> dict[str, Any]:
        first, last = offsets[start], offsets[end - 1] + len(text[end - 1].encode())
        if end < len(offsets) and text[end - 1] in "&<>\"'":
            last = offsets[end]
        return {"start": first, "end": last, "value": source[first:last].decode()}

    rows: list[tuple[int, int, dict[str, Any]]] = []
    if "sentence" in types and text.strip():
        rows.append((0, 0, {"type": "sentence", **span(0, len(text))}))
    if "word" in types:
        for word in speech.words:
            if word.char_end > word.char_start:
                rows.append((round(1000 * word.t0), 1, {"type": "word", **span(word.char_start, word.char_end)}))
    phones = syllabic_phones(speech)
    if "viseme" in types:
        for number, phone in enumerate(phones):
            rows.append((round(1000 * phone.t0), 2, {"type": "viseme", "value": _viseme(phone.ipa)}))
            following = phones[number + 1].t0 if number + 1 < len(phones) else float("inf")
            if following > phone.t1 + 0.002:
                rows.append((round(1000 * phone.t1), 2, {"type": "viseme", "value": "sil"}))
    lines = [
        json.dumps({"time": time, **mark}, ensure_ascii=False)
        for time, _, mark in sorted(rows, key=lambda row: row[:2])
    ]
    return "".join(line + "\n" for line in lines).encode()


def _viseme(ipa: str) -> str:
    plain = re.sub("[ˈˌːʲ̩̃]", "", ipa)
    for length in (2, 1):
        if plain[:length] in VISEMES:
            return VISEMES[plain[:length]]
    return "@" if plain else "sil"
