"""Job names, S3 keys and the parameters of CreateTrainingJob."""

import re
from typing import Any

from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import METRIC_DEFINITIONS, TrainingPlan

MAX_NAME = 63
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


def job_name(job_id: str, number: int) -> str:
    """The name of a training's nth job. SageMaker never accepts a name twice, so each start takes the next number."""
    tail = f"-{number}"
    stem = "bandmate-" + _NOT_IN_NAMES.sub("-", job_id).strip("-")
    return stem[: MAX_NAME - len(tail)].rstrip("-") + tail


def folder_key(job_id: str) -> str:
    """The prefix of everything of a training, below BANDMATE_SAGEMAKER_S3; all its jobs share it."""
    return f"trainings/{job_id}"


def data_key(job_id: str, channel: str, name: str) -> str:
    return f"{folder_key(job_id)}/input/{channel}/{name}"


def output_key(job_id: str, name: str) -> str:
    """Where SageMaker uploads a job's output/data, whether it failed or not."""
    return f"{folder_key(job_id)}/output/{name}/output/output.tar.gz"


def training_job(settings: TrainSettings, plan: TrainingPlan, name: str) -> dict[str, Any]:
    """CreateTrainingJob's parameters. All jobs of a training share its checkpoints, so each resumes the one before."""
    base = f"{settings.resolved_sagemaker_s3}/{folder_key(plan.job_id)}"
    run_seconds = int(settings.training_seconds)
    stopping = {"MaxRuntimeInSeconds": run_seconds}
    if settings.sagemaker_spot:
        stopping["MaxWaitTimeInSeconds"] = run_seconds + settings.sagemaker_spot_wait_seconds
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": settings.sagemaker_image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": metric, "Regex": regex} for metric, regex in METRIC_DEFINITIONS.items()],
        },
        "HyperParameters": dict(plan.hyperparameters),
        "InputDataConfig": [_channel(channel, f"{base}/input/{channel}/") for channel in plan.channels],
        "OutputDataConfig": {"S3OutputPath": f"{base}/output"},
        "CheckpointConfig": {"S3Uri": f"{base}/checkpoints"},
        "ResourceConfig": {
            "InstanceType": settings.sagemaker_instance_type,
            "InstanceCount": settings.sagemaker_instance_count,
            "VolumeSizeInGB": settings.sagemaker_volume_gb,
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": settings.sagemaker_spot,
        "RoleArn": settings.sagemaker_role,
        "Environment": {"BANDMATE_JOB_ID": plan.job_id},
        "Tags": [{"Key": "bandmate:job", "Value": plan.job_id}],
    }
    if settings.subnets:
        request["VpcConfig"] = {"Subnets": settings.subnets, "SecurityGroupIds": settings.security_groups}
    return request


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}
