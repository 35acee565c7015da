"""espeak-ng (GPL) in a process of its own."""
