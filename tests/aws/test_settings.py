"""What the templates set is known to the code, holds against its checks, and gives no secret away."""

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
    found: type[SharedSettings] = getattr(module, f"{service.capitalize()}Settings")
    return found


def test_every_variable_is_a_setting_of_its_service(found: Installation) -> None:
    for task, container in containers(found):
        kind = ModelSettings if container["Name"] == "model" else settings_of(container["Name"].split("-")[0])
        known = {variable_of(kind, name) for name in kind.model_fields} | NOT_OURS
        named = set(environment(container)) | {one["Name"] for one in container.get("Secrets", [])}
        assert named <= known, f"{family(task)}: {named - known}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_services_accept_what_they_are_told(
    found: Installation, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings class itself reads the template's variables, with an account's values for what is known later."""
    for values in _of_service(found, service):
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


def test_secrets_come_from_secrets_manager(found: Installation) -> None:
    secret = {"BANDMATE_DATABASE_PASSWORD", "BANDMATE_KEY_PEPPER"}
    for task, container in containers(found):
        assert not secret & set(environment(container)), family(task)
        given = {one["Name"]: one["ValueFrom"] for one in container.get("Secrets", [])}
        if container["Name"] == "model":
            assert given == {}, "the model knows no secret"
        else:
            assert secret <= set(given)
            assert all(value.startswith("<BandmateDatabase/") for value in given.values())


def test_no_plain_variable_looks_like_a_secret(found: Installation) -> None:
    for _, container in containers(found):
        for name, value in environment(container).items():
            assert not any(word in name for word in ("PASSWORD", "SECRET", "PEPPER", "TOKEN", "_KEY")), name
            assert "resolve:secretsmanager" not in str(value), name


def _of_service(found: Installation, service: str) -> Iterator[dict[str, str]]:
    later = {
        "BANDMATE_DATABASE_HOST": "db.example",
        "BANDMATE_DATABASE_PORT": "5432",
        "BANDMATE_DATABASE_NAME": "bandmate",
        "BANDMATE_DATABASE_USER": "bandmate",
        "BANDMATE_DATABASE_PASSWORD": "p@ss",
        "BANDMATE_KEY_PEPPER": "x" * 64,
    }
    number = 0
    for _, container in containers(found):
        if container["Name"].split("-")[0] != service:
            continue
        values = environment(container)
        values["BANDMATE_STORAGE_URL"] = f"s3://the-bucket/{values['BANDMATE_STORAGE_URL'].rpartition('/')[2]}"
        if "BANDMATE_SAGEMAKER_ROLE" in values:
            values["BANDMATE_SAGEMAKER_ROLE"] = "arn:aws:iam::111122223333:role/model"
        assert {one["Name"] for one in container["Secrets"]} == set(later)
        number += 1
        yield values | later
    assert number >= 2
