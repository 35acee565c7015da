"""Training hyperparameters: SageMaker's strings in, typed and checked values out."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from bandmate_model.architectures.base import Hyperparameters
from bandmate_model.data.band import BandRecipe
from bandmate_model.model_files import ARCHITECTURES

DEFAULT_FAMILY = "transformer"

Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class RunOptions(BaseModel):
    """Hyperparameters that every family has. Field names are the hyperparameters' names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NO_EFFECT: ClassVar = frozenset({"id", "threads", "device", "log_steps", "checkpoint_minutes"})
    """May differ when a run resumes from a checkpoint: the weights stay the same, up to rounding."""

    architecture: str = DEFAULT_FAMILY
    epochs: float = Field(0.0, ge=0.0, le=10_000)
    """0: the family's usual number, and on a small dataset as many as make 400 steps. The best weights are published,
    not the last."""
    max_steps: int = Field(0, ge=0, le=100_000_000)
    """0: as many as the epochs need."""
    max_minutes: float = Field(0.0, ge=0.0, le=100_000)
    """0: no limit. The learning rate decays until whichever limit comes first."""
    mix_power: float = Field(0.7, ge=0.0, le=1.0)
    """1: styles are weighted by their size; 0: all equally."""
    band: Text = ""
    """`songs+drums=band`: see data/band.py."""
    seed: int = Field(1, ge=0, le=2**31)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a GPU if there is one."""
    threads: int = Field(0, ge=0, le=1024)
    """0: one per core."""
    log_steps: int = Field(20, ge=1, le=1_000_000)
    evaluate_steps: int = Field(250, ge=1, le=1_000_000)
    checkpoint_minutes: float = Field(5.0, ge=0.01, le=10_000)
    id: Text = ""
    """Name in config.json; empty: 'model'."""

    @field_validator("band")
    @classmethod
    def _check_band(cls, band: str) -> str:
        BandRecipe.parse(band)
        return band

    @classmethod
    def names(cls, family: str) -> list[str]:  # noqa: ARG003
        """The hyperparameters that a family knows."""
        return sorted(cls.model_fields)

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Self:
        """Options from hyperparameters.

        Raises:
            ValueError: an unknown name, a value of the wrong kind or out of range; the message names it.
        """
        family = family_of(values, str(cls.model_fields["architecture"].default))
        names = cls.names(family)
        texts: dict[str, str] = {}
        for name, text in values.items():
            if name.startswith(("sagemaker_", "_")):  # Added by SDKs for their own toolkits.
                continue
            if name not in names:
                raise ValueError(f"unknown hyperparameter {name!r}; those of the {family} are {', '.join(names)}")
            texts[name] = text.strip().strip('"')  # SDK 3 writes JSON, SDK 2 plain text.
        try:
            return cls.model_validate(cls.defaults(family) | texts)
        except ValidationError as error:
            raise ValueError(cls._explain(error)) from None

    @classmethod
    def defaults(cls, family: str) -> dict[str, Any]:
        """Values that differ from the fields' own defaults in a family."""
        return {"architecture": family}

    def decisive(self) -> dict[str, Any]:
        """The options that decide what the weights become: a checkpoint is of the same run only if they agree."""
        return self.model_dump(exclude=set(self.NO_EFFECT))

    @classmethod
    def _explain(cls, error: ValidationError) -> str:
        """The first error in words: the hyperparameter, its value and what is allowed."""
        first_error = error.errors(include_url=False)[0]
        name, text = str(first_error["loc"][0]), first_error["input"]
        field = cls.model_fields[name]
        if first_error["type"] == "literal_error":
            *choices, last_choice = get_args(field.annotation)
            return f"{name}={text!r}; write {', '.join(choices)}{' or ' if choices else ''}{last_choice}"
        if first_error["type"] == "value_error":
            return str(first_error["ctx"]["error"])
        if first_error["type"] in ("greater_than_equal", "less_than_equal"):
            lowest, highest = (
                next(getattr(limit, key) for limit in field.metadata if hasattr(limit, key)) for key in ("ge", "le")
            )
            return f"hyperparameter {name}={text}: it has to lie in {lowest}..{highest}"
        return f"hyperparameter {name}={text!r} is no {'whole ' if field.annotation is int else ''}number"


class TrainingOptions(RunOptions):
    """Hyperparameters of the token composers, transformer and rnn."""

    NO_EFFECT: ClassVar = RunOptions.NO_EFFECT | {"evaluation_takes", "samples"}
    TRANSFORMER_ONLY: ClassVar = frozenset({"heads", "key_heads", "feedforward", "window"})

    hidden: int = Field(256, ge=8, le=8192)
    """Of the rnn 512."""
    layers: int = Field(6, ge=1, le=96)
    """Of the rnn 2."""
    heads: int = Field(2, ge=1, le=128)
    """Few wide heads train fastest on a CPU."""
    key_heads: int = Field(1, ge=1, le=128)
    """Heads of keys and values, shared by the query heads: fewer of them make the cache of a song smaller."""
    feedforward: int = Field(640, ge=8, le=32768)
    """Width between the two halves of a layer."""
    window: int = Field(1024, ge=64, le=65536)
    """Longest context in tokens when composing."""
    dropout: float = Field(0.0, ge=0.0, le=0.9)
    """Of the rnn 0.1."""
    streams: int = Field(16, ge=1, le=4096)
    """Rows of a batch, each packed with windows of pieces."""
    steps: int = Field(512, ge=16, le=8192)
    """Tokens per row: the longest context in training."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """muon: Muon for the matrices inside the layers, AdamW for the rest; or adamw for all."""
    learning_rate: float = Field(4e-3, ge=1e-7, le=1.0)
    warmup_steps: int = Field(100, ge=0, le=1_000_000)
    weight_decay: float = Field(0.01, ge=0.0, le=1.0)
    clip: float = Field(1.0, ge=1e-3, le=1e3)
    """Largest norm of the gradient over all parameters."""
    augment: float = Field(0.1, ge=0.0, le=1.0)
    """Share of the pieces labelled one tempo class faster or slower than they are."""
    octaves: float = Field(0.0, ge=0.0, le=1.0)
    """Share of the pieces moved by an octave, drums left out, where all pitches stay in range."""
    patience: int = Field(0, ge=0, le=10_000)
    """Evaluations without a better validation loss after which the run ends; 0: never."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 where the processor has it."""
    samples: int = Field(1, ge=0, le=64)
    """MIDI files composed at each evaluation, the styles in turn; 0: none."""
    evaluation_takes: int = Field(2, ge=0, le=1000)
    """Takes composed per style after training, to measure them."""

    @classmethod
    def names(cls, family: str) -> list[str]:
        if family not in ("transformer", "rnn"):
            raise ValueError(f"the {family} has hyperparameters of its own")
        return sorted(set(cls.model_fields) - (cls.TRANSFORMER_ONLY if family == "rnn" else set()))

    @classmethod
    def defaults(cls, family: str) -> dict[str, Any]:
        family_defaults = {"hidden": 512, "layers": 2, "dropout": 0.1} if family == "rnn" else {}
        return {"architecture": family, **family_defaults}

    def network(self) -> Hyperparameters:
        names = ("hidden", "layers", "heads", "key_heads", "feedforward", "window", "dropout")
        return Hyperparameters(**self.model_dump(include=set(names)))


def family_of(values: Mapping[str, str], default: str = DEFAULT_FAMILY) -> str:
    """The hyperparameter `architecture`.

    Raises:
        ValueError: there is no such family.
    """
    family = values.get("architecture", default).strip().strip('"')
    if family not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {family!r}; there is {', '.join(ARCHITECTURES)}")
    return family
