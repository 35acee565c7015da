"""Resolves a song request into a complete plan: key, tempo, parts, form, what to compose and what to keep."""
