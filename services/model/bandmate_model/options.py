"""Training hyperparameters of the token composers: strings in, typed and checked values out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bandmate_model.architectures import NAMES, Hyperparameters
from bandmate_model.band import BandRecipe
from bandmate_model.device import DEVICES, PRECISIONS

DEFAULT_FAMILY = "transformer"
OPTIMIZERS = ("muon", "adamw")
_FAMILY_DEFAULTS: dict[str, dict[str, Any]] = {"rnn": {"hidden": 512, "layers": 2, "dropout": 0.1}}
"""Where a family's defaults are others than those below."""
_WITHOUT_EFFECT = ("id", "threads", "device", "log_steps", "checkpoint_minutes", "evaluation_takes", "samples")
"""What may differ when a run goes on from a checkpoint: it leads to the same weights, up to rounding."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Everything a training run can be told. Field names are the hyperparameters' names; `of` is the only family that
    knows one."""

    architecture: str = DEFAULT_FAMILY
    hidden: int = field(default=256, metadata={"least": 8, "most": 8192})
    """Of the rnn 512."""
    layers: int = field(default=6, metadata={"least": 1, "most": 96})
    """Of the rnn 2."""
    heads: int = field(default=2, metadata={"least": 1, "most": 128, "of": "transformer"})
    """Few wide ones train fastest on a processor."""
    key_heads: int = field(default=1, metadata={"least": 1, "most": 128, "of": "transformer"})
    """Keys and values that the heads share: what songs in flight read of their past."""
    feedforward: int = field(default=640, metadata={"least": 8, "most": 32768, "of": "transformer"})
    """Width between the two halves of a layer."""
    window: int = field(default=1024, metadata={"least": 64, "most": 65536, "of": "transformer"})
    """Longest context, in tokens, that it composes with."""
    dropout: float = field(default=0.0, metadata={"least": 0.0, "most": 0.9})
    """Of the rnn 0.1."""
    streams: int = field(default=16, metadata={"least": 1, "most": 4096})
    """Rows of a batch, each packed with windows of pieces."""
    steps: int = field(default=512, metadata={"least": 16, "most": 8192})
    """Tokens of a row: how far a composer sees in training."""
    epochs: float = field(default=0.0, metadata={"least": 0.0, "most": 10_000})
    """0: eight, and on a small dataset as many as make 400 steps; the best weights are kept, not the last."""
    max_steps: int = field(default=0, metadata={"least": 0, "most": 100_000_000})
    """0: as many as the epochs need."""
    max_minutes: float = field(default=0.0, metadata={"least": 0.0, "most": 100_000})
    """0: no limit. The learning rate falls to its end by whichever limit comes first."""
    optimizer: str = "muon"
    """muon: Muon for the matrices inside the layers, AdamW for the rest; or adamw for all."""
    learning_rate: float = field(default=4e-3, metadata={"least": 1e-7, "most": 1.0})
    warmup_steps: int = field(default=100, metadata={"least": 0, "most": 1_000_000})
    weight_decay: float = field(default=0.01, metadata={"least": 0.0, "most": 1.0})
    clip: float = field(default=1.0, metadata={"least": 1e-3, "most": 1e3})
    """Longest gradient, as the norm over all parameters."""
    mix_power: float = field(default=0.7, metadata={"least": 0.0, "most": 1.0})
    """1: styles weigh by their size; 0: all alike."""
    augment: float = field(default=0.1, metadata={"least": 0.0, "most": 1.0})
    """Share of the pieces told to be one tempo class faster or slower than they are."""
    octaves: float = field(default=0.0, metadata={"least": 0.0, "most": 1.0})
    """Share of the pieces moved by an octave, drums left out, where they keep to the pitches there are."""
    patience: int = field(default=0, metadata={"least": 0, "most": 10_000})
    """Evaluations without a better validation loss after which the run ends; 0: it goes on to its end."""
    band: str = ""
    """`songs+drums=band`: see band.py."""
    seed: int = field(default=1, metadata={"least": 0, "most": 2**31})
    precision: str = "auto"
    """auto: bfloat16 where the processor has it; or float32, bfloat16."""
    device: str = "auto"
    """auto: a GPU if there is one; or cpu, cuda."""
    threads: int = field(default=0, metadata={"least": 0, "most": 1024})
    """0: one a core."""
    log_steps: int = field(default=20, metadata={"least": 1, "most": 1_000_000})
    evaluate_steps: int = field(default=250, metadata={"least": 1, "most": 1_000_000})
    checkpoint_minutes: float = field(default=5.0, metadata={"least": 0.01, "most": 10_000})
    samples: int = field(default=1, metadata={"least": 0, "most": 64})
    """MIDI files composed at each evaluation, the styles in turn; 0: none."""
    evaluation_takes: int = field(default=2, metadata={"least": 0, "most": 1000})
    """Takes composed a style after training, to measure them."""
    id: str = ""
    """Name in config.json; empty: 'model'."""

    @staticmethod
    def parse(values: dict[str, str]) -> "TrainingOptions":
        """From strings.

        Raises:
            ValueError: an unknown name, a value of the wrong kind or out of range; the message names it.
        """
        family = family_of(values)
        if family not in ("transformer", "rnn"):
            raise ValueError(f"the {family} has hyperparameters of its own")
        known = {field.name: field for field in fields(TrainingOptions) if field.metadata.get("of", family) == family}
        parsed: dict[str, Any] = dict(_FAMILY_DEFAULTS.get(family, {}))
        for name, text in values.items():
            if name.startswith(("sagemaker_", "_")):  # Added by SDKs for their own toolkits.
                continue
            if name not in known:
                raise ValueError(
                    f"unknown hyperparameter {name!r}; those of the {family} are {', '.join(sorted(known))}"
                )
            parsed[name] = value_of(name, text, type(known[name].default), known[name].metadata)
        options = TrainingOptions(**parsed)
        for name, value, choices in (
            ("precision", options.precision, PRECISIONS),
            ("optimizer", options.optimizer, OPTIMIZERS),
            ("device", options.device, DEVICES),
        ):
            if value not in choices:
                raise ValueError(f"{name}={value!r}; write {', '.join(choices[:-1])} or {choices[-1]}")
        BandRecipe.parse(options.band)
        return options

    def network(self) -> Hyperparameters:
        return Hyperparameters(
            hidden=self.hidden, layers=self.layers, heads=self.heads, key_heads=self.key_heads,
            feedforward=self.feedforward, window=self.window, dropout=self.dropout,
        )  # fmt: skip

    def decisive(self) -> dict[str, Any]:
        """Those that decide what the weights become: a checkpoint is of the same run only if they agree."""
        return {name: value for name, value in asdict(self).items() if name not in _WITHOUT_EFFECT}


def family_of(values: dict[str, str]) -> str:
    """The hyperparameter `architecture`.

    Raises:
        ValueError: there is no such family.
    """
    family = values.get("architecture", DEFAULT_FAMILY).strip().strip('"')
    if family not in NAMES:
        raise ValueError(f"unknown architecture {family!r}; there is {', '.join(NAMES)}")
    return family


def value_of(name: str, text: str, kind: type, limits: Mapping[str, Any]) -> Any:
    """A hyperparameter's value from its text: of `kind` and, if it is a number, within limits["least"] and ["most"].

    Raises:
        ValueError: it is not; the message names it.
    """
    text = text.strip().strip('"')  # SDK 3 writes JSON, SDK 2 plain text.
    if kind is str:
        return text
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(f"hyperparameter {name}={text!r} is no {'whole ' if kind is int else ''}number") from None
    if not limits["least"] <= value <= limits["most"]:
        raise ValueError(f"hyperparameter {name}={text}: it has to lie in {limits['least']}..{limits['most']}")
    return value
