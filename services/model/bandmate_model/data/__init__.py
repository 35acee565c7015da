"""Training data: pieces, line-ups, passages and tokens."""
