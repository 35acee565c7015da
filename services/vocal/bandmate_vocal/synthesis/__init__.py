"""Retunes speech into singing: pitch contour, PSOLA, expression, tone, mix."""
