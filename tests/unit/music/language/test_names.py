"""Languages by tag and name, and the suggestions for a misspelt one."""

import pytest
from bandmate_music.language.names import UnknownLanguage, nearest, parse_language


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("de", "de"),
        ("DE_at", "de-AT"),
        ("en-GB", "en-GB"),
        ("pt-br", "pt-BR"),
        ("German", "de"),
        ("português", "pt"),
        ("swe", "sv"),
        ("es-419", "es-419"),
        ("pl", "pl"),
    ],
)
def test_tags_and_names_are_understood(written: str, tag: str) -> None:
    assert parse_language(written) == tag


@pytest.mark.parametrize(
    ("written", "suggestions"),
    [("jerman", "de (German), "), ("tlh", ""), ("Duch", "nl (Dutch), "), ("ru", ""), ("zh-CN", ""), ("", "")],
)
def test_others_are_refused_with_the_nearest_three(written: str, suggestions: str) -> None:
    with pytest.raises(UnknownLanguage, match=r"the nearest are (\w\w \(\w+\), ){2}\w\w \(\w+\)\. ") as caught:
        parse_language(written)
    assert f"the nearest are {suggestions}" in caught.value.detail


def test_suggestions_differ_in_more_than_capitals() -> None:
    assert nearest("pedr", ["Pedro", "pedro", "Peter", "Anna"]) == ["Pedro", "Peter", "Anna"]
