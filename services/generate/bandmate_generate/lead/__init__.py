"""The lead sheet's tune: the rhythm of the words and the pitches over the chords."""
