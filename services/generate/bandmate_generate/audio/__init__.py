"""Renders a score with a soundfont and mixes the stems."""
