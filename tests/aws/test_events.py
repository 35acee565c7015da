"""Dropped files and schedules invoke the functions, which have the permissions they need and no others."""

import json
import zipfile
from typing import Any

from tests.aws.templates import ROOT, Installation, Resource, statements


def test_only_files_under_incoming_in_our_bucket_trigger_the_function(installation: Installation) -> None:
    rule = installation.only("Events::Rule", Description="A file was dropped under incoming/")
    pattern = rule.properties["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert pattern["detail"]["object"]["key"] == [{"prefix": "incoming/"}]
    (bucket,) = pattern["detail"]["bucket"]["name"]
    assert "VersioningConfiguration" in installation.by_reference(bucket).properties
    (target,) = rule.properties["Targets"]
    assert installation.by_reference(target["Arn"]).properties["QueueName"] == "bandmate-incoming"


def test_failed_items_of_a_batch_are_redelivered_alone(installation: Installation) -> None:
    source = installation.only("Lambda::EventSourceMapping")
    assert source.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = installation.by_reference(source.properties["EventSourceArn"])
    function = installation.by_reference(source.properties["FunctionName"])
    assert function.properties["FunctionName"] == "bandmate-incoming"
    assert queue.properties["VisibilityTimeout"] >= 6 * function.properties["Timeout"]
    assert queue.properties["RedrivePolicy"]["maxReceiveCount"] >= 5


def test_the_handlers_are_in_the_archive(installation: Installation) -> None:
    with zipfile.ZipFile(ROOT / "out/lambda/bandmate-lambda.zip") as archive:
        for function in _functions(installation):
            module, _, name = function.properties["Handler"].rpartition(".")
            assert f"def {name}(".encode() in archive.read(f"{module.replace('.', '/')}.py")


def test_the_functions_have_the_addresses_of_their_queues(installation: Installation) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "deploy/lambda/bandmate_lambda").glob("*.py"))
    for function in _functions(installation):
        values = function.properties["Environment"]["Variables"]
        assert all(f'"{name}"' in sources for name in values), "a variable that no function reads"
        for name, queue in (("BANDMATE_SUBMISSIONS_URL", ""), ("BANDMATE_SUBMISSIONS_DLQ_URL", "-dlq")):
            assert installation.by_reference(values[name]).properties["QueueName"] == f"bandmate-submissions{queue}"


def test_the_functions_may_read_dropped_files_only(installation: Installation) -> None:
    for function in _functions(installation):
        role = function.properties["Role"].strip("<>").split(".")[0]
        allowed = {
            action: statement.resources
            for statement in statements(installation)
            if statement.role == role
            for action in statement.actions
        }
        if function.properties["FunctionName"] == "bandmate-schedule":
            assert not [action for action in allowed if action.startswith("s3:")]
            continue
        assert all(resource.endswith("/incoming/*") for resource in allowed["s3:GetObject"])
        assert not {"s3:PutObject", "s3:DeleteObject"} & set(allowed)


def test_the_example_schedule_is_off_and_passes_its_arn_and_time(installation: Installation) -> None:
    from bandmate_shared.intake.incoming import FIELDS

    schedule = installation.only("Scheduler::Schedule")
    assert schedule.properties["State"] == "DISABLED"
    target = schedule.properties["Target"]
    message: dict[str, Any] = json.loads(target["Input"])
    assert message["schedule_arn"] == "<aws.scheduler.schedule-arn>"
    assert message["scheduled_time"] == "<aws.scheduler.scheduled-time>"
    assert set(message["request"]) <= FIELDS
    assert installation.by_reference(target["Arn"]).properties["FunctionName"] == "bandmate-schedule"


def _functions(installation: Installation) -> list[Resource]:
    functions = [
        function for function in installation.of_type("Lambda::Function") if "FunctionName" in function.properties
    ]
    assert {function.properties["FunctionName"] for function in functions} == {"bandmate-incoming", "bandmate-schedule"}
    return functions
