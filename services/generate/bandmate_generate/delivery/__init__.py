"""What a finished song is handed over as: data for a player, engraved pages, other audio formats, an archive."""
