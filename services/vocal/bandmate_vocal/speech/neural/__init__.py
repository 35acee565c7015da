"""Neural networks that sing: phones, durations, fundamental and energy in, samples out."""
