"""What a law of noise levels is: a weight over log SNR."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from .parameters import check_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray


Terminal = Literal["sigma-min", "zero"]
"""Where the last step of a table starts from.

``sigma-min``: the levels run from sigma_max to sigma_min, and 0 follows. ``zero``: one
more level is placed, and the last of them, sigma_min, is replaced by the 0.
"""


ROUNDING = 4 * np.finfo(np.float64).eps


def invert(
    increasing: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    values: NDArray[np.float64],
    bracket: tuple[ArrayLike, ArrayLike],
) -> NDArray[np.float64]:
    """Return where an increasing function takes given values, to rounding.

    Parameters
    ----------
    bracket
        Ends between which it takes all of them, or each its value.

    Examples
    --------
    >>> invert(np.exp, np.array([1.0, 7.0]), (-5.0, 5.0)).round(12)
    array([0.        , 1.94591015])
    """
    from scipy.optimize import elementwise

    def excess(
        point: NDArray[np.float64], value: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return increasing(point) - value

    low, high = (np.broadcast_to(end, np.shape(values)) for end in bracket)
    found = elementwise.find_root(
        excess,
        (low, high),
        args=(values,),
        tolerances={"xatol": ROUNDING, "xrtol": ROUNDING},
    )
    point: NDArray[np.float64] = found.x
    return point


@dataclass(frozen=True, kw_only=True)
class Law(ABC):
    """Weight over log_snr, with its formula and its source."""

    formula: ClassVar[str]
    source: ClassVar[str]

    def __post_init__(self) -> None:
        check_values(self)

    @abstractmethod
    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, increasing, up to a constant."""

    @abstractmethod
    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""

    @abstractmethod
    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""

    @property
    def ends(self) -> tuple[float, float] | None:
        """Noise range of the law itself; None stands for that of the data set."""
        return None

    @property
    def reach(self) -> tuple[float, float]:
        """Widest noise range on which there is any weight."""
        return (0.0, np.inf)

    @property
    def terminal(self) -> Terminal:
        """Where the last step of a table starts from, if nobody says otherwise."""
        return "sigma-min"

    def drawn(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values that are trained on in place of drawn ones."""
        return log_snr
