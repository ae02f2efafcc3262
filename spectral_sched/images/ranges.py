"""Black and white: the stored values that become -1 and 1, of all bands or of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.rules import numbers
from spectral_sched.errors import ImageError, UsageError
from spectral_sched.words import number_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place

Limits = tuple[float, float] | tuple[tuple[float, float], ...]
"""Black and white of all bands, or a pair for each band."""

Percentiles = tuple[float, float]

Ends = tuple[Any, Any]
"""Black and white: two numbers, or two arrays with one for each band, (C,)."""

PERCENTILE, WINDOW = "percentile:", "window"

FORMS = "LOW,HIGH, percentile:LOW,HIGH or window"


def limits_of(
    data_range: str | Limits | None,
) -> tuple[Limits | None, Percentiles | None, bool]:
    """Return stated limits, wanted percentiles, and whether the window is wanted.

    Raises
    ------
    UsageError
        If a text is none of these.

    Examples
    --------
    >>> limits_of("percentile:0.1,99.9")
    (None, (0.1, 99.9), False)
    """
    if data_range is None:
        return None, None, False
    if not isinstance(data_range, str):
        return as_limits(data_range), None, False
    if data_range == WINDOW:
        return None, None, True
    pair = _pair(data_range.removeprefix(PERCENTILE), data_range)
    if data_range.startswith(PERCENTILE):
        return None, pair, False
    return pair, None, False


def _pair(text: str, given: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        message = f"--data-range needs two numbers as in 0,1 ({FORMS}), not {given!r}"
        raise UsageError(message) from error
    return low, high


def as_limits(limits: Any) -> Limits:
    """Return limits as tuples of numbers."""
    array = np.asarray(limits, np.float64)
    if array.shape != (2,) and not (array.ndim == 2 and array.shape[1] == 2):
        message = (
            f"--data-range needs LOW,HIGH, or such a pair for each band, not {limits}"
        )
        raise UsageError(message)
    if array.ndim == 1:
        return float(array[0]), float(array[1])
    return tuple((float(low), float(high)) for low, high in array)


def check_limits(
    limits: Limits | None,
    percentiles: Percentiles | None,
    standardize: str,
    *,
    window: bool,
) -> None:
    """Raise `UsageError` if a range is empty, or two are asked for."""
    for low, high in [] if limits is None else np.atleast_2d(limits):
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            message = (
                f"--data-range needs LOW,HIGH with LOW below HIGH, not {low:g},{high:g}"
            )
            raise UsageError(message)
    if percentiles and not 0 <= percentiles[0] < percentiles[1] <= 100:
        message = (
            "--data-range percentile:LOW,HIGH needs 0 <= LOW < HIGH <= 100, not "
            "{:g},{:g}".format(*percentiles)
        )
        raise UsageError(message)
    if standardize == "band" and (percentiles or window):
        message = "--standardize band measures a range itself; leave out --data-range"
        raise UsageError(message)


def range_rule(value: object, place: Place) -> None:
    """Hold a value of a file to two rising numbers, or such a pair for each band."""
    nested = isinstance(value, list) and bool(value) and isinstance(value[0], list)
    numbers(*((None, 2) if nested else (2,)), order="rising")(value, place)


def ends_of(limits: Limits, channels: int, name: str) -> Ends:
    """Return limits as black and white of so many channels.

    Raises
    ------
    ImageError
        If they are of another number of bands.
    """
    array = np.asarray(limits, np.float64)
    if array.ndim == 1:
        return float(array[0]), float(array[1])
    if len(array) != channels:
        message = (
            f"{name} has {number_of(channels, 'band')} and --data-range "
            f"{number_of(len(array), 'pair')}; state one for each band"
        )
        raise ImageError(message, "bands")
    return array[:, 0].copy(), array[:, 1].copy()


def plain(end: float | NDArray[np.float64]) -> float | list[float]:
    """Return an end of a range as numbers of Python."""
    return end.tolist() if isinstance(end, np.ndarray) else end
