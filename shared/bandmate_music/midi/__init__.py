"""Reads, writes and edits Standard MIDI Files."""
