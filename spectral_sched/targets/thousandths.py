"""Flow times in whole thousandths, for programs that count them so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

THOUSAND = 1000


def thousandths(times: NDArray[np.float64], program: str) -> NDArray[np.int64]:
    """Return flow times as the nearest thousandths.

    Raises
    ------
    UsageError
        If the last would be none.
    """
    values: NDArray[np.int64] = np.rint(THOUSAND * times).astype(np.int64)
    if values[-1] == 0:
        message = (
            f"{program} counts flow time in thousandths, and the last level is below "
            "half of one; plan with a higher --sigma-min"
        )
        raise UsageError(message)
    return values
