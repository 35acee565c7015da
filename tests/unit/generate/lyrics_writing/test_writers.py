"""Words on demand: against local servers that speak the wire formats of the OpenAI chat API and of Bedrock Converse."""

from collections.abc import Iterator
from typing import Any

import pytest
from bandmate_generate.lyrics_writing.base import NoWordsWriter, WordsFailed, words_of_answer
from bandmate_generate.lyrics_writing.open import write_words
from bandmate_generate.settings import GenerateSettings
from bandmate_shared.contracts.songs import SongRequest, WordsWish
from bandmate_shared.errors import Unavailable
from pydantic import ValidationError

from tests.support.language_model import WORDS, LanguageModel, chat_completion

REQUEST = SongRequest(lyrics=WordsWish(about="rain"), style="waltz", language="en", mode="minor")


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with LanguageModel() as server:
        yield server


def settings_for(model: LanguageModel, **more: Any) -> GenerateSettings:
    return GenerateSettings(words_url=f"{model.url}/v1", words_model="small", **more)


def test_the_openai_api_is_asked_in_its_own_format(model: LanguageModel) -> None:
    assert write_words(REQUEST, 7, settings_for(model, words_api_key="secret")) == WORDS
    path, headers, body = model.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["model"], body["seed"]) == ("small", 7)
    asked = body["messages"][1]["content"]
    assert all(word in asked for word in ("about: rain", "English", "minor-key waltz", "[Verse 1], [Chorus]"))


@pytest.mark.parametrize(
    ("status", "error"), [(429, Unavailable), (503, Unavailable), (401, WordsFailed), (404, WordsFailed)]
)
def test_errors_of_the_server_are_told_apart(model: LanguageModel, status: int, error: type[Exception]) -> None:
    model.answer = status, {"error": {"message": "the model is not here", "type": "x"}}
    with pytest.raises(error, match=f"{status}: the model is not here"):
        write_words(REQUEST, 1, settings_for(model))


def test_an_answer_of_another_kind_and_one_without_words_are_errors(model: LanguageModel) -> None:
    model.answer = 200, {"object": "list", "data": []}
    with pytest.raises(WordsFailed, match="no chat completion"):
        write_words(REQUEST, 1, settings_for(model))
    model.answer = 200, chat_completion("[Verse 1]\n...\n")
    with pytest.raises(WordsFailed, match="nothing that can be sung"):
        write_words(REQUEST, 1, settings_for(model))


def test_a_server_that_is_not_there_is_unavailable(model: LanguageModel) -> None:
    settings = GenerateSettings(words_url="http://127.0.0.1:9/v1", words_model="small")
    with pytest.raises(Unavailable, match="does not answer"):
        write_words(REQUEST, 1, settings)


def test_bedrock_is_asked_by_converse(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", model.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    model.answer = (
        200,
        {
            "output": {"message": {"role": "assistant", "content": [{"text": WORDS}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 9, "outputTokens": 12, "totalTokens": 21},
            "metrics": {"latencyMs": 5},
        },
    )
    settings = GenerateSettings(words_bedrock_model="amazon.nova-lite-v1:0")
    assert write_words(REQUEST, 1, settings) == WORDS
    path, headers, body = model.requests[0]
    assert path == "/model/amazon.nova-lite-v1%3A0/converse"
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256")
    assert body["messages"][0]["content"][0]["text"].startswith("Write the words")
    assert body["inferenceConfig"]["maxTokens"] > 100

    model.answer = 400, {"message": "no such model"}
    model.answer_headers = {"x-amzn-ErrorType": "ValidationException"}
    with pytest.raises(WordsFailed, match="ValidationException: no such model"):
        write_words(REQUEST, 1, settings)


def test_without_a_writer_the_message_names_the_settings() -> None:
    with pytest.raises(NoWordsWriter, match=r"BANDMATE_WORDS_URL.*BANDMATE_WORDS_BEDROCK_MODEL"):
        write_words(REQUEST, 1, GenerateSettings())
    with pytest.raises(ValidationError, match="BANDMATE_WORDS_MODEL"):
        GenerateSettings(words_url="http://127.0.0.1:1/v1")


def test_an_answer_is_freed_of_what_is_not_sung() -> None:
    answer = 'Sure! Here are your words:\n```\nTitle: Rain\n**[Verse]**\n"Rain on the roof"\n*Rain in the sky*\n```'
    assert words_of_answer(answer) == "[Verse]\nRain on the roof\nRain in the sky"
