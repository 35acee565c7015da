"""Collects files from folders, archives, uploads and S3."""
