"""Buckets are private, require TLS, and expire unfinished uploads."""

from tests.aws.templates import Installation, Resource


def test_no_bucket_is_public(installation: Installation) -> None:
    buckets = installation.of_type("S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets:
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket.properties["PublicAccessBlockConfiguration"]) == 4
        assert "AccessControl" not in bucket.properties
        rules = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert [rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules] == ["AES256"]


def test_bucket_policies_allow_no_anonymous_access(installation: Installation) -> None:
    for policy in installation.of_type("S3::BucketPolicy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] not in ("*", {"AWS": "*"}), policy.id


def test_every_bucket_refuses_requests_without_tls(installation: Installation) -> None:
    refusing = {
        policy.properties["Bucket"]
        for policy in installation.of_type("S3::BucketPolicy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Principal"] == {"AWS": "*"}
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert refusing == {f"<{bucket.id}>" for bucket in installation.of_type("S3::Bucket")}


def test_the_store_keeps_versions_and_sends_events_for_new_objects(installation: Installation) -> None:
    store = _store(installation)
    assert store.properties["VersioningConfiguration"] == {"Status": "Enabled"}
    events = store.properties["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert events == {"EventBridgeEnabled": True}


def test_temporary_objects_expire(installation: Installation) -> None:
    rules = {rule["Id"]: rule for rule in _store(installation).properties["LifecycleConfiguration"]["Rules"]}
    sweep = rules["half-uploads-and-old-versions"]
    assert sweep["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 2
    assert sweep["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert "ExpirationInDays" not in sweep, "songs and models are kept"
    dropped = [rule for rule in rules.values() if "ExpirationInDays" in rule]
    ours = {f"bandmate/{folder}/" for folder in ("incoming", "sagemaker-async", "uploads")}
    assert {rule["Prefix"] for rule in dropped} == {"incoming/", *ours}


def test_buckets_are_retained_except_in_dev(installation: Installation) -> None:
    for bucket in installation.of_type("S3::Bucket"):
        assert bucket.raw["DeletionPolicy"] == ("Delete" if installation.is_dev else "Retain")


def _store(installation: Installation) -> Resource:
    (store,) = [
        bucket for bucket in installation.of_type("S3::Bucket") if "VersioningConfiguration" in bucket.properties
    ]
    return store
