"""Settings of the model container."""

from pathlib import Path

from bandmate_shared.settings import SharedSettings
from pydantic import Field


class ModelSettings(SharedSettings):
    """Locations of SageMaker's folders and options of the server."""

    ml_root: Path = Field(Path("/opt/ml"), description="SageMaker's folder: input, model, output, checkpoints.")
    model_host: str = Field("127.0.0.1", description="Address the model server binds; the image sets 0.0.0.0.")
    model_port: int = Field(8080, ge=1, le=65535, description="Port of the model server; SageMaker wants 8080.")
    model_max_loaded: int = Field(8, ge=1, description="Models held in memory; loading one more answers 507.")
    model_max_body_bytes: int = Field(6_291_456, ge=1, description="Largest request; SageMaker's own limit.")
    model_seconds: float = Field(55.0, gt=0, description="Longest time for one request; SageMaker allows 60 s.")
    hosts_port: int = Field(29400, ge=1, le=65535, description="Where the first of several training hosts listens.")
    hosts_start_seconds: float = Field(600.0, gt=0, description="How long training hosts wait for each other to come.")
    hosts_silence_seconds: float = Field(
        300.0, gt=0, description="A training host that says nothing for this long is lost, and the training with it."
    )
