"""The languages of words to be sung: their names and tags, their scripts, and which of them a text is written in."""
