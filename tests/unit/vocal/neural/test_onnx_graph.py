"""A graph cut in two gives, put together, what the whole gives; nothing but ONNX Runtime judges it."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from bandmate_vocal.speech.neural.onnx_graph import NotAModel, cut

DURATION, PITCH, ENERGY = "/Round_output_0", "f0", "/Mul_62_output_0"
SPECTRA = ("lh", "theta", "ln", "lr", "phi")


@pytest.fixture(scope="module")
def model() -> bytes:
    spec = importlib.util.find_spec("hibari")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "assets" / "hibari.onnx").read_bytes()


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_the_halves_of_a_graph_give_what_the_whole_gives(model: bytes) -> None:
    ids = np.array([[0, 50, 83, 54, 57, 4, 0]], np.int64)
    speed = np.ones(1, np.float32)
    said = session(cut(model, (DURATION, PITCH, ENERGY))).run(None, {"ids": ids, "speed": speed})
    second = session(cut(model, SPECTRA, (DURATION, PITCH, ENERGY)))
    assert [given.name for given in second.get_inputs()] == ["ids", DURATION, PITCH, ENERGY]
    sung = second.run(None, {"ids": ids, DURATION: said[0], PITCH: said[1], ENERGY: said[2]})
    whole = session(model).run(None, {"ids": ids, "speed": speed})
    assert [part.shape for part in sung] == [part.shape for part in whole[:5]]
    for part, other in zip(sung, whole, strict=False):
        assert np.abs(part - other).mean() < 0.05


def test_each_half_holds_only_the_weights_that_it_needs(model: bytes) -> None:
    first, second = cut(model, (DURATION,)), cut(model, SPECTRA, (DURATION, PITCH, ENERGY))
    assert len(first) < 0.6 * len(model)
    assert len(second) < 0.8 * len(model)


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"\x3a\xff\xff\xff\xff\x0f", bytes(range(256))])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(NotAModel):
        cut(data, (DURATION,))


def test_a_tensor_that_the_model_has_not_is_named(model: bytes) -> None:
    with pytest.raises(NotAModel, match="no tensor /Nowhere"):
        cut(model, ("/Nowhere",))
