"""The networks that write tokens, in torch: for training only. `engine/` runs the same weights without it."""
