"""The variables of the templates are settings of the code, pass its checks, and contain no secret."""

import importlib
from collections.abc import Iterator

import pytest
from bandmate_model.settings import ModelSettings
from bandmate_shared.settings import SharedSettings
from bandmate_shared.settings_page import variable_of

from tests.aws.templates import Installation, containers, environment, family

SERVICES = ("ingest", "train", "generate", "vocal")
NOT_OURS = {"AWS_REGION"}


def settings_of(service: str) -> type[SharedSettings]:
    module = importlib.import_module(f"bandmate_{service}.settings")
    settings_class: type[SharedSettings] = getattr(module, f"{service.capitalize()}Settings")
    return settings_class


def test_every_variable_is_a_setting_of_its_service(installation: Installation) -> None:
    for task, container in containers(installation):
        kind = ModelSettings if container["Name"] == "model" else settings_of(container["Name"].split("-")[0])
        known = {variable_of(kind, name) for name in kind.model_fields} | NOT_OURS
        named = set(environment(container)) | {secret["Name"] for secret in container.get("Secrets", [])}
        assert named <= known, f"{family(task)}: {named - known}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_settings_classes_accept_the_variables(
    installation: Installation, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings class itself reads the template's variables, with an account's values for what is known later."""
    for values in _of_service(installation, service):
        with monkeypatch.context() as patch:
            for name, value in values.items():
                patch.setenv(name, value)
            settings = settings_of(service)()
        assert settings.mode == "service"
        assert settings.resolved_database_url.startswith(
            "postgresql+psycopg://bandmate:p%40ss@db.example:5432/bandmate?"
        )
        assert settings.resolved_storage_url == "s3://the-bucket/bandmate"
        assert settings.resolved_broker_url == "sqs://"


def test_secrets_come_from_secrets_manager(installation: Installation) -> None:
    secret_names = {"BANDMATE_DATABASE_PASSWORD", "BANDMATE_KEY_PEPPER"}
    for task, container in containers(installation):
        assert not secret_names & set(environment(container)), family(task)
        references = {secret["Name"]: secret["ValueFrom"] for secret in container.get("Secrets", [])}
        if container["Name"] in ("model", "studio"):
            assert references == {}, "the model and the page know no secret"
        else:
            assert secret_names <= set(references)
            assert all(value.startswith("<BandmateDatabase/") for value in references.values())


def test_no_plain_variable_looks_like_a_secret(installation: Installation) -> None:
    for _, container in containers(installation):
        for name, value in environment(container).items():
            assert not any(word in name for word in ("PASSWORD", "SECRET", "PEPPER", "TOKEN", "_KEY")), name
            assert "resolve:secretsmanager" not in str(value), name


def _of_service(installation: Installation, service: str) -> Iterator[dict[str, str]]:
    deployed = {
        "BANDMATE_DATABASE_HOST": "db.example",
        "BANDMATE_DATABASE_PORT": "5432",
        "BANDMATE_DATABASE_NAME": "bandmate",
        "BANDMATE_DATABASE_USER": "bandmate",
        "BANDMATE_DATABASE_PASSWORD": "p@ss",
        "BANDMATE_KEY_PEPPER": "x" * 64,
    }
    number = 0
    for _, container in containers(installation):
        if container["Name"].split("-")[0] != service:
            continue
        values = environment(container)
        values["BANDMATE_STORAGE_URL"] = f"s3://the-bucket/{values['BANDMATE_STORAGE_URL'].rpartition('/')[2]}"
        if "BANDMATE_SAGEMAKER_ROLE" in values:
            values["BANDMATE_SAGEMAKER_ROLE"] = "arn:aws:iam::111122223333:role/model"
        assert {secret["Name"] for secret in container["Secrets"]} == set(deployed)
        number += 1
        yield values | deployed
    assert number >= 2
