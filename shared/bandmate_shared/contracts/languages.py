"""Where the language of sung words comes from."""

from typing import Literal

LanguageSource = Literal["request", "score", "voice", "words", "default"]
"""The request, the score's xml:lang, the voice's own language, the words; or none of these told, and it is English."""
