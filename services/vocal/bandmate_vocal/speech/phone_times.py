"""Find when each phone is spoken in a recording that tells no times, by another voice's recording that does.

Every phone of the reference becomes some states in a row, which sound as its parts do there (mel spectra, each voice
relative to its own mean). The path through the states that fits the recording best gives the times (Viterbi forced
alignment); between words it may rest.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from bandmate_vocal.speech.base import FloatArray, Phone, Speech, spoken_words

_STEP, _WINDOW = 0.005, 0.025
_BANDS, _LOWEST, _HIGHEST = 24, 80.0, 7600.0
_CEPSTRA, _CHANGE_WEIGHT = 10, 1.5
_FLOOR = 1e-4
"""Power below which all sounds are equally silent, as a share of the recording's loudest frame."""
_FRAMES_PER_STATE = 2.5
"""Of the reference, by which a phone is divided; as each state takes a frame at least, a phone keeps some length."""
_MIN_STATES, _MAX_STATES = 2, 12
_SPREAD = 1.7
"""Standard deviation of a value about its state's mean, in the units of `_features`."""
_MIN_SECONDS = 0.015
"""A phone is never shorter."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _State:
    """A part of a phone (`phone` an index) or a rest (-1); `frames` is how long it lasts in the reference."""

    phone: int
    mean: Matrix
    frames: float


def align_phones(pcm: FloatArray, rate: int, reference: Speech) -> Speech:
    """The recording as a Speech: words, phones and mouth shapes of `reference`, at the times they have in `pcm`.

    The fundamental is not constant. A recording of nothing, or a reference without phones, has no phones.
    """
    phones = reference.phones
    if not phones or len(pcm) < rate * _WINDOW * len(phones):
        return Speech(pcm, rate, None, (), (), ())
    sound = _features(pcm, rate)
    states = _states(_features(reference.pcm, reference.sample_rate), reference)
    path = _best_path(sound, states)
    times = _phone_times(path, [state.phone for state in states], len(phones))
    length = len(pcm) / rate
    moved: list[Phone] = []
    at = 0.0
    for number, phone in enumerate(phones):
        begin = max(at, min(times[number][0] * _STEP, length - _MIN_SECONDS * (len(phones) - number)))
        end = min(max(begin + _MIN_SECONDS, times[number][1] * _STEP), length)
        moved.append(replace(phone, t0=begin, t1=end))
        at = end
    spans = [(word.char_start, word.char_end, 0.0) for word in reference.words]
    begins = _word_begins(moved, len(spans))
    words = spoken_words([(a, b, begin) for (a, b, _), begin in zip(spans, begins, strict=True)], moved)
    visemes = tuple(replace(mouth, t=phone.t0) for mouth, phone in zip(reference.visemes, moved, strict=False))
    return Speech(pcm, rate, None, words, tuple(moved), visemes)


def _word_begins(phones: Sequence[Phone], count: int) -> list[float]:
    """When each word begins; one without phones when the word before it ends."""
    begins = [0.0] * count
    for phone in reversed(phones):
        begins[phone.word] = phone.t0
    spoken = {phone.word for phone in phones}
    for word in range(1, count):
        if word not in spoken:
            begins[word] = begins[word - 1]
    return begins


def _features(pcm: FloatArray, rate: int) -> Matrix:
    """How each frame sounds: the cepstrum of its mel bands, less the mean over what is loud; the loudness; and how the
    cepstrum changes, [frames, 2 * _CEPSTRA + 1]."""
    window, hop = int(_WINDOW * rate), _STEP * rate
    count = max(1, int((len(pcm) - window) / hop) + 1)
    starts = np.round(np.arange(count) * hop).astype(np.int64)
    padded = np.pad(pcm.astype(np.float64), (window // 2, window))
    frames = padded[starts[:, None] + np.arange(window)] * np.hanning(window)
    size = 1 << (window - 1).bit_length()
    power = np.abs(np.fft.rfft(frames, size, axis=1)) ** 2
    bands = power @ _mel_filters(size, rate).T
    loud = bands.sum(axis=1)
    floor = _FLOOR * float(loud.max(initial=1e-12))
    log = np.log(bands + floor / _BANDS)
    level = np.log(loud + floor)
    speech = loud > 30 * floor
    centre = log[speech].mean(axis=0) if speech.any() else log.mean(axis=0)
    spread = log[speech].std() if speech.any() else 1.0
    cepstra = dct((log - centre) / spread, axis=1, norm="ortho")[:, :_CEPSTRA]
    padded_cepstra = np.pad(cepstra, ((2, 2), (0, 0)), "edge")
    change = _CHANGE_WEIGHT * (padded_cepstra[4:] - padded_cepstra[:-4])
    return np.concatenate([cepstra, 2.0 * (level - level.max())[:, None] / spread, change], axis=1)


def _mel_filters(size: int, rate: int) -> Matrix:
    """Triangular bands, evenly spaced in mel, [bands, bins]."""
    highest = min(_HIGHEST, rate / 2)
    edges = 700.0 * (10.0 ** (np.linspace(_mel(_LOWEST), _mel(highest), _BANDS + 2) / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(size, 1.0 / rate)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0.0, None)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _states(features: Matrix, reference: Speech) -> list[_State]:
    """The states of the reference's phones in order, with a rest before each word and at the end."""
    quietest = features[np.argsort(features[:, _CEPSTRA])[: max(1, len(features) // 20)]].mean(axis=0)
    rest = _State(-1, quietest, 2.0)
    states: list[_State] = []
    word = -1
    for number, phone in enumerate(reference.phones):
        if phone.word != word:
            states.append(rest)
            word = phone.word
        parts = round(min(max((phone.t1 - phone.t0) / _STEP / _FRAMES_PER_STATE, _MIN_STATES), _MAX_STATES))
        edges = np.linspace(phone.t0, phone.t1, parts + 1) / _STEP
        for begin, end in itertools.pairwise(edges):
            first = min(int(begin), len(features) - 1)
            last = max(first + 1, min(round(end), len(features)))
            states.append(_State(number, features[first:last].mean(axis=0), max(end - begin, 1.0)))
    return [*states, rest]


def _best_path(sound: Matrix, states: Sequence[_State]) -> NDArray[np.int64]:
    """For each frame of the recording its state, never falling; rests may be skipped, states of phones may not."""
    means = np.stack([state.mean for state in states])
    distances = ((sound[:, None, :] - means[None, :, :]) ** 2).sum(axis=2) / (2.0 * _SPREAD**2)
    lengths = np.array([state.frames for state in states])
    stay = np.log1p(-1.0 / (lengths + 1.0))
    leave = np.log(1.0 / (lengths + 1.0))
    is_rest = np.array([state.phone < 0 for state in states])
    count = len(states)
    score = np.full(count, -np.inf)
    score[0] = -distances[0, 0]
    score[1] = -distances[0, 1]
    back = np.zeros((len(sound), count), dtype=np.int8)
    skippable = np.zeros(count, dtype=bool)
    skippable[2:] = is_rest[1:-1]
    for frame in range(1, len(sound)):
        staying = score + stay
        advancing = np.concatenate([[-np.inf], (score + leave)[:-1]])
        skipping = np.where(skippable, np.concatenate([[-np.inf, -np.inf], (score + leave)[:-2]]), -np.inf)
        choices = np.stack([staying, advancing, skipping])
        back[frame] = choices.argmax(axis=0)
        score = choices.max(axis=0) - distances[frame]
    path = np.zeros(len(sound), dtype=np.int64)
    path[-1] = count - 1 if score[-1] >= score[-2] else count - 2
    for frame in range(len(sound) - 1, 0, -1):
        path[frame - 1] = path[frame] - back[frame, path[frame]]
    return path


def _phone_times(path: NDArray[np.int64], phone_of: Sequence[int], count: int) -> list[tuple[int, int]]:
    """First frame and end of each phone."""
    owners = np.array(phone_of)[path]
    times = []
    at = 0
    for phone in range(count):
        frames = np.flatnonzero(owners == phone)
        begin, end = (int(frames[0]), int(frames[-1]) + 1) if len(frames) else (at, at)
        times.append((begin, end))
        at = end
    return times
