"""Published measures of symbolic music, computed on plain arrays of notes; independent of models and files."""
