"""The cleaning processes: the same rows as without them, and files that crash a process."""

import os
import signal
from collections.abc import Iterator

import pytest
from bandmate_ingest.cleaning.batch import RawFile, clean_batch
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_music.midi.write import write_midi
from bandmate_music.text_encoding import DETECTABLE

from tests.support.tunes import tune
from tests.unit.ingest.conftest import LIMITS, RULES
from tests.unit.ingest.hostile import END, HOSTILE, NOTE, midi


def files(*seeds: int) -> list[RawFile]:
    return [RawFile(f"{seed}.mid", write_midi(tune(seed))) for seed in seeds]


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
