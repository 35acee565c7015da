"""Cleaning a million files: packs of small files, Spark over the packs, and the dataset at the end."""
