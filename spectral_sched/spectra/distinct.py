"""How many different images there are, by the digests of their pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MOST_KEYS = 1 << 22
"""Different images that are held, in 8 bytes each; more are not counted."""

KEY_BYTES = 8
KEY = np.dtype("<u8")


@dataclass
class DistinctKeys:
    """The first 8 bytes of the different keys of images.

    Among a million images two that differ are taken for one with a probability of
    3e-8.

    Attributes
    ----------
    parts
        Arrays of keys, of which only the first is without repetitions.
    given_up
        Whether there were too many, or some are not known.
    num_waiting
        How many keys are not in the first of the parts.
    """

    parts: list[NDArray[np.uint64]] = field(default_factory=list)
    given_up: bool = False
    num_waiting: int = 0

    def add(self, keys: Iterable[bytes]) -> None:
        """Add images by their keys, of 8 bytes or more."""
        self._add(np.frombuffer(b"".join(key[:KEY_BYTES] for key in keys), KEY))

    def merge(self, other: DistinctKeys) -> None:
        """Add the images of another set."""
        self.given_up = self.given_up or other.given_up
        for part in other.parts:
            self._add(part)

    def keys(self) -> NDArray[np.uint64]:
        """Return the different keys, sorted."""
        whole = np.unique(np.concatenate([np.empty(0, KEY), *self.parts]))
        self.parts, self.num_waiting = [whole], 0
        self.given_up = self.given_up or len(whole) > MOST_KEYS
        return whole

    @property
    def count(self) -> int | None:
        """How many different images there are, None if that is not known."""
        number = len(self.keys())
        return None if self.given_up else number

    def _add(self, keys: NDArray[np.uint64]) -> None:
        if self.given_up:
            self.parts = []
            return
        self.parts.append(keys)
        self.num_waiting += len(keys)
        # Sorting what came in only now and then costs a few comparisons for each.
        if self.num_waiting > max(len(self.parts[0]), MOST_KEYS >> 6):
            self.keys()
