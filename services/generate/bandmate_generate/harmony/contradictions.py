"""Chords that were asked for and a key that was asked for: where the ones are not heard in the other."""

import numpy as np
from bandmate_music.analysis.key_finder import KEYS, key_scores
from bandmate_music.theory.keys import Key
from bandmate_shared.contracts.composition import ChordSpan

from bandmate_generate.form.song_form import SongForm

_CLEAR_LEAD = 0.08
"""The other key's lead, as a difference of correlations, from which a listener would hear it."""


def contradictions(form: SongForm, *, key: Key, chords: str | None, wished: tuple[bool, ...]) -> tuple[str, ...]:
    """A note for the report where the chords that were asked for are heard in another key than the one asked for.

    `chords` is the song's progression, `wished` says of each section whether it has one of its own. The chords are
    kept: what is written out says more than a key's name.
    """
    spans = [
        span
        for section, own in zip(form.sections, wished, strict=True)
        if own or chords is not None
        for span in section.chords
    ]
    heard = _heard_key(spans, key) if spans else key
    if heard == key:
        return ()
    return (f"the chords asked for are heard in {heard.name}, and the key asked for is {key.name}: they are kept",)


def _heard_key(spans: list[ChordSpan], key: Key) -> Key:
    """The key in which the chords are heard clearly; `key` where none is ahead of it by much."""
    weights = np.zeros(12)
    for span in spans:
        for pitch_class in (*span.pitch_classes, span.root):
            weights[pitch_class] += span.duration
    scores = key_scores(weights, spans[-1].root)
    best = KEYS[int(np.argmax(scores))]
    return best if scores.max() - scores[KEYS.index(key)] > _CLEAR_LEAD else key
