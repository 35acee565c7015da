"""Evaluates a model: validity, originality, musical metrics, a page to look at."""
