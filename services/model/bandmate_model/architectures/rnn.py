"""The LSTM composer: one step a note, the note's fields one after the other from small heads.

Heads add learned biases at four kinds of place: what stood here one, two, four or eight bars ago (copying is one
decision), the interval from the part's last pitch (melody moves alike in every register), the interval above the lowest
sounding pitch (harmony), and the token itself. Weights follow torch.nn.LSTM; runtime.py reads them with numpy.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from bandmate_model.architectures.base import Architecture, Hyperparameters, Vocabulary
from bandmate_model.context import COLUMNS, LAGS
from bandmate_model.tokens import (
    DRUM_PITCH,
    DURATION_SIZE,
    METRES,
    PITCH_SIZE,
    POSITION_NONE,
    SLOT_SIZE,
    TEMPO_BOUNDS,
    TIME_BAR,
    TIME_SIZE,
    TIME_START,
    VELOCITY_SIZE,
)

FIELDS = ("time", "slot", "duration", "pitch", "velocity")
MODES = ("major", "minor")
CONDITIONS = 3 + SLOT_SIZE
"""Condition columns: style, mode, tempo class, then one flag a slot token."""
INTERVALS = 24
"""Melodic intervals up to two octaves have a bias of their own; wider ones share the last."""

_COLUMN = {name: index for index, name in enumerate(COLUMNS)}
_LAG_COLUMNS = [[_COLUMN[f"lag{lag}_{name}"] for name in ("time", "slot", "duration", "pitch")] for lag in LAGS]
_LAG_PITCH = [_COLUMN[f"lag{lag}_note_pitch"] for lag in LAGS]
_LAG_DURATION = [_COLUMN[f"lag{lag}_note_duration"] for lag in LAGS]


class Composer(nn.Module):
    """See architectures.base.Architecture for what forward takes and gives."""

    def __init__(self, vocabulary: Vocabulary, sizes: Hyperparameters) -> None:
        super().__init__()
        self.sizes = sizes
        hidden, head = sizes.hidden, sizes.head
        self.time = nn.Embedding(TIME_SIZE, 32)
        self.slot = nn.Embedding(SLOT_SIZE, 24)
        self.duration = nn.Embedding(DURATION_SIZE, 24)
        self.pitch = nn.Embedding(PITCH_SIZE, 64)
        self.velocity = nn.Embedding(VELOCITY_SIZE, 8)
        self.position = nn.Embedding(POSITION_NONE + 1, 32)
        self.metre = nn.Embedding(len(METRES), 12)
        self.remaining = nn.Embedding(7, 16)
        self.phrase = nn.Embedding(8, 8)
        self.opening = nn.Embedding(7, 8)
        self.lowest = nn.Embedding(PITCH_SIZE, 16)
        self.style = nn.Embedding(len(vocabulary.styles), 32)
        self.mode = nn.Embedding(len(MODES), 4)
        self.tempo = nn.Embedding(len(TEMPO_BOUNDS) + 1, 8)
        self.line_up = nn.Linear(SLOT_SIZE, 32, bias=False)
        self.lag = nn.Linear(len(LAGS) * (32 + 24 + 24 + 64), 128)
        width = (32 + 24 + 24 + 64 + 8) + (32 + 12 + 16 + 8 + 8) + 128 + (12 + 16) + (32 + 4 + 8 + 32)
        self.lstm = nn.LSTM(width, hidden, sizes.layers, batch_first=True, dropout=sizes.dropout)
        self.drop = nn.Dropout(sizes.dropout)

        self.time_out = nn.Linear(hidden, TIME_SIZE)
        self.time_gate = nn.Linear(hidden, len(LAGS))

        self.slot_head = nn.Linear(hidden, head)
        self.slot_time = nn.Embedding(TIME_SIZE, head)
        self.slot_position = nn.Embedding(POSITION_NONE + 1, head)
        self.slot_out = nn.Linear(head, SLOT_SIZE)
        self.slot_gate = nn.Linear(head, len(LAGS))

        self.duration_head = nn.Linear(hidden, head)
        self.duration_position = nn.Embedding(POSITION_NONE + 1, head)
        self.duration_slot = nn.Embedding(SLOT_SIZE, head)
        self.duration_last = nn.Embedding(DURATION_SIZE, head)
        self.duration_out = nn.Linear(head, DURATION_SIZE)
        self.duration_gate = nn.Linear(head, len(LAGS) + 1)

        self.pitch_head = nn.Linear(hidden, head)
        self.pitch_position = nn.Embedding(POSITION_NONE + 1, head)
        self.pitch_slot = nn.Embedding(SLOT_SIZE, head)
        self.pitch_duration = nn.Embedding(DURATION_SIZE, head)
        self.pitch_last = nn.Embedding(PITCH_SIZE, head)
        self.pitch_earlier = nn.Embedding(PITCH_SIZE, head)
        self.pitch_lowest = nn.Embedding(PITCH_SIZE, head)
        self.pitch_chroma = nn.Linear(12, head, bias=False)
        self.pitch_out = nn.Linear(head, PITCH_SIZE)
        self.pitch_gate = nn.Linear(head, len(LAGS))
        self.pitch_interval = nn.Linear(head, 2 * INTERVALS + 1)
        self.pitch_chord = nn.Linear(head, 12)

        self.velocity_head = nn.Linear(hidden, head)
        self.velocity_position = nn.Embedding(POSITION_NONE + 1, head)
        self.velocity_pitch = nn.Embedding(PITCH_SIZE, head)
        self.velocity_out = nn.Linear(head, VELOCITY_SIZE)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.1)

    def forward(
        self, rows: Tensor, conditions: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        rows = rows.long()
        if self.training and self.sizes.lag_dropout:
            rows = self._forget_lags(rows)
        hidden, state = self.lstm(self.inputs(rows, conditions), state)
        hidden = self.drop(hidden)
        logits = self.logits(rows, hidden)
        losses = [
            functional.cross_entropy(
                logits[number].flatten(0, 1).float(), rows[..., _COLUMN[f"target_{name}"]].flatten(),
                ignore_index=-1 if name == "time" else 0, reduction="none",
            ).view(rows.shape[:2])
            for number, name in enumerate(FIELDS)
        ]  # fmt: skip
        return torch.stack(losses), cast(tuple[Tensor, Tensor], state)

    def inputs(self, rows: Tensor, conditions: Tensor) -> Tensor:
        """The LSTM's inputs, (streams, steps, width)."""

        def at(name: str) -> Tensor:
            return rows[..., _COLUMN[name]]

        lags = torch.cat(
            [
                table(rows[..., column])
                for columns in _LAG_COLUMNS
                for table, column in zip((self.time, self.slot, self.duration, self.pitch), columns, strict=True)
            ],
            dim=-1,
        )
        piece = torch.cat(
            [
                self.style(conditions[:, 0]),
                self.mode(conditions[:, 1]),
                self.tempo(conditions[:, 2]),
                self.line_up(conditions[:, 3:].to(self.line_up.weight.dtype)),
            ],
            dim=-1,
        )
        return torch.cat(
            [
                self.time(at("time")), self.slot(at("slot")), self.duration(at("duration")), self.pitch(at("pitch")),
                self.velocity(at("velocity")),
                self.position(at("position")), self.metre(at("metre")), self.remaining(at("remaining")),
                self.phrase(at("phrase")), self.opening(at("opening")),
                functional.relu(self.lag(lags)),
                _bits(at("chroma")), self.lowest(at("lowest")),
                piece.unsqueeze(1).expand(-1, rows.shape[1], -1),
            ],
            dim=-1,
        )  # fmt: skip

    def logits(self, rows: Tensor, hidden: Tensor) -> list[Tensor]:
        """For each of FIELDS, (streams, steps, vocabulary), given the true earlier fields of the same event."""

        def at(name: str) -> Tensor:
            return rows[..., _COLUMN[name]]

        time = self.time_out(hidden)
        lag_times = rows[..., [columns[0] for columns in _LAG_COLUMNS]]
        time = _copy(time, lag_times, self.time_gate(hidden), lag_times != TIME_START)

        here = at("target_position")
        z = functional.relu(
            self.slot_head(hidden) + self.slot_time(at("target_time").clamp(min=0)) + self.slot_position(here)
        )
        lag_slots = rows[..., [columns[1] for columns in _LAG_COLUMNS]]
        slot = _copy(self.slot_out(z), lag_slots, self.slot_gate(z), lag_slots > 0)

        z = functional.relu(
            self.duration_head(hidden)
            + self.duration_position(here)
            + self.duration_slot(at("target_slot"))
            + self.duration_last(at("last_duration"))
        )
        known = rows[..., [*_LAG_DURATION, _COLUMN["last_duration"]]]
        duration = _copy(self.duration_out(z), known, self.duration_gate(z), known > 0)

        last, lowest = at("last_pitch"), at("note_lowest")
        z = functional.relu(
            self.pitch_head(hidden)
            + self.pitch_position(here)
            + self.pitch_slot(at("target_slot"))
            + self.pitch_duration(at("target_duration"))
            + self.pitch_last(last)
            + self.pitch_earlier(at("earlier_pitch"))
            + self.pitch_lowest(lowest)
            + self.pitch_chroma(_bits(at("note_chroma")))
        )
        lag_pitches = rows[..., _LAG_PITCH]
        pitch = _copy(self.pitch_out(z), lag_pitches, self.pitch_gate(z), lag_pitches > 0)
        tokens = torch.arange(1, DRUM_PITCH, device=rows.device)
        steps = (tokens - last.unsqueeze(-1)).clamp(-INTERVALS, INTERVALS) + INTERVALS
        melodic = self.pitch_interval(z).gather(-1, steps)
        melodic = melodic * ((last > 0) & (last < DRUM_PITCH)).unsqueeze(-1)
        chordal = self.pitch_chord(z).gather(-1, (tokens - lowest.unsqueeze(-1)) % 12)
        chordal = chordal * (lowest > 0).unsqueeze(-1)
        pitch = pitch + functional.pad(melodic + chordal, (1, PITCH_SIZE - DRUM_PITCH))

        z = functional.relu(
            self.velocity_head(hidden) + self.velocity_position(here) + self.velocity_pitch(at("target_pitch"))
        )
        return [time, slot, duration, pitch, self.velocity_out(z)]

    def _forget_lags(self, rows: Tensor) -> Tensor:
        """Hide each lag from whole streams now and then, so that the model can also go on without copying."""
        rows = rows.clone()
        for number in range(len(LAGS)):
            hidden = torch.rand(rows.shape[0]) < self.sizes.lag_dropout
            if hidden.any():
                rows[hidden, :, _LAG_COLUMNS[number][0]] = TIME_START
                for column in (*_LAG_COLUMNS[number][1:], _LAG_PITCH[number], _LAG_DURATION[number]):
                    rows[hidden, :, column] = 0
        return rows


def _bits(chroma: Tensor) -> Tensor:
    """Twelve flags out of a pitch-class bit set."""
    return ((chroma.unsqueeze(-1) >> torch.arange(12, device=chroma.device)) & 1).float()


def _copy(logits: Tensor, tokens: Tensor, gates: Tensor, valid: Tensor) -> Tensor:
    """Raise the logits of `tokens` (…, k) by `gates` (…, k) where `valid`."""
    return logits.scatter_add(-1, tokens, (gates * valid).to(logits.dtype))


def _build(vocabulary: Vocabulary, sizes: Hyperparameters) -> nn.Module:
    return Composer(vocabulary, sizes)


ARCHITECTURE = Architecture("rnn", _build)
__all__ = ["ARCHITECTURE", "CONDITIONS", "FIELDS", "MODES", "TIME_BAR", "Composer"]
