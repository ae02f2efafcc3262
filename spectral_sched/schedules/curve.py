"""Laws that are read from a curve or from a table of levels."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .law import Law

if TYPE_CHECKING:
    from numpy.typing import NDArray


BEYOND = 100
"""How many times the first and the last gap a curve is continued beyond its ends."""


@dataclass(frozen=True, eq=False)
class Curve:
    """An increasing curve through points, straight between them.

    Attributes
    ----------
    log_snr, cumulative
        The points, ascending, (M,).
    """

    log_snr: NDArray[np.float64]
    cumulative: NDArray[np.float64]

    @classmethod
    def through(cls, levels: NDArray[np.float64]) -> Curve:
        """Return the curve on which falling levels stand at equal steps of t.

        It goes on beyond the levels as steeply as between the two nearest.
        """
        count = len(levels) - 1
        log_snr, cumulative = -2 * np.log(levels), np.arange(-count, 1) / count
        first, last = np.diff(log_snr)[[0, -1]] * BEYOND
        return cls(
            np.r_[log_snr[0] - first, log_snr, log_snr[-1] + last],
            np.r_[-1 - BEYOND / count, cumulative, BEYOND / count],
        )

    def weight(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height of the curve."""
        return np.interp(log_snr, self.log_snr, self.cumulative)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the curve has a height."""
        return np.interp(cumulative, self.cumulative, self.log_snr)

    def slope(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the slope of the curve; at a point, that of the piece below."""
        slopes = np.diff(self.cumulative) / np.diff(self.log_snr)
        piece = np.searchsorted(self.log_snr, log_snr) - 1
        return slopes[np.clip(piece, 0, len(slopes) - 1)]


@dataclass(frozen=True, kw_only=True)
class CurveLaw(Law):
    """A law read from a curve."""

    @property
    @abstractmethod
    def curve(self) -> Curve:
        """The weight up to every log_snr."""

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return self.curve.weight(log_snr)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return self.curve.inverse(cumulative)

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        return self.curve.slope(log_snr)


@dataclass(frozen=True, kw_only=True)
class TableLaw(CurveLaw):
    """The law of any table: equal weight between neighbouring levels.

    Attributes
    ----------
    levels
        Falling levels, at least two.
    """

    formula: ClassVar[str] = "ln sigma linear in t between levels"
    source: ClassVar[str] = "log-linear interpolation of a table"

    levels: tuple[float, ...]

    @cached_property
    def curve(self) -> Curve:
        """The curve on which the levels stand at equal steps."""
        return Curve.through(np.array(self.levels))

    @property
    def ends(self) -> tuple[float, float]:
        """Noise range of the law itself."""
        return (self.levels[-1], self.levels[0])
