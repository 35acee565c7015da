"""A process that cleans batches which it reads from a pipe, and gives up what it does not need for that.

Everything is imported first: afterwards no file can be opened, so a late import would fail.
"""

import json
import os
import resource
import sys
from encodings import cp437, cp1252, latin_1, utf_8_sig, utf_16, utf_16_be, utf_16_le
from pathlib import Path

import symusic
from bandmate_shared.music import midi_read, musicxml_read, mxl
from bandmate_shared.music.limits import Limits

from bandmate_ingest.clean import clean_batch
from bandmate_ingest.frames import pack_batch, read_message, unpack_files, write_message
from bandmate_ingest.rules import CleaningRules

# Looked up by name while files are read: XML in older encodings, names in zip archives.
_IMPORTED = (
    cp437, cp1252, latin_1, utf_8_sig, utf_16, utf_16_be, utf_16_le, symusic, midi_read, musicxml_read, mxl,
)  # fmt: skip


def main() -> None:
    """The first message is the configuration, each one after it a batch; ends with its input."""
    source = sys.stdin.buffer
    # What a library prints must not get between the answers.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    configuration = json.loads(read_message(source) or b"{}")
    limits, rules = Limits(**configuration["limits"]), CleaningRules(**configuration["rules"])
    # The first table loads what Arrow loads late.
    pack_batch(clean_batch([], limits, rules))
    _give_up_rights(configuration["memory_bytes"])
    write_message(sink, b"ready")
    while (message := read_message(source)) is not None:
        write_message(sink, pack_batch(clean_batch(unpack_files(message), limits, rules)))


def _give_up_rights(memory_bytes: int) -> None:
    """No more memory than allowed on top of what is loaded; no new files, no core dumps."""
    statm = Path("/proc/self/statm")
    used = int(statm.read_bytes().split()[0]) * resource.getpagesize() if statm.exists() else 0
    _lower(resource.RLIMIT_AS, used + memory_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, 3)


def _lower(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
