"""Biases added to the logits: towards requested chords, key and density, and towards plain musical form."""
