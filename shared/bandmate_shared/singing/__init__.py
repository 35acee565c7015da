"""What can be asked of a singer: the voices by name, and the check of a voice, a language and words before any work."""
