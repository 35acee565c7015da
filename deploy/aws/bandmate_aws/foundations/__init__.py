"""Stacks without code in them: network, storage, database, queues, image repositories, alarm topic."""
