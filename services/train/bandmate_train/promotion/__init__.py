"""Decides whether a trained model may serve: evaluation gate, comparison, starter model."""
