"""Published measures of symbolic music, computed on plain arrays of notes; they know nothing of models or files."""
