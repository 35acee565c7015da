"""Engines that run the networks of the token composers without torch, and the batcher that shares an engine among
songs."""
