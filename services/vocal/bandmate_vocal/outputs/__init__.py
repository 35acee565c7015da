"""What is written beside the sung voice: the alignment, lyrics with times, a picture of the pitch."""
