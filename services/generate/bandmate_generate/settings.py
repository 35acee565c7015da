"""Settings of the generate service."""

import re
from functools import cache
from pathlib import Path
from typing import Literal, Self

from bandmate_shared.settings import SharedSettings
from pydantic import Field, SecretStr, model_validator

_ENDPOINT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class GenerateSettings(SharedSettings):
    """How songs are composed and rendered, and which triggers request them."""

    soundfont: Path | None = Field(
        None, description="A General MIDI soundfont (.sf2, .sf3). Empty: the first of the lookup order that exists."
    )
    candidates: int = Field(3, ge=1, le=16, description="Takes the model composes for a song; the best one is kept.")
    compose_seconds: float = Field(900.0, gt=0, description="How long to wait for the model to compose one song.")
    model_start_seconds: float = Field(
        20.0, gt=0, description="How long to wait for a model server that is not up yet, before the attempt fails."
    )

    words_url: str = Field(
        "",
        description="Base address of a server with the OpenAI chat API that writes words on demand, such as "
        "http://127.0.0.1:11434/v1. Empty: none.",
    )
    words_model: str = Field("", description="The model of that server that writes words.")
    words_api_key: SecretStr = Field(SecretStr(""), description="The key for that server, where it asks for one.")
    words_bedrock_model: str = Field(
        "", description="A model or inference profile of Amazon Bedrock that writes words on demand. Empty: none."
    )
    words_seconds: float = Field(60.0, gt=0, description="How long to wait for the words of one song.")

    watch_folder: Path | None = Field(
        None, description="A folder whose files become songs: .mid, .txt, .json. Empty: none is watched."
    )
    watch_seconds: float = Field(1.0, gt=0, description="How often the watched folder is looked through.")
    watch_settle_seconds: float = Field(
        3.0, ge=0, description="A file in the watched folder is taken when it has not changed for this long."
    )
    schedules: Path | None = Field(None, description="A TOML or JSON file of songs by the clock. Empty: none.")
    schedule_catch_up_seconds: float = Field(
        3600.0,
        ge=60,
        le=43_200,
        description="How late a scheduled song may still be asked for; of several missed, the latest one is.",
    )

    model_endpoint: Literal["http", "sagemaker", "sagemaker-async"] = Field(
        "http", description="Where models compose: the server at BANDMATE_MODEL_URL, or a SageMaker endpoint."
    )
    sagemaker_endpoint: str = Field("", description="Name of the SageMaker endpoint.")
    sagemaker_multi_model: bool = Field(
        True,
        description="Whether the real-time endpoint is multi-model, with `<store>/sagemaker-models/` as its models.",
    )

    @model_validator(mode="after")
    def _one_writer_of_words(self) -> Self:
        if self.words_url and self.words_bedrock_model:
            raise ValueError("set BANDMATE_WORDS_URL or BANDMATE_WORDS_BEDROCK_MODEL, not both")
        if self.words_url and not self.words_model:
            raise ValueError("BANDMATE_WORDS_URL needs BANDMATE_WORDS_MODEL, the name of a model on that server")
        return self

    @model_validator(mode="after")
    def _sagemaker_is_complete(self) -> Self:
        if self.model_endpoint == "http":
            return self
        if _ENDPOINT.fullmatch(self.sagemaker_endpoint) is None:
            raise ValueError(
                f"BANDMATE_MODEL_ENDPOINT={self.model_endpoint} needs BANDMATE_SAGEMAKER_ENDPOINT, its name"
            )
        if not self.storage_url.startswith("s3://"):
            raise ValueError(
                f"BANDMATE_MODEL_ENDPOINT={self.model_endpoint} needs BANDMATE_STORAGE_URL=s3://…: models and requests "
                "reach SageMaker through S3"
            )
        return self


@cache
def generate_settings() -> GenerateSettings:
    """The process's settings, read once."""
    return GenerateSettings()


def settings_of(settings: SharedSettings) -> GenerateSettings:
    """The service's own settings, also in a process of several services."""
    return settings if isinstance(settings, GenerateSettings) else generate_settings()
