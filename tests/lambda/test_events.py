"""Events of S3 in the formats of its documentation."""

from typing import Any

import pytest
from bandmate_lambda.events import NewObject, UnknownEvent, new_objects

EVENTBRIDGE: dict[str, Any] = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2021-11-12T00:00:00Z",
    "region": "ca-central-1",
    "resources": ["arn:aws:s3:::amzn-s3-demo-bucket1"],
    "detail": {
        "version": "0",
        "bucket": {"name": "amzn-s3-demo-bucket1"},
        "object": {
            "key": "incoming/My tune+1.mid",
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    },
}
NOTIFICATION: dict[str, Any] = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-west-2",
            "eventTime": "1970-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "172.16.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZ"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "testConfigRule",
                "bucket": {
                    "name": "amzn-s3-demo-bucket",
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": "arn:aws:s3:::amzn-s3-demo-bucket",
                },
                "object": {
                    "key": "incoming/My+tune%2B1+%C3%A9t%C3%A9.mid",
                    "size": 1024,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                    "sequencer": "0055AED6DCD90281E5",
                },
            },
        }
    ]
}


def test_an_event_from_eventbridge() -> None:
    assert new_objects(EVENTBRIDGE) == [
        NewObject(
            "amzn-s3-demo-bucket1",
            "incoming/My tune+1.mid",
            "b1946ac92492d2347c6235b4d2611184",
            5,
            "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        )
    ]


def test_a_notification_has_its_key_decoded() -> None:
    (new_object,) = new_objects(NOTIFICATION)
    assert new_object.key == "incoming/My tune+1 été.mid"
    assert (new_object.bucket, new_object.size, new_object.etag) == (
        "amzn-s3-demo-bucket",
        1024,
        "d41d8cd98f00b204e9800998ecf8427e",
    )
    assert new_object.version_id == "096fKKXTRTtl3on89fVO.nfljtsv6qko"


def test_a_bucket_without_versions_gives_no_version_id() -> None:
    detail = EVENTBRIDGE["detail"]
    plain = {name: value for name, value in detail["object"].items() if name != "version-id"}
    (new_object,) = new_objects({**EVENTBRIDGE, "detail": {**detail, "object": plain}})
    assert new_object.version_id == ""


def test_a_removal_in_a_notification_is_ignored() -> None:
    removal = {**NOTIFICATION["Records"][0], "eventName": "ObjectRemoved:Delete"}
    assert new_objects({"Records": [removal]}) == []


def test_the_test_event_of_s3_is_ignored() -> None:
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2014-10-13T15:57:02.089Z", "Bucket": "b"}
    assert new_objects(event) == []


@pytest.mark.parametrize(
    "event", [{}, {"source": "aws.ec2"}, {**EVENTBRIDGE, "detail-type": "Object Deleted"}, {"Records": [{"Sns": {}}]}]
)
def test_any_other_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent):
        new_objects(event)
