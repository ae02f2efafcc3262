"""Laws given by levels, log-linear between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Law
from .parameters import choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .base import Terminal

BEYOND = 100
"""How many times the first and the last gap a curve is continued beyond its ends."""

AYS_TABLES = {
    "sd15": "14.615 6.475 3.861 2.697 1.886 1.396 .963 .652 .399 .152 .029",
    "sdxl": "14.615 6.315 3.771 2.181 1.342 .862 .555 .380 .234 .113 .029",
    "if": "160.41 8.081 3.315 1.885 1.207 .785 .553 .293 .186 .030 .006",
    "svd": "700 54.5 15.886 7.977 4.248 1.789 .981 .403 .173 .034 .002",
}
"""Published 10-step tables; each has 11 levels, the last of which stands for 0."""


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
class TableLaw(Law):
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
    def _curve(self) -> Curve:
        return Curve.through(np.array(self.levels))

    @property
    def ends(self) -> tuple[float, float]:
        """Noise range of the law itself."""
        return (self.levels[-1], self.levels[0])

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return self._curve.weight(log_snr)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return self._curve.inverse(cumulative)

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        return self._curve.slope(log_snr)


@dataclass(frozen=True, kw_only=True)
class AysLaw(TableLaw):
    """Published Align Your Steps tables, resampled log-linearly.

    Sabour, Fidler & Kreis (arXiv 2404.14507), optimised for one network and sampler
    each. Programs end the 11 published levels in two ways. ``end=replace`` resamples to
    N + 1 levels and replaces the last by 0: with 10 steps, the levels as published.
    ``end=append`` resamples to N and appends 0.
    """

    formula: ClassVar[str] = "published levels, ln sigma linear in t between them"
    source: ClassVar[str] = "Sabour et al., arXiv 2404.14507"

    table: str = choice("sd15", tuple(AYS_TABLES), "network of the published table")
    end: str = choice("replace", ("replace", "append"), "how 0 joins the levels")
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = tuple(float(level) for level in AYS_TABLES[self.table].split())
        object.__setattr__(self, "levels", numbers)

    @property
    def terminal(self) -> Terminal:
        """Where the last step of a table starts from, if nobody says otherwise."""
        return "zero" if self.end == "replace" else "sigma-min"
