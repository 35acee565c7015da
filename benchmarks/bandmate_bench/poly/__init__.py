"""The frame-NLL benchmark of polyphonic music: exact likelihood of frames of 88 keys (docs/benchmarks/poly.md)."""
