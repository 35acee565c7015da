"""The performance: velocity and timing of a score, as people play it."""
