"""Reads and writes MusicXML, plain and compressed."""
