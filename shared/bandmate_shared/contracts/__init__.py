"""The wire formats: every request, event and artifact, as pydantic models.

One file a noun. JSON Schemas are exported from these models to `schemas/` beside this file.
"""
