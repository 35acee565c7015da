"""The cleaning of a batch as a pure function: one file at a time, repeatedly, and hostile files."""

from dataclasses import replace
from itertools import pairwise

import pytest
from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile, clean_batch, join_batches
from bandmate_ingest.pool.batch_bytes import pack, pack_batch, pack_files, unpack, unpack_batch, unpack_files
from bandmate_music.midi.write import write_midi
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.datasets import MEASURE_COLUMNS, NOTE_COLUMNS, PART_COLUMNS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.tunes import tune
from tests.unit.ingest.conftest import LIMITS, RULES, accepted_row, cleaned, moved, rows
from tests.unit.ingest.hostile import HOSTILE


def score_of(batch: CleanedBatch) -> Score:
    """The single piece of a batch, written out again in grid ticks."""
    row = accepted_row(batch)
    parts = []
    for part in batch.parts.to_pylist():
        part_notes = [note for note in rows(batch) if note[1] == part["part"]]
        notes = Notes.from_rows(
            [(onset, duration, pitch, velocity) for _, _, onset, duration, pitch, velocity in part_notes]
        )
        parts.append(Part(part["name"], part["program"], notes, part["is_drum"]))
    metres = [
        MetreChange(bar["onset"], Metre(bar["numerator"], bar["denominator"])) for bar in batch.measures.to_pylist()
    ]
    changes = [
        change for number, change in enumerate(metres) if number == 0 or change.metre != metres[number - 1].metre
    ]
    key = Key(int(str(row["tonic"])), row["mode"])  # type: ignore[arg-type]
    tempo = round(60e6 / float(str(row["tempo"])))
    return Score(tuple(parts), 24, (TempoChange(0, 60e6 / tempo),), tuple(changes), (KeyChange(0, key),))


def test_a_clean_piece_stays_as_it_is(chorales: dict[str, Score]) -> None:
    scores = [*list(chorales.values())[:25], moved(tune(4), jitter=0.03, seed=4), moved(tune(5), ticks=130)]
    for score in scores:
        once = cleaned(score)
        twice = cleaned(score_of(once))
        assert rows(twice) == rows(once)
        assert twice.measures.equals(once.measures)
        assert twice.parts.equals(once.parts)
        same = ("tonic", "mode", "numerator", "denominator", "bars", "notes")
        assert [accepted_row(twice)[name] for name in same] == [accepted_row(once)[name] for name in same]
        assert accepted_row(twice)["grid_offset"] == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, 19), max_size=6))
def test_any_batching_gives_the_same_rows(cuts: set[int], mixed: list[RawFile], together: CleanedBatch) -> None:
    edges = [0, *sorted(cuts), len(mixed)]
    batches = [clean_batch(mixed[start:stop], LIMITS, RULES) for start, stop in pairwise(edges)]
    joined = join_batches(batches)
    for table in ("files", "parts", "measures", "notes"):
        assert getattr(joined, table).equals(getattr(together, table)), table


@pytest.fixture(scope="module")
def mixed(chorales: dict[str, Score]) -> list[RawFile]:
    """Twenty files, good and bad."""
    good = [write_midi(score) for score in list(chorales.values())[:12]]
    bad = list(HOSTILE.values())[:8]
    return [RawFile(f"{number}", data) for number, data in enumerate([*good[:6], *bad, *good[6:]])]


@pytest.fixture(scope="module")
def together(mixed: list[RawFile]) -> CleanedBatch:
    return clean_batch(mixed, LIMITS, RULES)


def test_the_tables_are_those_of_the_contract(together: CleanedBatch) -> None:
    for table, contract in (
        (together.parts, PART_COLUMNS),
        (together.measures, MEASURE_COLUMNS),
        (together.notes, NOTE_COLUMNS),
    ):
        assert {field.name: str(field.type) for field in table.schema} == {
            name: {"float32": "float"}.get(kind, kind) for name, kind in contract.items()
        }
        assert [tuple(row.values()) for row in table.to_pylist()] == sorted(
            (tuple(row.values()) for row in table.to_pylist()),
            key=lambda row: row[:3] if table is together.notes else row[:2],
        )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_reason_and_hurts_nobody(name: str, chorale: Score) -> None:
    batch = cleaned(chorale, HOSTILE[name], chorale)
    first, bad, last = batch.files.to_pylist()
    assert (first["accepted"], bad["accepted"], last["accepted"]) == (True, False, True)
    assert bad["reason"] in ("unreadable", "too-short")
    assert bad["detail"]
    assert "Traceback" not in bad["detail"]


def test_what_is_said_of_a_file_does_not_depend_on_its_name() -> None:
    first_batch, second_batch = (clean_batch([RawFile(name, b"rubbish")], LIMITS, RULES) for name in ("a.mid", "b.mid"))
    assert first_batch.files.equals(second_batch.files)
    assert first_batch.files["detail"].to_pylist() == ["this is plain text, neither MIDI nor MusicXML"]


def test_limits_are_named() -> None:
    strict = replace(LIMITS, notes=10)
    (row,) = clean_batch([RawFile("a", write_midi(tune(1)))], strict, RULES).files.to_pylist()
    assert row["reason"] == "unreadable"
    assert "BANDMATE_MAX_NOTES" in row["detail"]


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_frames_come_back_as_they_were(frames: list[bytes]) -> None:
    packed = pack(frames)
    assert unpack(packed) == frames
    for spoilt in (packed[:-1], packed + b"x", b""):
        with pytest.raises(ValueError, match=r"frame|bytes"):
            unpack(spoilt)


def test_batches_come_back_as_they_were(mixed: list[RawFile], together: CleanedBatch) -> None:
    assert unpack_files(pack_files(mixed)) == mixed
    back = unpack_batch(pack_batch(together))
    for table in ("files", "parts", "measures", "notes"):
        assert getattr(back, table).equals(getattr(together, table))
