"""Cleans one piece: bars, grid, tempo, instruments, stuck notes, fingerprint."""
