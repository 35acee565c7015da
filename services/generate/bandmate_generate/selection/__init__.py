"""Measures candidate takes against the request and chooses one."""
