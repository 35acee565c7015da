"""Asks a model for notes: over HTTP, a SageMaker real-time endpoint, or an asynchronous one."""
