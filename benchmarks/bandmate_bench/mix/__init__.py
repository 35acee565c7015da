"""Songs measured as sound: loudness, peaks, dynamics, spectrum, mono, and whether the stems add up."""
