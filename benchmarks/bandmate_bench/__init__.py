"""Judges and benchmarks: `bandmate benchmark`, published test sets, timings of every service."""
