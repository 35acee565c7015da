"""The band's parts: figures, bass lines, grooves, and who plays in which section."""
