"""What the services that make sound agree on: the sample rate, loudness, the master."""

SAMPLE_RATE = 44100
"""Of every file we write, in Hz."""
