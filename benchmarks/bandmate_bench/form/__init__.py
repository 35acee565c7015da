"""Measures songs as songs: form, harmony, tune, words, band and performance, beside real pieces."""
