"""The cleaning processes: the same rows as without them, and files that crash a process."""

import math
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from bandmate_ingest.cleaning.batch import RawFile, clean_batch
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Score
from bandmate_music.text_encoding import DETECTABLE
from bandmate_music.theory.metre import Metre

from tests.support.tunes import tune
from tests.unit.ingest.conftest import LIMITS, RULES
from tests.unit.ingest.hostile import END, HOSTILE, NOTE, midi


def files(*seeds: int) -> list[RawFile]:
    return [RawFile(f"{seed}.mid", write_midi(tune(seed))) for seed in seeds]


def played(seed: int) -> Score:
    """A tune off any grid: each note up to a 32nd early or late, and a tempo that drifts."""
    dice, written = random.Random(seed), tune(seed, 32)
    parts = []
    for part in written.parts:
        rows = zip(part.notes.onset.tolist(), part.notes.duration.tolist(), part.notes.pitch.tolist(), strict=True)
        moved = [
            (max(0, round(onset * 1.07 + 30 * math.sin(onset / 9000) + dice.gauss(0, 12))), length, pitch, 80)
            for onset, length, pitch in rows
        ]
        parts.append(replace(part, notes=Notes.from_rows(sorted(moved))))
    return replace(written, parts=tuple(parts), metres=(), keys=())


def test_what_is_estimated_is_estimated_in_a_process_too() -> None:
    """A metre that is missing or absurd, a key, the beats of a performance: nothing is loaded after the start."""
    without = replace(tune(1), metres=(), keys=(), tempi=())
    absurd = replace(tune(2), metres=(MetreChange(0, Metre(1, 4)),))
    items = [RawFile(f"{number}.mid", write_midi(score)) for number, score in enumerate((without, absurd, played(3)))]
    with CleaningPool(LIMITS, RULES, processes=1, file_seconds=20, memory_bytes=1_500_000_000) as pool:
        (cleaned,) = pool.clean([items])
    expected = clean_batch(items, LIMITS, RULES)
    assert cleaned.files.equals(expected.files), cleaned.files["detail"].to_pylist()
    assert cleaned.files["accepted"].to_pylist()[:2] == [True, True]
    assert all("metre-estimated" in steps for steps in cleaned.files["steps"].to_pylist()[:2])


@pytest.fixture
def pool() -> Iterator[CleaningPool]:
    with CleaningPool(LIMITS, RULES, processes=1, file_seconds=20, memory_bytes=1_500_000_000) as opened:
        yield opened


def process_id(pool: CleaningPool) -> int:
    (worker,) = pool._all
    return worker.child.pid


def test_processes_give_what_this_process_gives() -> None:
    batches = [files(1, 2, 3), [RawFile(name, data) for name, data in HOSTILE.items()], files(4), []]
    with CleaningPool(LIMITS, RULES, processes=2, file_seconds=20, memory_bytes=1_500_000_000) as pool:
        cleaned = list(pool.clean(batches))
    for batch, from_pool in zip(batches, cleaned, strict=True):
        expected = clean_batch(batch, LIMITS, RULES)
        assert from_pool.files.equals(expected.files)
        assert from_pool.notes.equals(expected.notes)


def test_names_in_every_encoding_are_read(pool: CleaningPool) -> None:
    """The process can open no file when it comes upon an encoding."""
    items = []
    for number, codec in enumerate(DETECTABLE):
        text = next(text for text in _NAMES if _is_written_in(text, codec)).encode(codec)
        rest = b"\x00\x90" + bytes([40 + number, 64]) + b"\x60\x80" + bytes([40 + number, 64])
        named = midi(b"\x00\xff\x03" + bytes([len(text)]) + text + 60 * NOTE + rest + END)
        items.append(RawFile(codec, named))
    (batch,) = pool.clean([items])
    refused = [row for row in batch.files.to_pylist() if row["reason"] == "unreadable"]
    assert refused == []


_NAMES = ("Ténor Straße", "Žižkov Łódź", "Тенор Альт", "ピアノ伴奏", "피아노 반주", "钢琴伴奏", "鋼琴伴奏", "Tenor")


def _is_written_in(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def test_a_killed_process_loses_no_file(pool: CleaningPool) -> None:
    list(pool.clean([files(1)]))
    os.kill(process_id(pool), signal.SIGKILL)
    (batch,) = pool.clean([files(2, 3, 4)])
    assert batch.files["accepted"].to_pylist() == [True, True, True]
    os.kill(process_id(pool), signal.SIGKILL)
    (batch,) = pool.clean([files(5)])
    assert batch.files["accepted"].to_pylist() == [True]


def test_a_process_that_hangs_is_ended() -> None:
    with CleaningPool(LIMITS, RULES, processes=1, file_seconds=0.5, memory_bytes=1_500_000_000) as pool:
        list(pool.clean([files(1)]))
        os.kill(process_id(pool), signal.SIGSTOP)
        (batch,) = pool.clean([files(2)])
    assert batch.files["accepted"].to_pylist() == [True]


def test_a_file_that_takes_too_much_memory_is_the_only_one_lost() -> None:
    greedy = RawFile("greedy.mid", midi(NOTE * 200_000 + END))
    with CleaningPool(LIMITS, RULES, processes=1, file_seconds=20, memory_bytes=12_000_000) as pool:
        (batch,) = pool.clean([[*files(1, 2), greedy, *files(3)]])
    assert batch.files["accepted"].to_pylist() == [True, True, False, True]
    (reason,) = {row["reason"] for row in batch.files.to_pylist()} - {None}
    assert reason == "unreadable"
    assert batch.notes["piece"].to_pylist()[-1] == 2


def test_processes_end_with_the_pool(pool: CleaningPool) -> None:
    list(pool.clean([files(1)]))
    pid = process_id(pool)
    pool.__exit__(None, None, None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_only_a_few_batches_are_read_ahead(pool: CleaningPool) -> None:
    read = []

    def batches() -> Iterator[list[RawFile]]:
        for number in range(20):
            read.append(number)
            yield files(number)

    results = pool.clean(batches())
    next(results)
    assert len(read) <= 3
    assert sum(1 for _ in results) == 19
