"""Reads untrusted files in child processes without rights, environment or files."""
