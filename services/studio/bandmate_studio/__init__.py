"""The studio: a page in the browser on which songs are asked for, heard, changed and kept. Read api.py first."""
