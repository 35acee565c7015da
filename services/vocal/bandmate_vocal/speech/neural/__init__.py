"""Neural networks that sing or speak: phones, durations, fundamental and energy in, samples out."""
