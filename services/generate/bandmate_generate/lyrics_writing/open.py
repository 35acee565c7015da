"""Which writer of words the settings name."""

from bandmate_shared.contracts.songs import SongRequest

from bandmate_generate.lyrics_writing.base import LyricsWriter, NoWordsWriter, instructions_for, words_of_answer
from bandmate_generate.lyrics_writing.openai_api import OpenAIWriter
from bandmate_generate.settings import GenerateSettings


def can_write_words(settings: GenerateSettings) -> bool:
    """Whether words can be written on demand."""
    return bool(settings.words_url or settings.words_bedrock_model)


def require_writer(settings: GenerateSettings) -> None:
    """Raise NoWordsWriter where no words can be written on demand."""
    if not can_write_words(settings):
        raise NoWordsWriter(
            "no words can be written: no writer is configured. Set BANDMATE_WORDS_URL and BANDMATE_WORDS_MODEL to a "
            "server with the OpenAI chat API, or BANDMATE_WORDS_BEDROCK_MODEL; or send the words as `lyrics`"
        )


def open_writer(settings: GenerateSettings) -> LyricsWriter:
    """The writer that the settings name. Raises NoWordsWriter, AwsMissing."""
    require_writer(settings)
    if settings.words_url:
        return OpenAIWriter(settings)
    from bandmate_generate.lyrics_writing.bedrock import BedrockWriter  # optional extra: boto3

    return BedrockWriter(settings)


def write_words(request: SongRequest, seed: int, settings: GenerateSettings) -> str:
    """The words that `request.lyrics` describes, with markers of the sections.

    Raises what `open_writer`, `LyricsWriter.write` and `words_of_answer` raise.
    """
    return words_of_answer(open_writer(settings).write(instructions_for(request, seed)))
