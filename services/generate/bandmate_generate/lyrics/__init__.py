"""Reads lyrics and finds the rhythm of the sung line: lines, syllables, stress, phrasing."""
