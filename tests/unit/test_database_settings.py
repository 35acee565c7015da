"""Database settings as separate host, user and password, as a secrets manager provides them."""

import pytest
from bandmate_shared.settings import SharedSettings
from pydantic import ValidationError
from sqlalchemy import make_url


def test_the_parts_become_a_url_that_means_them() -> None:
    password = "a b/c@d:e?f#g%h+"
    settings = SharedSettings(
        database_host="db.example", database_port=5433, database_user="ban@nd", database_password=password
    )
    url = make_url(settings.resolved_database_url)
    assert (url.drivername, url.host, url.port, url.database) == ("postgresql+psycopg", "db.example", 5433, "bandmate")
    assert (url.username, url.password) == ("ban@nd", password)
    assert url.query == {"sslmode": "require"}, "a password never travels in the clear"


def test_the_parts_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOST": "db", "PORT": "5432", "NAME": "songs", "USER": "u", "PASSWORD": "p"}.items():
        monkeypatch.setenv(f"BANDMATE_DATABASE_{name}", value)
    assert SharedSettings().resolved_database_url == "postgresql+psycopg://u:p@db:5432/songs?sslmode=require"


def test_a_given_url_is_kept_unchanged() -> None:
    url = "postgresql+psycopg://u:p@db/songs"
    assert SharedSettings(database_url=url).resolved_database_url == url


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"database_host": "db", "database_url": "sqlite:///x"}, "not both"),
        ({"database_host": "db"}, "BANDMATE_DATABASE_USER"),
        ({"database_host": "db", "database_user": "u"}, "BANDMATE_DATABASE_PASSWORD"),
    ],
)
def test_incomplete_database_settings_are_refused(values: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SharedSettings(**values)


def test_the_password_is_not_shown() -> None:
    settings = SharedSettings(database_host="db", database_user="u", database_password="hush")
    assert "hush" not in repr(settings)
