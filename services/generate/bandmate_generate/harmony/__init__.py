"""Chord progressions: written for each section, or laid out from the request."""
