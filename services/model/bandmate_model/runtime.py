"""The LSTM composer in numpy: the same network as architectures/rnn.py, one step at a time, without torch.

Everything categorical that enters the first layer is folded into tables when the weights are loaded, so a step is two
matrix-vector products a layer and some row sums. Each candidate is computed by itself, never in a batch: BLAS may sum
in another order for another batch size, and a song must not depend on what was composed beside it.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.context import LAGS, STEP_FEATURES
from bandmate_model.tokens import (
    DRUM_PITCH,
    PITCH_SIZE,
    TEMPO_BOUNDS,
    TIME_START,
)

Array = NDArray[np.float32]
INTERVALS = 24
_COLUMN = {name: index for index, name in enumerate(STEP_FEATURES)}
_EVENT = ("time", "slot", "duration", "pitch", "velocity")
_PLACE = ("position", "metre", "remaining", "phrase", "opening")
_LAG_FIELDS = ("time", "slot", "duration", "pitch")
_LAG_COLUMNS = [[_COLUMN[f"lag{lag}_{name}"] for name in _LAG_FIELDS] for lag in LAGS]
_LAG_TIMES = [columns[0] for columns in _LAG_COLUMNS]
_LAG_SLOTS = [columns[1] for columns in _LAG_COLUMNS]
_CHROMA_BITS = np.arange(12)
_PITCHES = np.arange(1, DRUM_PITCH)


class ModelUnusable(ValueError):
    """A model folder that cannot be served; the message says what is missing or wrong."""


@dataclass(slots=True)
class State:
    """Hidden and cell values, (layers, hidden), of one candidate, and what holds for its whole piece."""

    hidden: Array
    cell: Array
    piece: Array
    """The piece's share of the first layer's gates, (4 * hidden,)."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """config.json, and the hash of the weights."""

    id: str
    sha256: str
    config: dict[str, Any]

    @property
    def styles(self) -> list[str]:
        return list(self.config["styles"])


class Network:
    """Weights ready for composing. Immutable, and safe to share between threads."""

    def __init__(self, weights: dict[str, Array], info: ModelInfo) -> None:
        self.info = info
        try:
            self._prepare(weights, layers=int(info.config["network"]["layers"]))
        except (KeyError, ValueError, TypeError) as error:
            raise ModelUnusable(f"the weights do not fit the configuration: {error}") from error

    @staticmethod
    def load(folder: Path) -> "Network":
        """From model.safetensors and config.json.

        Raises:
            ModelUnusable: a file is missing or broken, or of an architecture this runtime does not know.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        config_path, weights_path = folder / "config.json", folder / "model.safetensors"
        for path in (config_path, weights_path):
            if not path.is_file():
                raise ModelUnusable(f"the model folder {folder.name} holds no {path.name}")
        try:
            config = json.loads(config_path.read_text())
            architecture = config["architecture"]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelUnusable(f"config.json of {folder.name} cannot be read: {error}") from error
        if architecture != "rnn":
            raise ModelUnusable(f"this container composes with architecture 'rnn', not {architecture!r}")
        try:
            stored = load_file(weights_path)
        except (SafetensorError, OSError) as error:
            raise ModelUnusable(f"model.safetensors of {folder.name} cannot be read: {error}") from error
        weights = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in stored.items()}
        digest = hashlib.sha256(weights_path.read_bytes()).hexdigest()
        return Network(weights, ModelInfo(str(config.get("id", folder.name)), digest, config))

    def start(self, *, style: int, mode: int, tempo: int, slots: list[int]) -> State:
        """The state before a piece. `style` counts in config's styles; `tempo` is tokens.tempo_token's."""
        line_up = self._line_up[:, slots].sum(axis=1)
        piece = np.concatenate([self._style[style], self._mode[mode], self._tempo[tempo], line_up])
        shape = (len(self._recurrent), self.hidden)
        return State(np.zeros(shape, np.float32), np.zeros(shape, np.float32), self._piece @ piece + self._bias[0])

    def step(self, state: State, features: list[int]) -> Array:
        """Take in STEP_FEATURES, move the state on, and give the top layer's output, (hidden,)."""
        gates = state.piece.copy()
        for table, column in self._tables:
            gates += table[features[column]]
        lags = self._lag_bias.copy()
        for tables, columns in zip(self._lag_tables, _LAG_COLUMNS, strict=True):
            for table, column in zip(tables, columns, strict=True):
                lags += table[features[column]]
        np.maximum(lags, 0, out=lags)
        gates += self._lag_in @ lags
        chroma = features[_COLUMN["chroma"]]
        if chroma:
            gates += self._chroma_in[(chroma >> _CHROMA_BITS) & 1 == 1].sum(axis=0)
        output: Array | None = None
        for layer, recurrent in enumerate(self._recurrent):
            if output is not None:
                gates = self._between[layer - 1] @ output + self._bias[layer]
            gates = gates + recurrent @ state.hidden[layer]
            output = self._cell(state, layer, gates)
        assert output is not None, "a network has at least one layer"
        return output

    def time_logits(self, output: Array, features: list[int]) -> Array:
        projected: Array = self._time @ output + self._time_bias
        logits: Array = projected[: -len(LAGS)]
        gates: Array = projected[-len(LAGS) :]
        for gate, column in zip(gates, _LAG_TIMES, strict=True):
            if features[column] != TIME_START:
                logits[features[column]] += gate
        return logits

    def heads(self, output: Array) -> Array:
        """The share of the output in the other heads' hidden layers, (4, head), computed once a note."""
        result: Array = (self._heads @ output + self._heads_bias).reshape(4, -1)
        return result

    def slot_logits(self, heads: Array, features: list[int], time: int, position: int) -> Array:
        z = np.maximum(heads[0] + self._slot_time[time] + self._slot_position[position], 0)
        projected: Array = self._slot @ z + self._slot_bias
        logits: Array = projected[: -len(LAGS)]
        gates: Array = projected[-len(LAGS) :]
        _copy(logits, gates, [features[column] for column in _LAG_SLOTS])
        return logits

    def duration_logits(self, heads: Array, note: list[int], position: int, slot: int) -> Array:
        """`note`: NOTE_FEATURES."""
        last = note[4]
        z = np.maximum(
            heads[1] + self._duration_position[position] + self._duration_slot[slot] + self._duration_last[last], 0
        )
        projected: Array = self._duration @ z + self._duration_bias
        count = len(LAGS) + 1
        logits: Array = projected[:-count]
        gates: Array = projected[-count:]
        _copy(logits, gates, [*note[5 + len(LAGS) :], last])
        return logits

    def pitch_logits(self, heads: Array, note: list[int], position: int, slot: int, duration: int) -> Array:
        """`note`: NOTE_FEATURES."""
        last, earlier, chroma, lowest = note[:4]
        z = heads[2] + self._pitch_position[position] + self._pitch_slot[slot] + self._pitch_duration[duration]
        z += self._pitch_last[last]
        z += self._pitch_earlier[earlier]
        z += self._pitch_lowest[lowest]
        if chroma:
            z += self._pitch_chroma[(chroma >> _CHROMA_BITS) & 1 == 1].sum(axis=0)
        np.maximum(z, 0, out=z)
        projected: Array = self._pitch @ z + self._pitch_bias
        logits: Array = projected[:PITCH_SIZE]
        gates, intervals, chord = np.split(projected[PITCH_SIZE:], [len(LAGS), len(LAGS) + 2 * INTERVALS + 1])
        _copy(logits, gates, note[5 : 5 + len(LAGS)])
        if 0 < last < DRUM_PITCH:
            logits[1:DRUM_PITCH] += intervals[np.clip(_PITCHES - last, -INTERVALS, INTERVALS) + INTERVALS]
        if lowest:
            logits[1:DRUM_PITCH] += chord[(_PITCHES - lowest) % 12]
        return logits

    def velocity_logits(self, heads: Array, position: int, pitch: int) -> Array:
        z = np.maximum(heads[3] + self._velocity_position[position] + self._velocity_pitch[pitch], 0)
        result: Array = self._velocity @ z + self._velocity_bias
        return result

    def _cell(self, state: State, layer: int, gates: Array) -> Array:
        """torch.nn.LSTM's cell: gates in the order input, forget, candidate, output."""
        size = self.hidden
        opened = 1 / (1 + np.exp(-gates))
        candidate = np.tanh(gates[2 * size : 3 * size])
        cell = opened[size : 2 * size] * state.cell[layer] + opened[:size] * candidate
        hidden: Array = opened[3 * size :] * np.tanh(cell)
        state.cell[layer] = cell
        state.hidden[layer] = hidden
        return hidden

    def _prepare(self, weights: dict[str, Array], *, layers: int) -> None:
        first = weights["lstm.weight_ih_l0"]
        self.hidden = first.shape[0] // 4
        # The blocks of the first layer's input, in the order in which architectures/rnn.py concatenates them.
        blocks: dict[str, Array] = {}
        start = 0
        sizes = {name: weights[f"{name}.weight"].shape[1] for name in (*_EVENT, *_PLACE)}
        sizes["lags"] = weights["lag.weight"].shape[0]
        sizes["chroma"] = 12
        sizes["lowest"] = weights["lowest.weight"].shape[1]
        sizes["piece"] = first.shape[1] - sum(sizes.values())
        for name, size in sizes.items():
            blocks[name] = np.ascontiguousarray(first[:, start : start + size])
            start += size
        self._tables = [
            (np.ascontiguousarray(weights[f"{name}.weight"] @ blocks[name].T), _COLUMN[name])
            for name in (*_EVENT, *_PLACE, "lowest")
        ]
        self._chroma_in = np.ascontiguousarray(blocks["chroma"].T)
        self._lag_in = blocks["lags"]
        self._piece = blocks["piece"]
        self._lag_bias = weights["lag.bias"]
        self._lag_tables = []
        start = 0
        for _ in LAGS:
            tables = []
            for name in _LAG_FIELDS:
                table = weights[f"{name}.weight"]
                tables.append(np.ascontiguousarray(table @ weights["lag.weight"][:, start : start + table.shape[1]].T))
                start += table.shape[1]
            self._lag_tables.append(tables)
        self._style, self._mode = weights["style.weight"], weights["mode.weight"]
        self._tempo, self._line_up = weights["tempo.weight"], weights["line_up.weight"]
        if len(self._style) != len(self.info.styles) or len(self._tempo) != len(TEMPO_BOUNDS) + 1:
            raise ValueError("the style table has another length than the list of styles")
        self._recurrent = [weights[f"lstm.weight_hh_l{layer}"] for layer in range(layers)]
        self._between = [weights[f"lstm.weight_ih_l{layer}"] for layer in range(1, layers)]
        self._bias = [weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"] for layer in range(layers)]

        def stack(*names: str) -> tuple[Array, Array]:
            return (
                np.concatenate([weights[f"{name}.weight"] for name in names]),
                np.concatenate([weights[f"{name}.bias"] for name in names]),
            )

        self._time, self._time_bias = stack("time_out", "time_gate")
        self._heads, self._heads_bias = stack("slot_head", "duration_head", "pitch_head", "velocity_head")
        self._slot, self._slot_bias = stack("slot_out", "slot_gate")
        self._duration, self._duration_bias = stack("duration_out", "duration_gate")
        self._pitch, self._pitch_bias = stack("pitch_out", "pitch_gate", "pitch_interval", "pitch_chord")
        self._velocity, self._velocity_bias = stack("velocity_out")
        self._slot_time, self._slot_position = weights["slot_time.weight"], weights["slot_position.weight"]
        self._duration_position = weights["duration_position.weight"]
        self._duration_slot = weights["duration_slot.weight"]
        self._duration_last = weights["duration_last.weight"]
        self._pitch_position, self._pitch_slot = weights["pitch_position.weight"], weights["pitch_slot.weight"]
        self._pitch_duration, self._pitch_last = weights["pitch_duration.weight"], weights["pitch_last.weight"]
        self._pitch_earlier, self._pitch_lowest = weights["pitch_earlier.weight"], weights["pitch_lowest.weight"]
        self._pitch_chroma = np.ascontiguousarray(weights["pitch_chroma.weight"].T)
        self._velocity_position = weights["velocity_position.weight"]
        self._velocity_pitch = weights["velocity_pitch.weight"]


def _copy(logits: Array, gates: Array, tokens: list[int]) -> None:
    """Raise the logits of `tokens` by the gates beside them; token 0 is nothing."""
    for gate, token in zip(gates, tokens, strict=True):
        if token:
            logits[token] += gate
