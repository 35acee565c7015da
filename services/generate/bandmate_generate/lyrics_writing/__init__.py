"""Have words written for a song (`lyrics: {"about": …}`), by a language model of the operator's choice."""
