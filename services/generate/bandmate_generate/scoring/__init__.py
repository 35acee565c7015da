"""Turns composed notes into a score, an edited MIDI file and a piano roll."""
