"""Scores, MIDI, MusicXML, music theory and audio levels: a library without settings, queue or database."""
