"""Keys, chords, metres and the spelling of notes."""
