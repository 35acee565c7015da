"""The form of a song: its sections, and how the words and the bars are shared among them."""
