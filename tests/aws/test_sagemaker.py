"""SageMaker runs our image under one role, and an endpoint exists only where it was asked for."""

from bandmate_generate.endpoint_async import PREFIX
from bandmate_generate.settings import GenerateSettings

from tests.aws.templates import Installation, containers, environment


def test_there_is_an_endpoint_only_where_it_was_asked_for(found: Installation) -> None:
    assert len(found.of_type("SageMaker::Endpoint")) == (found.endpoint != "none")
    if found.endpoint == "none":
        return
    model = found.one("SageMaker::Model").properties["PrimaryContainer"]
    assert model["Image"].endswith(":initial-sagemaker")
    if found.endpoint == "realtime":
        told = GenerateSettings.model_fields["sagemaker_multi_model"].description or ""
        assert model["Mode"] == "MultiModel"
        assert model["ModelDataUrl"].endswith("/bandmate/sagemaker-models/")
        assert "<store>/sagemaker-models/" in told
    else:
        assert model["Mode"] == "SingleModel"
        assert model["ModelDataUrl"] == "<BandmateSageMaker/ModelArchive>"


def test_an_asynchronous_endpoint_can_be_at_zero_and_leave_it(found: Installation) -> None:
    if found.endpoint != "async":
        return
    output = found.one("SageMaker::EndpointConfig").properties["AsyncInferenceConfig"]["OutputConfig"]
    assert f"/bandmate/{PREFIX}/" in output["S3OutputPath"]
    (target,) = [
        one
        for one in found.of_type("ApplicationAutoScaling::ScalableTarget")
        if one.properties["ServiceNamespace"] == "sagemaker"
    ]
    assert target.properties["MinCapacity"] == 0
    alarm = found.one("CloudWatch::Alarm", MetricName="HasBacklogWithoutCapacity")
    (action,) = alarm.properties["AlarmActions"]
    assert found.by_reference(action).properties["ScalingTargetId"] == f"<{target.id}>"


def test_trainings_run_under_the_role_that_may_be_lent(found: Installation) -> None:
    for _, container in containers(found):
        values = environment(container)
        if values.get("BANDMATE_SERVICE") == "train":
            assert values["BANDMATE_TRAINER"] == "sagemaker"
            role = found.by_reference(values["BANDMATE_SAGEMAKER_ROLE"])
            (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
            assert values["BANDMATE_SAGEMAKER_IMAGE"].endswith(":initial-sagemaker")
