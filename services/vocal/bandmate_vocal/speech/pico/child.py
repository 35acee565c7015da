"""The child process that runs SVOX Pico (`engine` starts it; the service never imports this module).

Pico is written in C and carries noise from one call to the next: each utterance is spoken in a fork of the fresh
process, so that equal requests give equal bytes, and a crash reaches nobody. The first frame is the request (JSON);
the answers are S, 16-bit little-endian samples, or E, an error (JSON).
"""

import json
import os
import resource
import sys

from bandmate_music.child_process.frames import read_frame, write_frame
from bandmate_music.child_process.resource_limits import lower_limit


def main() -> None:
    """Answers one request: each of its utterances."""
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return
    request = json.loads(frame[1])
    output = sys.stdout.buffer
    import py_nanotts  # optional extra: only this process has it

    for limit, value in (("CPU", int(request["cpu_seconds"])), ("AS", int(request["memory_bytes"])), ("CORE", 0)):
        lower_limit(getattr(resource, f"RLIMIT_{limit}"), value)
    voice = py_nanotts.NanoTTS()
    for text, speed in request["utterances"]:
        process = os.fork()
        if process == 0:
            try:
                samples = voice.speak(text, voice=request["voice"], speed=speed, volume=request["volume"])
                write_frame(output, b"S", samples)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        _, status = os.waitpid(process, 0)
        if status != 0:
            message = {"error": f"died with status {os.waitstatus_to_exitcode(status)}"}
            write_frame(output, b"E", json.dumps(message).encode())
            return
