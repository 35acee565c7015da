"""Derive an independent seed for each random choice, so that setting one option does not change another choice."""

import hashlib
import random


def derived(seed: int, purpose: str) -> int:
    """A seed below 2^31 for one purpose; equal arguments, equal seed, on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:4], "big") >> 1


def random_generator(seed: int, purpose: str) -> random.Random:
    """A generator of random numbers for one purpose."""
    return random.Random(derived(seed, purpose))  # noqa: S311 - music, not secrets


def seed_of_job(job_id: str) -> int:
    """The seed of a request that names none: the same in every attempt at the job."""
    return int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:4], "big")
