"""Training hyperparameters: strings in, typed and checked values out."""

from dataclasses import dataclass, field, fields
from typing import Any

from bandmate_model.architectures import NAMES, Hyperparameters
from bandmate_model.band import BandRecipe


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Everything a training run can be told. Field names are the hyperparameters' names."""

    architecture: str = "rnn"
    hidden: int = field(default=384, metadata={"least": 8, "most": 4096})
    layers: int = field(default=2, metadata={"least": 1, "most": 8})
    head: int = field(default=192, metadata={"least": 8, "most": 4096})
    dropout: float = field(default=0.1, metadata={"least": 0.0, "most": 0.9})
    lag_dropout: float = field(default=0.1, metadata={"least": 0.0, "most": 1.0})
    streams: int = field(default=32, metadata={"least": 1, "most": 4096})
    """Pieces read side by side: the batch size."""
    steps: int = field(default=96, metadata={"least": 4, "most": 4096})
    """Events a batch goes on for: how far gradients reach back."""
    epochs: float = field(default=0.0, metadata={"least": 0.0, "most": 10_000})
    """0: eight, and on a small dataset as many as make 400 steps; the best weights are kept, not the last."""
    max_steps: int = field(default=0, metadata={"least": 0, "most": 100_000_000})
    """0: as many as the epochs need."""
    max_minutes: float = field(default=0.0, metadata={"least": 0.0, "most": 100_000})
    """0: no limit. The learning rate falls to its end by whichever limit comes first."""
    learning_rate: float = field(default=2e-3, metadata={"least": 1e-7, "most": 1.0})
    warmup_steps: int = field(default=200, metadata={"least": 0, "most": 1_000_000})
    weight_decay: float = field(default=0.01, metadata={"least": 0.0, "most": 1.0})
    clip: float = field(default=1.0, metadata={"least": 1e-3, "most": 1e3})
    mix_power: float = field(default=0.7, metadata={"least": 0.0, "most": 1.0})
    """1: styles weigh by their size; 0: all alike."""
    band: str = ""
    """`songs+drums=band`: see band.py."""
    seed: int = field(default=1, metadata={"least": 0, "most": 2**31})
    precision: str = "auto"
    """auto: bfloat16 where the processor has it; or float32, bfloat16."""
    threads: int = field(default=0, metadata={"least": 0, "most": 1024})
    """0: one a core."""
    log_steps: int = field(default=20, metadata={"least": 1, "most": 1_000_000})
    evaluate_steps: int = field(default=250, metadata={"least": 1, "most": 1_000_000})
    checkpoint_minutes: float = field(default=5.0, metadata={"least": 0.01, "most": 10_000})
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
        known = {field.name: field for field in fields(TrainingOptions)}
        parsed: dict[str, Any] = {}
        for name, text in values.items():
            if name.startswith(("sagemaker_", "_")):  # Added by SDKs for their own toolkits.
                continue
            if name not in known:
                raise ValueError(f"unknown hyperparameter {name!r}; there are {', '.join(sorted(known))}")
            parsed[name] = _value(name, text, type(known[name].default), dict(known[name].metadata))
        options = TrainingOptions(**parsed)
        if options.architecture not in NAMES:
            raise ValueError(f"unknown architecture {options.architecture!r}; there is {', '.join(NAMES)}")
        if options.precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"precision={options.precision!r}; write auto, float32 or bfloat16")
        BandRecipe.parse(options.band)
        return options

    def network(self) -> Hyperparameters:
        return Hyperparameters(
            hidden=self.hidden, layers=self.layers, head=self.head, dropout=self.dropout, lag_dropout=self.lag_dropout
        )


def _value(name: str, text: str, kind: type, limits: dict[str, float]) -> Any:
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
