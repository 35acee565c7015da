"""Audio shared by the services: sample rate, loudness, mastering."""

SAMPLE_RATE = 44100
"""Of every file we write, in Hz."""
