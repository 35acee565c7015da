"""DNSMOS P.808: the opinion score that listeners are predicted to give a recording of speech."""

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime

from bandmate_bench.singing.sung import JUDGED_RATE, Samples

_WINDOW_SECONDS = 9.01
_CUT_SAMPLES = 160


def p808(samples: Samples) -> float | None:
    """The mean over windows of 9 seconds, one a second, of mono samples at JUDGED_RATE; None for silence.

    As `speechmos.dnsmos.run` has it, without the other three scores, which take most of the time.
    """
    from speechmos.dnsmos import DNSMOS  # optional extra: singing

    if not len(samples) or float(np.abs(samples).max()) < 1e-4:
        return None
    window = int(_WINDOW_SECONDS * JUDGED_RATE)
    audio = np.clip(samples, -1.0, 1.0)
    audio = np.tile(audio, 1 << max(0, int(np.ceil(np.log2(window / len(audio))))))
    scores = []
    for start in range(0, len(audio) - window + 1, JUDGED_RATE):
        heard = audio[start : start + window - _CUT_SAMPLES]
        spectrum = DNSMOS.audio_melspec(None, audio=heard).astype(np.float32)[np.newaxis]
        scores.append(float(_model().run(None, {"input_1": spectrum})[0][0][0]))
    return float(np.mean(scores))


@cache
def _model() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = files("speechmos") / "dnsmos_models" / "model_v8.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
