"""Readable errors for invalid values, whatever the source of the input."""

import pytest
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.faults import MAX_SHOWN_FAULTS, faults_of, in_words
from pydantic import BaseModel, ValidationError


def wrong(**fields: object) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        SongRequest.model_validate(fields)
    return raised.value


def test_a_fault_names_the_field_and_what_was_given() -> None:
    assert in_words(wrong(bars=0)) == "bars: input should be greater than or equal to 1, not 0"
    assert in_words(wrong(key="H")).startswith("key: unknown key 'H'; write a letter A-G")
    assert in_words(wrong(barz=3)) == "barz: there is no such field"
    assert in_words(wrong(tracks=[{"role": "bass"}])) == "tracks[0].instrument: is needed, and missing"


def test_a_fault_of_the_whole_has_no_field() -> None:
    assert in_words(wrong(instruments=["violin"], tracks=[{"instrument": "violin"}])).startswith("name the line-up")


def test_many_faults_are_counted() -> None:
    many = wrong(**{f"unknown{number}": 1 for number in range(MAX_SHOWN_FAULTS + 3)})
    assert in_words(many).endswith("; and 3 more")
    assert len(faults_of(many)) == MAX_SHOWN_FAULTS + 3


def test_possible_secrets_are_not_shown() -> None:
    class Settings(BaseModel):
        token: int

    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"token": "hunter2"})
    assert faults_of(raised.value, values=False) == [
        "token: input should be a valid integer, unable to parse string as an integer"
    ]
    assert "hunter2" in in_words(raised.value)
