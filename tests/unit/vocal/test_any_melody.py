"""Every melody within the contract is sung: no crash, no gap, no sample out of range."""

import numpy as np
from bandmate_shared.contracts.vocals import SungNote
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = st.one_of(
    st.none(),
    st.sampled_from(["love", "strengths", "o'er", "a", "I", "42", "hmm", "shh", "naïve", "co-op", "fire", "the", "in"]),
    st.text(max_size=6),
)
NOTES = st.tuples(
    WORDS,
    st.integers(24, 96),
    st.one_of(st.floats(1e-6, 0.05), st.floats(0.05, 1.5)),
    st.sampled_from([0.0, 0.0, 0.02, 0.2]),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(NOTES, min_size=1, max_size=12), st.sampled_from([0.0, 0.5]))
def test_any_melody_is_sung(singing, rows: list[tuple], start: float) -> None:
    notes, time = [], start
    for syllable, pitch, duration, gap, word_end, line_end in rows:
        notes.append(
            SungNote(
                onset=time, duration=duration, pitch=pitch, syllable=syllable, word_end=word_end, line_end=line_end
            )
        )
        time += duration + gap
    sung = singing(notes, time + 0.2)
    assert len(sung.voice) == round((time + 0.2) * 44100)
    assert np.isfinite(sung.voice).all()
    assert np.abs(sung.voice).max() <= 1.0
    for note in notes:
        if note.duration > 0.2:
            sound = sung.voice[int(note.onset * 44100) : int((note.onset + note.duration) * 44100)]
            assert np.abs(sound).max() > 0.003, note
