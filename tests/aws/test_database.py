"""The database is closed, encrypted, backed up, and hard to lose where it matters."""

from tests.aws.templates import Installation


def test_only_tasks_reach_it(found: Installation) -> None:
    database = found.one("RDS::DBInstance")
    assert database.properties["PubliclyAccessible"] is False
    (group,) = database.properties["VPCSecurityGroups"]
    sources = {
        rule.properties["SourceSecurityGroupId"].split(".")[0].split("/")[1]
        for rule in found.of_type("EC2::SecurityGroupIngress")
        if rule.properties["GroupId"] == group
    }
    assert {name[:-8] for name in sources} == {"TaskGroup", "DatabaseGroup"}
    assert "SecurityGroupIngress" not in found.by_reference(group).properties


def test_it_is_encrypted_at_rest_and_on_the_way(found: Installation) -> None:
    database = found.one("RDS::DBInstance")
    assert database.properties["StorageEncrypted"] is True
    parameters = found.by_reference(database.properties["DBParameterGroupName"]).properties["Parameters"]
    assert parameters["rds.force_ssl"] == "1"


def test_its_password_is_made_there_and_rotated(found: Installation) -> None:
    database = found.one("RDS::DBInstance")
    assert database.properties["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
    schedule = found.one("SecretsManager::RotationSchedule")
    assert schedule.properties["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    attachment = found.by_reference(schedule.properties["SecretId"])
    assert attachment.properties["TargetId"] == f"<{database.id}>"


def test_it_is_hard_to_lose_where_data_is_kept(found: Installation) -> None:
    database = found.one("RDS::DBInstance")
    assert database.properties["DeletionProtection"] is not found.is_dev
    assert database.raw["DeletionPolicy"] == ("Delete" if found.is_dev else "Retain")
    assert database.properties["BackupRetentionPeriod"] >= (1 if found.is_dev else 7)
    assert database.properties["MultiAZ"] is (found.size == "large")


def test_the_pepper_stays_where_data_is_kept(found: Installation) -> None:
    pepper = found.one("SecretsManager::Secret", Name="bandmate/key-pepper")
    assert pepper.raw["DeletionPolicy"] == ("Delete" if found.is_dev else "Retain")
    assert pepper.properties["GenerateSecretString"]["PasswordLength"] >= 32
