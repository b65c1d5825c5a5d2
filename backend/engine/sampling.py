"""Random samples that anybody can draw again: membership and order depend on the seed and the ids alone."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable


def place(seed: int, name: str) -> bytes:
    """Where a name stands among all names of a seed: uniform, and unrelated to the places of other seeds."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def draw(seed: int, names: Iterable[str], size: int) -> list[str]:
    """`size` different names (all, if there are fewer) in random order; every subset is as likely as any other.

    It does not matter in which order or how often the names come, and a larger sample begins with the smaller one.
    ValueError for a negative size.
    """
    if size < 0:
        raise ValueError("a sample cannot have fewer than 0 members")
    return heapq.nsmallest(size, set(names), key=lambda name: place(seed, name))


def seed_of(name: str) -> int:
    """A seed from a random name, for who asks for none; at most 53 bits, so that every JSON reader holds it."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 11
