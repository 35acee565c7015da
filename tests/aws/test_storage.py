"""Nothing is public, nothing travels without TLS, and what was half uploaded does not stay."""

from tests.aws.templates import Installation, Resource


def test_no_bucket_is_public(found: Installation) -> None:
    buckets = found.of_type("S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets:
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket.properties["PublicAccessBlockConfiguration"]) == 4
        assert "AccessControl" not in bucket.properties
        rules = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert [rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules] == ["AES256"]


def test_bucket_policies_allow_nobody_from_the_world(found: Installation) -> None:
    for policy in found.of_type("S3::BucketPolicy"):
        for one in policy.properties["PolicyDocument"]["Statement"]:
            if one["Effect"] == "Allow":
                assert one["Principal"] not in ("*", {"AWS": "*"}), policy.id


def test_every_bucket_refuses_requests_without_tls(found: Installation) -> None:
    refusing = {
        policy.properties["Bucket"]
        for policy in found.of_type("S3::BucketPolicy")
        for one in policy.properties["PolicyDocument"]["Statement"]
        if one["Effect"] == "Deny"
        and one["Principal"] == {"AWS": "*"}
        and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert refusing == {f"<{bucket.id}>" for bucket in found.of_type("S3::Bucket")}


def test_the_store_keeps_versions_and_tells_of_new_objects(found: Installation) -> None:
    store = _store(found)
    assert store.properties["VersioningConfiguration"] == {"Status": "Enabled"}
    events = store.properties["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert events == {"EventBridgeEnabled": True}


def test_leftovers_do_not_stay(found: Installation) -> None:
    rules = {rule["Id"]: rule for rule in _store(found).properties["LifecycleConfiguration"]["Rules"]}
    sweep = rules["half-uploads-and-old-versions"]
    assert sweep["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 2
    assert sweep["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert "ExpirationInDays" not in sweep, "songs and models are kept"
    dropped = [rule for rule in rules.values() if "ExpirationInDays" in rule]
    ours = {f"bandmate/{folder}/" for folder in ("incoming", "sagemaker-async", "uploads")}
    assert {rule["Prefix"] for rule in dropped} == {"incoming/", *ours}


def test_what_a_size_keeps_outlives_its_stack(found: Installation) -> None:
    for bucket in found.of_type("S3::Bucket"):
        assert bucket.raw["DeletionPolicy"] == ("Delete" if found.is_dev else "Retain")


def _store(found: Installation) -> Resource:
    (store,) = [one for one in found.of_type("S3::Bucket") if "VersioningConfiguration" in one.properties]
    return store
