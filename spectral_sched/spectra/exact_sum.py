"""Sums of floats that do not depend on the order of their terms.

Every term is split into whole multiples of 2**(LOWEST + 32 k), and the multiples are
added as integers. A partial sum is therefore exact on a grid of 2**-160, and adding,
splitting and merging in any order gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMB_BITS = 32
LOWEST = -160
NUM_LIMBS = 8
LARGEST = 2.0 ** (LOWEST + LIMB_BITS * NUM_LIMBS - 1)


@dataclass(eq=False)
class ExactSum:
    """Running sums of a vector of quantities.

    Attributes
    ----------
    limbs
        Integers of shape (NUM_LIMBS, M), least significant first, all but the last
        limb in [0, 2**32): equal sums have equal limbs.
    """

    limbs: NDArray[np.int64]

    @classmethod
    def zeros(cls, size: int) -> Self:
        """Return empty sums of `size` quantities."""
        return cls(np.zeros((NUM_LIMBS, size), np.int64))

    def add(self, rows: NDArray[np.float64]) -> None:
        """Add terms of shape (N, M), fewer than 2**21 at once."""
        largest = np.abs(rows).max(initial=0.0)
        if not largest < LARGEST:
            message = "only finite numbers below 2**95 can be summed exactly"
            raise ValueError(message)
        rest = rows.astype(np.float64)
        for limb in range(NUM_LIMBS - 1, -1, -1):
            unit = 2.0 ** (LOWEST + LIMB_BITS * limb)
            if largest < unit / 2:
                continue
            # At most 2**31 each, so that their sum is exact in float64 too.
            multiple = np.rint(rest * (1 / unit))
            self.limbs[limb] += multiple.sum(axis=0).astype(np.int64)
            multiple *= unit
            rest -= multiple
            if not rest.any():
                break
            largest = unit / 2
        self._carry()

    def merge(self, other: ExactSum) -> None:
        """Add the terms of another sum of the same quantities."""
        if other.limbs.shape != self.limbs.shape:
            message = "sums of different numbers of quantities cannot be merged"
            raise ValueError(message)
        self.limbs += other.limbs
        self._carry()

    def _carry(self) -> None:
        for limb in range(NUM_LIMBS - 1):
            carry = self.limbs[limb] >> LIMB_BITS
            self.limbs[limb] -= carry << LIMB_BITS
            self.limbs[limb + 1] += carry

    def totals(self) -> NDArray[np.float64]:
        """Return the sums, (M,), each rounded once."""
        scale = 1 << -LOWEST
        return np.array([_whole(column) / scale for column in self.limbs.T])


def _whole(limbs: NDArray[np.int64]) -> int:
    return sum(int(limb) << (LIMB_BITS * k) for k, limb in enumerate(limbs))
