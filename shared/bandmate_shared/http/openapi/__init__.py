"""The description of the API at /openapi.json. Read description.py first."""
