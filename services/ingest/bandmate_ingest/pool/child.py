"""A child process of the cleaning pool: drops its privileges, then cleans the batches it is sent.

Everything is imported first: afterwards no file can be opened, so a late import would fail.
"""

import json
import os
import sys

from bandmate_music.child_process.frames import read_frame, write_frame
from bandmate_music.child_process.resource_limits import drop_privileges
from bandmate_music.limits import Limits
from bandmate_music.sandbox.preload import preload

from bandmate_ingest.cleaning.batch import clean_batch
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.pool.batch_bytes import pack_batch, unpack_files


def main() -> None:
    """The first frame is the configuration, each later one a batch of files; ends with its input."""
    source = sys.stdin.buffer
    # Output of libraries must not mix with the answers on standard output.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    frame = read_frame(source)
    if frame is None:
        return
    configuration = json.loads(frame[1])
    limits, rules = Limits(**configuration["limits"]), CleaningRules(**configuration["rules"])
    preload(limits)
    # The first table loads what Arrow loads late.
    pack_batch(clean_batch([], limits, rules))
    drop_privileges(configuration["memory_bytes"], threads=True)
    write_frame(sink, b"R")
    while (frame := read_frame(source)) is not None:
        write_frame(sink, b"B", pack_batch(clean_batch(unpack_files(frame[1]), limits, rules)))
