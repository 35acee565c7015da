"""Hyperparameters of the GAN."""

from typing import Literal

from pydantic import Field

from bandmate_model.training.options import RunOptions


class GanOptions(RunOptions):
    """Field names are the hyperparameters' names."""

    architecture: Literal["gan"] = "gan"
    penalty: float = Field(1.0, ge=0.0, le=10_000)
    """Weight of the gradient penalty. With 10 the critic learns nothing; with 0.1 it dominates the generator."""
    penalty_steps: int = Field(2, ge=1, le=64)
    """The penalty is applied every N steps, scaled by N."""
    critic_steps: int = Field(1, ge=1, le=20)
    """Steps of the critic per step of the generator."""
    imitation: float = Field(1.0, ge=0.0, le=1000)
    """Weight of the likelihood of the real block's cells at the start of the run."""
    imitation_last: float = Field(0.2, ge=0.0, le=1000)
    """The same weight at the end of the run."""
    warmup_share: float = Field(0.1, ge=0.0, le=0.9)
    """Share of the run in which the generator learns by imitation alone."""
    neuron_noise: float = Field(1.0, ge=0.0, le=4.0)
    """Scale of the logistic noise of the neurons for onsets: 0 decides by the logit alone."""
    step_width: int = Field(48, ge=4, le=1024)
    beat_width: int = Field(96, ge=4, le=2048)
    mixers: int = Field(3, ge=1, le=16)
    head: int = Field(40, ge=4, le=1024)
    noise: int = Field(48, ge=1, le=1024)
    bar_noise: int = Field(16, ge=1, le=1024)
    batch: int = Field(32, ge=2, le=4096)
    learning_rate: float = Field(1e-3, ge=1e-7, le=1.0)
    critic_learning_rate: float = Field(2e-3, ge=1e-7, le=1.0)
    averaging: float = Field(0.995, ge=0.0, le=0.99999)
    """Decay of the running mean of the generator's weights, which is what is published."""
    evaluate_steps: int = Field(200, ge=1, le=1_000_000)
    evaluation_blocks: int = Field(384, ge=8, le=100_000)
    """Blocks of the validation split that generated ones are compared with."""
