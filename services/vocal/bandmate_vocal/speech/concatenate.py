"""Join the parts of an utterance that an engine spoke one by one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bandmate_vocal.speech.base import Phone, Speech, SpokenWord, Viseme


def concatenate(parts: Sequence[tuple[int, Speech]], sample_rate: int = 24000) -> Speech:
    """The parts, each with its offset in the utterance's text, one after the other; times and offsets are shifted.

    All have one sample rate. Of no parts it is silence at `sample_rate`.
    """
    if not parts:
        return Speech(np.zeros(0, dtype=np.float32), sample_rate, None, (), (), ())
    if len(parts) == 1 and parts[0][0] == 0:
        return parts[0][1]
    words: list[SpokenWord] = []
    phones: list[Phone] = []
    visemes: list[Viseme] = []
    time = 0.0
    for offset, speech in parts:
        first = len(words)
        for word in speech.words:
            start, end = word.char_start + offset, word.char_end + offset
            words.append(replace(word, char_start=start, char_end=end, t0=word.t0 + time, t1=word.t1 + time))
        phones += [
            replace(phone, t0=phone.t0 + time, t1=phone.t1 + time, word=phone.word + first) for phone in speech.phones
        ]
        visemes += [replace(viseme, t=viseme.t + time) for viseme in speech.visemes]
        time += len(speech.pcm) / speech.sample_rate
    pcm = np.concatenate([speech.pcm for _, speech in parts])
    return Speech(pcm, parts[0][1].sample_rate, None, tuple(words), tuple(phones), tuple(visemes))
