"""Hyperparameters of the GAN: strings in, typed and checked values out."""

from dataclasses import dataclass, field, fields
from typing import Any

from bandmate_model.band import BandRecipe
from bandmate_model.device import DEVICES
from bandmate_model.options import value_of

KINDS = ("wgan", "logistic")


@dataclass(frozen=True, slots=True)
class GanOptions:
    """Everything a training of the GAN can be told. Field names are the hyperparameters' names."""

    architecture: str = "gan"
    loss: str = "logistic"
    """logistic or wgan: see losses.py."""
    penalty: float = field(default=1.0, metadata={"least": 0.0, "most": 10_000})
    """Weight of the gradient penalty. With loss=logistic 10 leaves a critic that learns nothing and 0.1 one that wins;
    wgan wants 10."""
    penalty_steps: int = field(default=2, metadata={"least": 1, "most": 64})
    """The penalty is applied at every so manieth step, as many times as strong."""
    critic_steps: int = field(default=1, metadata={"least": 1, "most": 20})
    """Steps of the critic for one of the generator."""
    imitation: float = field(default=1.0, metadata={"least": 0.0, "most": 1000})
    """Weight of the likelihood of the real block's cells, which shows the generator the way at first."""
    imitation_last: float = field(default=0.2, metadata={"least": 0.0, "most": 1000})
    """What that weight has fallen to by the end."""
    warmup_share: float = field(default=0.1, metadata={"least": 0.0, "most": 0.9})
    """The share of the run in which the generator learns by imitation alone."""
    neuron_noise: float = field(default=1.0, metadata={"least": 0.0, "most": 4.0})
    """Spread of the logistic noise of the neurons for onsets: 0 decides by the logit alone."""
    step_width: int = field(default=48, metadata={"least": 4, "most": 1024})
    beat_width: int = field(default=96, metadata={"least": 4, "most": 2048})
    mixers: int = field(default=3, metadata={"least": 1, "most": 16})
    head: int = field(default=40, metadata={"least": 4, "most": 1024})
    noise: int = field(default=48, metadata={"least": 1, "most": 1024})
    bar_noise: int = field(default=16, metadata={"least": 1, "most": 1024})
    batch: int = field(default=32, metadata={"least": 2, "most": 4096})
    epochs: float = field(default=0.0, metadata={"least": 0.0, "most": 10_000})
    """0: ten. A new block is drawn for every slice of the dataset in an epoch."""
    max_steps: int = field(default=0, metadata={"least": 0, "most": 100_000_000})
    """0: as many as the epochs need."""
    max_minutes: float = field(default=0.0, metadata={"least": 0.0, "most": 100_000})
    """0: no limit."""
    learning_rate: float = field(default=1e-3, metadata={"least": 1e-7, "most": 1.0})
    critic_learning_rate: float = field(default=2e-3, metadata={"least": 1e-7, "most": 1.0})
    averaging: float = field(default=0.995, metadata={"least": 0.0, "most": 0.99999})
    """The generator that is kept is a running mean of its steps' weights."""
    mix_power: float = field(default=0.7, metadata={"least": 0.0, "most": 1.0})
    """1: styles weigh by their size; 0: all alike."""
    band: str = ""
    """`songs+drums=band`: see band.py."""
    seed: int = field(default=1, metadata={"least": 0, "most": 2**31})
    device: str = "auto"
    """auto: a GPU if there is one; or cpu, cuda."""
    threads: int = field(default=0, metadata={"least": 0, "most": 1024})
    """0: one a core."""
    log_steps: int = field(default=20, metadata={"least": 1, "most": 1_000_000})
    evaluate_steps: int = field(default=200, metadata={"least": 1, "most": 1_000_000})
    evaluation_blocks: int = field(default=384, metadata={"least": 8, "most": 100_000})
    """Blocks of the validation split that generated ones are compared with."""
    checkpoint_minutes: float = field(default=5.0, metadata={"least": 0.01, "most": 10_000})
    id: str = ""
    """Name in config.json; empty: 'model'."""

    @staticmethod
    def parse(values: dict[str, str]) -> "GanOptions":
        """From strings.

        Raises:
            ValueError: an unknown name, a value of the wrong kind or out of range; the message names it.
        """
        known = {field.name: field for field in fields(GanOptions)}
        parsed: dict[str, Any] = {}
        for name, text in values.items():
            if name.startswith(("sagemaker_", "_")):  # Added by SDKs for their own toolkits.
                continue
            if name not in known:
                raise ValueError(f"unknown hyperparameter {name!r} of the gan; there are {', '.join(sorted(known))}")
            parsed[name] = value_of(name, text, type(known[name].default), known[name].metadata)
        options = GanOptions(**parsed)
        for name, value, choices in (
            ("architecture", options.architecture, ("gan",)),
            ("loss", options.loss, KINDS),
            ("device", options.device, DEVICES),
        ):
            if value not in choices:
                raise ValueError(f"{name}={value!r}; write {' or '.join(choices)}")
        BandRecipe.parse(options.band)
        return options
