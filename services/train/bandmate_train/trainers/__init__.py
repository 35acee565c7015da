"""Starts a training as a subprocess or on SageMaker, and follows it."""
