"""Which model endpoint the settings name."""

from contextlib import AbstractContextManager

from bandmate_generate.endpoints.base import ModelEndpoint
from bandmate_generate.endpoints.http import HttpEndpoint
from bandmate_generate.settings import GenerateSettings


def open_model_endpoint(settings: GenerateSettings) -> AbstractContextManager[ModelEndpoint]:
    """The endpoint that the settings name. Raises AwsMissing for SageMaker without boto3."""
    match settings.model_endpoint:
        case "http":
            return HttpEndpoint(settings)
        case "sagemaker":
            from bandmate_generate.endpoints.sagemaker import SageMakerEndpoint  # optional extra: boto3

            return SageMakerEndpoint(settings)
        case "sagemaker-async":
            from bandmate_generate.endpoints.sagemaker_async import AsyncEndpoint  # optional extra: boto3

            return AsyncEndpoint(settings)
