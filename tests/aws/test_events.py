"""A dropped file and a schedule reach the functions, and the functions reach what they need."""

import json
import zipfile
from typing import Any

from tests.aws.templates import ROOT, Installation, Resource, statements


def test_only_files_dropped_into_our_bucket_count(found: Installation) -> None:
    rule = found.one("Events::Rule", Description="A file was dropped under incoming/")
    pattern = rule.properties["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert pattern["detail"]["object"]["key"] == [{"prefix": "incoming/"}]
    (bucket,) = pattern["detail"]["bucket"]["name"]
    assert "VersioningConfiguration" in found.by_reference(bucket).properties
    (target,) = rule.properties["Targets"]
    assert found.by_reference(target["Arn"]).properties["QueueName"] == "bandmate-incoming"


def test_a_batch_may_fail_in_part(found: Installation) -> None:
    source = found.one("Lambda::EventSourceMapping")
    assert source.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = found.by_reference(source.properties["EventSourceArn"])
    function = found.by_reference(source.properties["FunctionName"])
    assert function.properties["FunctionName"] == "bandmate-incoming"
    assert queue.properties["VisibilityTimeout"] >= 6 * function.properties["Timeout"]
    assert queue.properties["RedrivePolicy"]["maxReceiveCount"] >= 5


def test_the_handlers_are_in_the_archive(found: Installation) -> None:
    with zipfile.ZipFile(ROOT / "out/lambda/bandmate-lambda.zip") as archive:
        for function in _functions(found):
            module, _, name = function.properties["Handler"].rpartition(".")
            assert f"def {name}(".encode() in archive.read(f"{module.replace('.', '/')}.py")


def test_the_functions_are_told_where_to_send(found: Installation) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "deploy/lambda/bandmate_lambda").glob("*.py"))
    for function in _functions(found):
        values = function.properties["Environment"]["Variables"]
        assert all(f'"{name}"' in sources for name in values), "a variable that no function reads"
        for name, queue in (("BANDMATE_SUBMISSIONS_URL", ""), ("BANDMATE_SUBMISSIONS_DLQ_URL", "-dlq")):
            assert found.by_reference(values[name]).properties["QueueName"] == f"bandmate-submissions{queue}"


def test_the_functions_may_read_dropped_files_only(found: Installation) -> None:
    for function in _functions(found):
        role = function.properties["Role"].strip("<>").split(".")[0]
        may = {action: one.resources for one in statements(found) if one.role == role for action in one.actions}
        if function.properties["FunctionName"] == "bandmate-schedule":
            assert not [action for action in may if action.startswith("s3:")]
            continue
        assert all(resource.endswith("/incoming/*") for resource in may["s3:GetObject"])
        assert not {"s3:PutObject", "s3:DeleteObject"} & set(may)


def test_the_example_schedule_is_off_and_names_its_turn(found: Installation) -> None:
    from bandmate_shared.incoming import FIELDS

    schedule = found.one("Scheduler::Schedule")
    assert schedule.properties["State"] == "DISABLED"
    target = schedule.properties["Target"]
    told: dict[str, Any] = json.loads(target["Input"])
    assert told["schedule_arn"] == "<aws.scheduler.schedule-arn>"
    assert told["scheduled_time"] == "<aws.scheduler.scheduled-time>"
    assert set(told["request"]) <= FIELDS
    assert found.by_reference(target["Arn"]).properties["FunctionName"] == "bandmate-schedule"


def _functions(found: Installation) -> list[Resource]:
    ours = [one for one in found.of_type("Lambda::Function") if "FunctionName" in one.properties]
    assert {one.properties["FunctionName"] for one in ours} == {"bandmate-incoming", "bandmate-schedule"}
    return ours
