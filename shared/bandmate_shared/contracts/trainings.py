"""Training requests, and the manifest by which a registered model is known."""

from typing import Any, Literal

from pydantic import Field

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.datasets import DatasetName
from bandmate_shared.contracts.songs import ModelName

Architecture = Literal["rnn", "gan", "transformer"]


class TrainingRequest(Contract):
    """Train a model on a dataset. Hyperparameters left out take the defaults of the architecture, which has its own."""

    dataset: DatasetName
    dataset_version: str | None = None
    architecture: Architecture = "transformer"
    hyperparameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    name: ModelName | None = Field(None, description="The model's id; None: made from dataset and job.")
    initial: ModelName | None = Field(
        None, description="A model, by id or alias, whose weights the training starts from where they fit."
    )
    promote: bool = Field(False, description="Promote to production when the evaluation gate passes.")


class ModelFile(Contract):
    """One file of a model, in the store under its hash."""

    name: str
    sha256: str
    size: int


class ModelManifest(Contract):
    """`models/<id>/manifest.json`: the model's files and where it came from."""

    id: ModelName
    architecture: str
    sha256: str = Field(description="Hash of the weights file.")
    files: list[ModelFile]
    dataset: dict[str, str] = Field(description="name, version, sha256.")
    code_version: str
    hyperparameters: dict[str, Any]
    metrics: dict[str, float]
    created: str = Field(description="RFC 3339.")
    job_id: str | None = None
    initial: str | None = Field(None, description="Id of the model whose weights the training started from.")


class ModelAlias(Contract):
    """`models/aliases/<alias>/<revision>.json`: what an alias means from that revision on, and meant before.

    `history` has the newest last; rolling back takes from its end. An empty `model` unsets the alias.
    """

    alias: str
    model: str
    history: list[str] = Field(default_factory=list)


class ModelView(ModelManifest):
    """A model as `GET /v1/models` shows it."""

    aliases: list[str] = Field(default_factory=list, description="The aliases that mean this model now.")


class ModelList(Contract):
    """Every model that the caller may use, newest first."""

    items: list[ModelView]


class AliasChange(Contract):
    """What `promote` and `rollback` may be told; both work without a body."""

    alias: ModelName = "production"
    expected: ModelName | None = Field(
        None, description="The model that the alias means now; if it means another by then, nothing is changed (409)."
    )
    force: bool = Field(
        False, description="Promote a model that is measurably worse than the current one, or not comparable with it."
    )
