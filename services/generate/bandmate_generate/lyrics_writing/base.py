"""The interface to what writes words, what it is asked, and how its answer is read.

openai   any server with the OpenAI chat API: a local one (llama.cpp, Ollama, vLLM) or a hosted one (BANDMATE_WORDS_URL)
bedrock  a model on Amazon Bedrock (BANDMATE_WORDS_BEDROCK_MODEL)
"""

import re
from dataclasses import dataclass
from typing import Protocol

from bandmate_shared.contracts.songs import MAX_LYRIC_LINES, SongRequest, WordsWish
from bandmate_shared.contracts.wishes import MAX_LYRIC_CHARACTERS
from bandmate_shared.errors import BandmateError, InvalidRequest

from bandmate_generate.lyrics.sections import read_header

MAX_ANSWER_TOKENS = 1024
TEMPERATURE = 0.8
_BARS_PER_LINE = 2
_MAX_LINES, _MIN_LINES = 24, 2
_SYSTEM = (
    "You write words for songs. Answer with the words alone: one phrase a line of four to nine syllables, no title, no "
    "comments, no chords, no quotation marks. Begin every section with its name in square brackets on its own line."
)
_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese"}
_USUAL_FORM = ("Verse 1", "Chorus", "Verse 2", "Chorus")
_SUNG = frozenset({"verse", "pre-chorus", "chorus", "post-chorus", "bridge"})


class NoWordsWriter(InvalidRequest):
    """Words were asked for by their topic, and nothing is configured that writes words."""

    type = "no-words-writer"
    title = "No words writer configured"


class WordsFailed(BandmateError):
    """The language model answered with an error, or with something that cannot be sung."""

    type = "words-failed"
    title = "No words were written"
    status = 502


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a language model is told: its role, and the request."""

    system: str
    request: str
    seed: int


class LyricsWriter(Protocol):
    """Writes words."""

    def write(self, instructions: Instructions) -> str:
        """The model's answer as it is.

        Raises:
            Unavailable: the model cannot be reached, or is busy; the same request may succeed later.
            WordsFailed: it refused.
        """
        ...


def instructions_for(request: SongRequest, seed: int) -> Instructions:
    """What to ask for the words that `request.lyrics` describes."""
    wish = request.lyrics
    assert isinstance(wish, WordsWish), "only called for words that are to be written"
    named = [section.name for section in request.sections or () if section.name.lower() in _SUNG]
    sections = ", ".join(f"[{name}]" for name in named or _USUAL_FORM)
    language = _LANGUAGES.get(request.language or "en", request.language)
    lines = _MAX_LINES if request.bars is None else min(_MAX_LINES, max(_MIN_LINES, request.bars // _BARS_PER_LINE))
    manner = f"{request.mode}-key {request.style}" if request.mode else request.style
    asked = (
        f"Write the words of a {manner} song about: {wish.about}\nLanguage: {language}.\nSections: {sections}.\n"
        f"At most {lines} lines in all."
    )
    return Instructions(_SYSTEM, asked, seed)


def words_of_answer(answer: str) -> str:
    """The words to be sung out of a model's answer: without code fences, emphasis, quotation marks and remarks.

    Raises:
        WordsFailed: nothing is left that could be sung.
    """
    plain = (_plain(line) for line in answer.splitlines())
    lines = [line for line in plain if line is not None][: 2 * MAX_LYRIC_LINES]
    first = next((index for index, line in enumerate(lines) if line and read_header(line) is not None), 0)
    kept = lines[first:]  # What stands before the first section is a greeting or a title.
    sung = [line for line in kept if line and read_header(line) is None and any(map(str.isalpha, line))]
    if not sung:
        raise WordsFailed(f"the language model wrote nothing that can be sung: {answer.strip()[:120]!r}")
    return "\n".join(kept).strip()[:MAX_LYRIC_CHARACTERS]


def _plain(line: str) -> str | None:
    """A line without Markdown; None for one that is no part of the words."""
    text = line.strip()
    if text.startswith("```"):
        return None
    text = re.sub(r"^#+\s*|[*_`]+", "", text).strip().strip('"“”')
    return None if re.match(r"(?i)^(title|note)\s*:", text) else text
