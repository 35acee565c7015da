"""A real trainer that finishes quickly: it fits one number to the bytes of its dataset by gradient descent.

It keeps the contract of the model container's `train` (SageMaker's folders below BANDMATE_ML_ROOT, strings as
hyperparameters, one line of metrics a step, checkpoint and status 0 on SIGTERM, a failure file and status 1 on
failure), and has hyperparameters that make it misbehave.
"""

import json
import os
import signal
import struct
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["BANDMATE_ML_ROOT"])
CONFIG = ROOT / "input" / "config"
CHECKPOINT = ROOT / "checkpoints" / "state.json"
stopped = False


def stop(*_: object) -> None:
    global stopped
    stopped = True


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def save(path: Path, content: object) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content))
    partial.replace(path)


def weights(value: float) -> bytes:
    header = json.dumps({"value": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", value)


def main() -> int:
    hyper = json.loads((CONFIG / "hyperparameters.json").read_text())
    assert all(isinstance(value, str) for value in hyper.values()), "hyperparameters are strings"
    assert json.loads((CONFIG / "resourceconfig.json").read_text())["hosts"] == ["algo-1"]
    channels = sorted(json.loads((CONFIG / "inputdataconfig.json").read_text()))
    assert channels == sorted(path.name for path in (ROOT / "input" / "data").iterdir())
    if "initial" in channels:
        say("starting from initial")
    data = b"".join(path.read_bytes() for path in sorted((ROOT / "input" / "data" / "training").glob("*.parquet")))
    known = {"architecture", "id", "steps", "step_seconds", "trouble"}
    if unknown := set(hyper) - known:
        (ROOT / "output" / "failure").write_text(f"unknown hyperparameter {sorted(unknown)[0]!r}")
        return 1
    trouble = hyper.get("trouble", "")
    signal.signal(signal.SIGTERM, signal.SIG_IGN if trouble == "deaf" else stop)
    steps = int(hyper.get("steps", "5"))
    state = {"step": 0, "value": 0.0}
    if CHECKPOINT.is_file():
        state = json.loads(CHECKPOINT.read_text())
        say(f"resuming at step {state['step']}")
    mean = sum(data) / len(data)
    loss = abs(state["value"] - mean)
    while state["step"] < steps:
        if stopped:
            save(CHECKPOINT, state)
            return 0
        time.sleep(float(hyper.get("step_seconds", "0")))
        state["step"] += 1
        state["value"] += (0.5 if trouble != "worse" else -0.5) * (mean - state["value"])
        loss = abs(state["value"] - mean)
        eta = (steps - state["step"]) * float(hyper.get("step_seconds", "0"))
        valid = "nan" if state["step"] == 1 else f"{loss:.4f}"
        say(
            f"[metrics] step={state['step']} epoch={state['step'] / 10:.2f} train_loss={loss:.4f} valid_loss={valid} "
            f"tokens_per_second=1000 eta_seconds={eta:.0f}"
        )
        save(CHECKPOINT, state)
        if trouble == "dies" and state["step"] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "overflows" and state["step"] == 2:
            last_good = ROOT / "output" / "data" / "last-good"
            last_good.mkdir()
            (last_good / "model.safetensors").write_bytes(weights(state["value"]))
            save(last_good / "config.json", {"architecture": hyper["architecture"], "code_version": "tiny 1"})
            (ROOT / "output" / "failure").write_text("no number any more; the best weights are kept in last-good")
            return 1
        if trouble == "crashes" and state["step"] == 2:
            say("Segmentation fault, or so")
            return 3
    model = ROOT / "model"
    (model / "model.safetensors").write_bytes(weights(state["value"]))
    save(model / "config.json", {"id": hyper["id"], "architecture": hyper["architecture"], "code_version": "tiny 1"})
    save(model / "metrics.json", {"valid_loss": loss, "note": "text is no metric"})
    (model / "MODEL_CARD.md").write_text("# A number\n")
    (model / "loss.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    if trouble == "pickles":
        (model / "extra.pkl").write_bytes(b"\x80\x04.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
