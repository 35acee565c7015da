"""The database is reachable only by tasks, encrypted, backed up, and protected from deletion except in dev."""

from tests.aws.templates import Installation


def test_only_tasks_reach_the_database(installation: Installation) -> None:
    database = installation.only("RDS::DBInstance")
    assert database.properties["PubliclyAccessible"] is False
    (group,) = database.properties["VPCSecurityGroups"]
    sources = {
        rule.properties["SourceSecurityGroupId"].split(".")[0].split("/")[1]
        for rule in installation.of_type("EC2::SecurityGroupIngress")
        if rule.properties["GroupId"] == group
    }
    assert {name[:-8] for name in sources} == {"TaskGroup", "DatabaseGroup"}
    assert "SecurityGroupIngress" not in installation.by_reference(group).properties


def test_the_database_is_encrypted_at_rest_and_in_transit(installation: Installation) -> None:
    database = installation.only("RDS::DBInstance")
    assert database.properties["StorageEncrypted"] is True
    parameters = installation.by_reference(database.properties["DBParameterGroupName"]).properties["Parameters"]
    assert parameters["rds.force_ssl"] == "1"


def test_the_password_is_generated_and_rotated(installation: Installation) -> None:
    database = installation.only("RDS::DBInstance")
    assert database.properties["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
    schedule = installation.only("SecretsManager::RotationSchedule")
    assert schedule.properties["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    attachment = installation.by_reference(schedule.properties["SecretId"])
    assert attachment.properties["TargetId"] == f"<{database.id}>"


def test_the_database_is_protected_from_deletion_except_in_dev(installation: Installation) -> None:
    database = installation.only("RDS::DBInstance")
    assert database.properties["DeletionProtection"] is not installation.is_dev
    assert database.raw["DeletionPolicy"] == ("Delete" if installation.is_dev else "Retain")
    assert database.properties["BackupRetentionPeriod"] >= (1 if installation.is_dev else 7)
    assert database.properties["MultiAZ"] is (installation.size == "large")


def test_the_pepper_is_retained_except_in_dev(installation: Installation) -> None:
    pepper = installation.only("SecretsManager::Secret", Name="bandmate/key-pepper")
    assert pepper.raw["DeletionPolicy"] == ("Delete" if installation.is_dev else "Retain")
    assert pepper.properties["GenerateSecretString"]["PasswordLength"] >= 32
