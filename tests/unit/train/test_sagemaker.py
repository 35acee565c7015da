"""The interface to SageMaker: settings, requests, names, failure reasons and archives."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.errors import LimitExceeded, UnreadableFile
from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import TrainingPlan
from bandmate_train.trainers.model_archive import unpack
from bandmate_train.trainers.sagemaker_request import job_name, training_job

from tests.support.aws_wire import Violation, check, operation

COMPLETE = {
    "trainer": "sagemaker",
    "sagemaker_image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/bandmate/model:1.0",
    "sagemaker_role": "arn:aws:iam::123456789012:role/service/bandmate-training",
    "sagemaker_s3": "s3://bandmate-store/prefix/",
}


def settings(**options: Any) -> TrainSettings:
    return TrainSettings.model_validate(COMPLETE | options)


@pytest.fixture
def plan(tmp_path: Path) -> TrainingPlan:
    return TrainingPlan("training_01JABCDEFGHJKMNPQRSTVWXYZ0", tmp_path, {"epochs": "2", "id": "m"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sagemaker_image": ""}, "needs BANDMATE_SAGEMAKER_IMAGE"),
        ({"sagemaker_role": "bandmate-training"}, "BANDMATE_SAGEMAKER_ROLE has to be the ARN"),
        ({"sagemaker_s3": "", "storage_url": "file:///data"}, r"BANDMATE_SAGEMAKER_S3 .* not 'file:///data'"),
        ({"sagemaker_s3": "s3://bucket/a b"}, "BANDMATE_SAGEMAKER_S3"),
        ({"sagemaker_subnets": "subnet-1"}, "go together"),
    ],
)
def test_incomplete_settings_are_refused_at_the_start(change: dict[str, str], words: str) -> None:
    settings()
    with pytest.raises(ValueError, match=words):
        settings(**change)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sagemaker_spot": True, "sagemaker_instance_count": 2},
        {"sagemaker_subnets": "subnet-0a1b2c3d, subnet-1", "sagemaker_security_groups": "sg-1"},
        {"sagemaker_s3": "", "storage_url": "s3://bucket"},
    ],
)
def test_the_request_is_what_the_service_describes(plan: TrainingPlan, options: dict[str, Any]) -> None:
    request = training_job(settings(**options), plan, job_name(plan.job_id, 1))
    check(request, operation("sagemaker", "CreateTrainingJob").input_shape)
    if options.get("sagemaker_spot"):
        stopping = request["StoppingCondition"]
        assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]
        assert request["EnableManagedSpotTraining"]
    assert ("VpcConfig" in request) == ("sagemaker_subnets" in options)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda request: request.pop("RoleArn"),
        lambda request: request.update(TrainingJobName="bandmate_1"),
        lambda request: request.update(Surprise=1),
        lambda request: request["HyperParameters"].update(epochs=2),
        lambda request: request["HyperParameters"].update(epochs="x" * 2501),
        lambda request: request["ResourceConfig"].update(InstanceType="ml.huge"),
        lambda request: request["OutputDataConfig"].update(S3OutputPath="/tmp"),
        lambda request: request["AlgorithmSpecification"]["MetricDefinitions"].append(
            {"Name": "x", "Regex": "y" * 501}
        ),
    ],
)
def test_the_checker_finds_what_the_service_would_refuse(plan: TrainingPlan, spoil: Any) -> None:
    request = training_job(settings(), plan, job_name(plan.job_id, 1))
    spoil(request)
    with pytest.raises(Violation):
        check(request, operation("sagemaker", "CreateTrainingJob").input_shape)


@pytest.mark.parametrize(
    "job_id", ["training_01JABCDEFGHJKMNPQRSTVWXYZ0", "a" * 80, "_x__y_", "t" * 53 + "_" * 9 + "z"]
)
def test_names_are_the_services_and_of_one_training(job_id: str) -> None:
    names = {job_name(job_id, number) for number in (1, 2, 10, 99)}
    assert len(names) == 4
    for name in names:
        check(name, operation("sagemaker", "CreateTrainingJob").input_shape.members["TrainingJobName"], "name")


def archive(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """A tar.gz of files (bytes) and symbolic links (text)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", ("./config.json", b"{}"), ("deep/er/file", b"x"))
    unpack(path, tmp_path / "out", 100)
    assert (tmp_path / "out" / "config.json").read_bytes() == b"{}"
    assert (tmp_path / "out" / "deep" / "er" / "file").read_bytes() == b"x"


@pytest.mark.parametrize(
    "member", [("../escaped", b"x"), ("/etc/escaped", b"x"), ("a/../../escaped", b"x"), ("link", "/etc/passwd")]
)
def test_no_member_of_an_archive_leaves_the_folder(tmp_path: Path, member: tuple[str, bytes | str]) -> None:
    path = archive(tmp_path / "a.tar.gz", member)
    with pytest.raises(UnreadableFile, match="no plain file inside it"):
        unpack(path, tmp_path / "out", 100)
    assert not (tmp_path / "escaped").exists()


def test_an_archive_cannot_fill_the_disk(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", ("zeros", b"\0" * 1_000_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(LimitExceeded, match="BANDMATE_MODEL_ARCHIVE_BYTES"):
        unpack(path, tmp_path / "out", 999_999)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00broken"])
def test_a_file_that_is_no_archive_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"a\.tar\.gz"):
        unpack(path, tmp_path / "out", 100)


def test_a_truncated_archive_is_reported(tmp_path: Path) -> None:
    import os

    path = archive(tmp_path / "a.tar.gz", ("noise", os.urandom(100_000)))
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(UnreadableFile):
        unpack(path, tmp_path / "out", 1_000_000)
