"""Which items a run has seen, in 16 bytes however many there are.

A manifest is the sum of a hash per item, so that manifests of parts add up to that of
the whole. With the position of each item in its hash it stands for a sequence, without
for a set.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.images.pixels import Plane

if TYPE_CHECKING:
    from spectral_sched.images.pixels import Data

MODULUS = 1 << 128


@dataclass
class Manifest:
    """How many items, and the sum of their hashes modulo 2**128."""

    count: int = 0
    digest: int = 0

    def add(self, *facts: object) -> None:
        """Add one item, of which these are the facts."""
        self.count += 1
        self.digest = (self.digest + item_hash(*facts)) % MODULUS

    def merge(self, other: Manifest) -> None:
        """Add the items of another manifest."""
        self.count += other.count
        self.digest = (self.digest + other.digest) % MODULUS


def item_hash(*facts: object) -> int:
    """Return a hash of 128 bits that is the same on every machine."""
    text = "\0".join(map(str, facts)).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(text).digest()[:16])


def fingerprint(data: Data) -> tuple[object, ...]:
    """Return facts that show, without decoding it, that an image was replaced."""
    if isinstance(data, Path):
        try:
            status = data.stat()
        except OSError:
            return ()
        return status.st_size, status.st_mtime_ns
    if isinstance(data, Plane):
        data = data.values
    if isinstance(data, np.ndarray):
        data = np.ascontiguousarray(data).tobytes()
    if isinstance(data, bytes):
        return len(data), zlib.crc32(data)
    return ()
