"""Matches syllables and phones to notes, and decides when each phone sounds."""
