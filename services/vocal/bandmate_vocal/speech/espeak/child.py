"""The child process that loads espeak-ng (`engine` starts it; the service never imports this module).

espeak-ng is GPL-3.0 and written in C: in a process of its own it can neither extend its licence to the service nor
crash it. The first frame is the request (JSON). The answers are V, the voices (JSON), then for each utterance S: the
length of a JSON header (4 bytes, big-endian), the header, and the samples as little-endian 16-bit integers; or E, an
error (JSON). Each utterance is spoken in a fork of the freshly initialised process, because espeak-ng carries state
(noise, phases) from one call to the next and equal requests must give equal bytes.
"""

import ctypes
import json
import os
import resource
import sys
from typing import Any

from bandmate_music.child_process.frames import read_frame, write_frame
from bandmate_music.child_process.resource_limits import lower_limit

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _IPA, _DO_NOT_EXIT = 0x0001, 0x0002, 0x8000
_RATE, _VOLUME, _PITCH_RANGE = 1, 2, 4
_UTF8 = 1
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


def _languages(library: ctypes.CDLL) -> dict[str, bytes]:
    """Every language code the voices answer to, and the identifier of the voice that claims it most."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    voices = library.espeak_ListVoices(None)
    claims: dict[str, tuple[int, bytes]] = {}
    index = 0
    while voices[index]:
        address = voices[index].contents.languages
        # Each entry: a byte of priority (lower is better), the code, a zero. Codes come in mixed case.
        while priority := ctypes.string_at(address, 1)[0]:
            code = ctypes.string_at(address + 1)
            claim = (priority, bytes(voices[index].contents.identifier))
            name = code.decode("ascii", "replace").lower()
            claims[name] = min(claims.get(name, claim), claim)
            address += len(code) + 2
        index += 1
    return {code: identifier for code, (_, identifier) in sorted(claims.items())}


def _speak(library: ctypes.CDLL, utterance: dict[str, Any]) -> tuple[list[list[Any]], bytes]:
    """Events as [type, character offset, length, sample, IPA], and the samples."""
    events: list[list[Any]] = []
    blocks: list[bytes] = []

    def collect(samples: int | None, count: int, event: Any) -> int:
        if samples and count > 0:
            blocks.append(ctypes.string_at(samples, count * 2))
        index = 0
        while event[index].type != _EVENT_END:
            entry = event[index]
            if entry.type in (_EVENT_WORD, _EVENT_PHONEME):
                # The IPA field is 8 bytes without a guaranteed end: a long symbol may be cut inside a character.
                raw = ctypes.string_at(ctypes.addressof(entry) + _Event.id.offset, 8).split(b"\0")[0]
                ipa = raw.decode("utf-8", "ignore") if entry.type == _EVENT_PHONEME else ""
                events.append([entry.type, entry.text_position - 1, entry.length, entry.sample, ipa])
            index += 1
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetParameter(_RATE, int(utterance["rate"]), 0)
    if utterance["pitch"] is not None:  # else with the intonation of speech
        library.espeak_SetParameter(_PITCH_RANGE, 0, 0)
        library.espeak_ng_SetConstF0(round(utterance["pitch"]))
    text = str(utterance["text"]).replace("\0", " ").encode("utf-8", "replace") + b"\0"
    status = library.espeak_Synth(text, len(text), 0, 1, 0, _UTF8, None, None)
    if status != 0:
        raise RuntimeError(f"espeak_Synth returned {status}")
    return events, b"".join(blocks)


def main() -> None:
    """Answers one request: the voices, and each of its utterances."""
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return
    request = json.loads(frame[1])
    output = sys.stdout.buffer
    for limit, value in (("CPU", int(request["cpu_seconds"])), ("AS", int(request["memory_bytes"])), ("CORE", 0)):
        lower_limit(getattr(resource, f"RLIMIT_{limit}"), value)
    library = ctypes.CDLL(request["library"])
    options = _PHONEME_EVENTS | _IPA | _DO_NOT_EXIT
    sample_rate = library.espeak_Initialize(_SYNCHRONOUS, 0, request["data"].encode(), options)
    if sample_rate <= 0:
        write_frame(output, b"E", _json({"error": "initialize"}))
        return
    languages = _languages(library)
    code, plus, variant = request["voice"].partition("+")
    # An unknown name would silently keep the previous voice, so it is looked up in the list first.
    identifier = languages.get(code, b"") + (plus + variant).encode()
    if code and (code not in languages or library.espeak_SetVoiceByName(identifier) != 0):
        write_frame(output, b"E", _json({"error": "unknown-voice", "languages": list(languages)}))
        return
    write_frame(output, b"V", _json({"languages": list(languages), "sample_rate": sample_rate}))
    library.espeak_SetParameter(_VOLUME, 80, 0)  # the default 100 clips on loud vowels
    for utterance in request["utterances"]:
        process = os.fork()
        if process == 0:
            try:
                events, samples = _speak(library, utterance)
                header = _json(events)
                write_frame(output, b"S", len(header).to_bytes(4, "big") + header + samples)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        _, status = os.waitpid(process, 0)
        if status != 0:
            write_frame(output, b"E", _json({"error": f"died with status {os.waitstatus_to_exitcode(status)}"}))
            return


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
