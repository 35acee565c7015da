"""Trains a model: options, optimiser, checkpoints, several hosts, publishing."""
