"""Serves a model over HTTP as SageMaker calls it."""
