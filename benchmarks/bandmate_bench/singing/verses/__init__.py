"""Verses of our own in each language, a file each, syllables joined by hyphens."""
