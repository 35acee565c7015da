"""Registered models, their aliases, and dataset versions."""
