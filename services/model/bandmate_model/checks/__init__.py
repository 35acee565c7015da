"""Checks of composed music: does it keep the request, and does it repeat the training pieces."""
