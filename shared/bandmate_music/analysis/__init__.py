"""What is derived from a score: its bars, its key, the roles of its parts."""
