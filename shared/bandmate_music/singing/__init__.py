"""Who sings what in a score: the singers' lines, their notes and their syllables."""
