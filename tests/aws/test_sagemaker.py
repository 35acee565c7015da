"""SageMaker runs our image under one role, and only variants with an endpoint have one."""

from bandmate_generate.endpoints.sagemaker_async import PREFIX
from bandmate_generate.settings import GenerateSettings

from tests.aws.templates import Installation, containers, environment


def test_only_variants_with_an_endpoint_have_one(installation: Installation) -> None:
    assert len(installation.of_type("SageMaker::Endpoint")) == (installation.endpoint != "none")
    if installation.endpoint == "none":
        return
    model = installation.only("SageMaker::Model").properties["PrimaryContainer"]
    assert model["Image"].endswith(":initial-sagemaker")
    if installation.endpoint == "realtime":
        description = GenerateSettings.model_fields["sagemaker_multi_model"].description or ""
        assert model["Mode"] == "MultiModel"
        assert model["ModelDataUrl"].endswith("/bandmate/sagemaker-models/")
        assert "<store>/sagemaker-models/" in description
    else:
        assert model["Mode"] == "SingleModel"
        assert model["ModelDataUrl"] == "<BandmateSageMaker/ModelArchive>"


def test_an_asynchronous_endpoint_scales_from_zero(installation: Installation) -> None:
    if installation.endpoint != "async":
        return
    output = installation.only("SageMaker::EndpointConfig").properties["AsyncInferenceConfig"]["OutputConfig"]
    assert f"/bandmate/{PREFIX}/" in output["S3OutputPath"]
    (target,) = [
        target
        for target in installation.of_type("ApplicationAutoScaling::ScalableTarget")
        if target.properties["ServiceNamespace"] == "sagemaker"
    ]
    assert target.properties["MinCapacity"] == 0
    alarm = installation.only("CloudWatch::Alarm", MetricName="HasBacklogWithoutCapacity")
    (action,) = alarm.properties["AlarmActions"]
    assert installation.by_reference(action).properties["ScalingTargetId"] == f"<{target.id}>"


def test_trainings_run_under_the_role_that_may_be_passed(installation: Installation) -> None:
    for _, container in containers(installation):
        values = environment(container)
        if values.get("BANDMATE_SERVICE") == "train":
            assert values["BANDMATE_TRAINER"] == "sagemaker"
            role = installation.by_reference(values["BANDMATE_SAGEMAKER_ROLE"])
            (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
            assert values["BANDMATE_SAGEMAKER_IMAGE"].endswith(":initial-sagemaker")
