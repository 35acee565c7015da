"""Judges of singing that the singer does not use, and what they are given to judge."""
