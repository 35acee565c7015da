"""Run parts of an ONNX model on one core."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from bandmate_vocal.speech.base import FloatArray
from bandmate_vocal.speech.errors import SpeechFailed
from bandmate_vocal.speech.neural.onnx_graph import NotAModel, cut


class CutModel:
    """The part of a model that computes `outputs` where `inputs`, tensors of its middle, are given."""

    def __init__(self, model: bytes, outputs: Sequence[str], inputs: Sequence[str] = ()) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same bytes, however many cores
        options.log_severity_level = 3
        try:
            part = cut(model, outputs, inputs)
        except NotAModel as error:
            raise SpeechFailed(f"the singer's network cannot be cut: {error}") from error
        self._session = onnxruntime.InferenceSession(part, options, providers=["CPUExecutionProvider"])

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[FloatArray]:
        """The outputs, in order. Raises SpeechFailed."""
        try:
            answer: list[FloatArray] = self._session.run(None, dict(inputs))
        except RuntimeError as error:
            raise SpeechFailed(f"the singer's network failed: {error}") from error
        return answer
