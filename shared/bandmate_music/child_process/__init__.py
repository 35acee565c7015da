"""Child processes for untrusted input: their start, the frames on their pipes, and the limits they run under."""
