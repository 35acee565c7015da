"""Speech engines behind one interface: audio with the time of every phone."""
