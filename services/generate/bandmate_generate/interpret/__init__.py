"""Interpret a sentence ("a slow sad waltz in D minor with strings") as a song request, by rules and word lists."""
