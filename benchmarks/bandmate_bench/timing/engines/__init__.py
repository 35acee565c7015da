"""Inference engines for the Transformer, compared on the same weights."""
