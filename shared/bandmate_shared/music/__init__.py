"""The score model, and bounded reading and writing of MIDI and MusicXML."""
