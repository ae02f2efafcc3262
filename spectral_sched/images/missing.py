"""Missing values: NaN, a value that stands for none, or a mask beside the values.

An image with some is refused, or they take the mean of the other values of their band,
which adds nothing to the power about it; power is then lower by about the share that is
missing, as it is in what a network is trained on. (Estimates of the power of the whole
sky divide by the share that is there, as Hivon et al., ApJ 567, 2002; what is analysed
here is what is trained on, so nothing is divided.)
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spectral_sched.documents.rules import text
from spectral_sched.errors import ImageError, UsageError

from .raster import array_of
from .transform import stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .raster import Raster

NODATA_RULE = text(pattern=r"(refuse|mask)(:.+)?")
FORMS = "refuse, mask, refuse:VALUE or mask:VALUE"


class Nodata(NamedTuple):
    """What is done about missing values: masked or refused; and a value for them."""

    mask: bool
    value: float | None


def parse_nodata(nodata: str) -> Nodata:
    """Return what is done about missing values.

    Raises
    ------
    UsageError
        If it is of no known form.

    Examples
    --------
    >>> parse_nodata("mask:-9999")
    Nodata(mask=True, value=-9999.0)
    """
    action, colon, value = nodata.partition(":")
    try:
        if action not in ("refuse", "mask"):
            raise ValueError
        return Nodata(action == "mask", float(value) if colon else None)
    except ValueError as error:
        message = f"--nodata needs {FORMS}, not {nodata!r}"
        raise UsageError(message) from error


def without_missing(picture: Raster, nodata: Nodata, name: str) -> tuple[Raster, float]:
    """Return an image without missing values, and which share of it was.

    Raises
    ------
    ImageError
        If some are missing and shall be refused, or all are.
    """
    stand_ins = [each for each in (nodata.value, picture.nodata) if each is not None]
    values = picture.values
    is_float = isinstance(values, np.ndarray) and values.dtype.kind == "f"
    if not (stand_ins or is_float or picture.valid is not None):
        return picture, 0.0
    array = array_of(values)
    missing = _missing(array, stand_ins, picture.valid)
    if missing is None:
        return picture, 0.0
    share = float(missing.mean())
    if not nodata.mask:
        raise _refused(array, missing, stand_ins, name)
    if share == 1:
        message = f"{name} has no value that is not missing; remove it"
        raise ImageError(message, "missing data")
    return replace(picture, values=_filled(array, missing), valid=None), share


def _missing(
    array: NDArray[Any], stand_ins: list[float], valid: NDArray[Any] | None
) -> NDArray[np.bool_] | None:
    """Return which values are missing, (H, W, C); None if none is."""
    found: NDArray[np.bool_] = (
        np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    )
    for value in stand_ins:
        if not math.isnan(value):
            # As the file's own type holds it: -3.4e38 is not the double of that name.
            found |= array == _in_type(value, array.dtype)
    if valid is not None:
        found |= ~(valid if valid.ndim == 3 else valid[..., None])
    return found if found.any() else None


def _in_type(value: float, dtype: np.dtype[Any]) -> Any:
    with np.errstate(over="ignore"):
        return dtype.type(value) if dtype.kind == "f" else value


def _refused(
    array: NDArray[Any], missing: NDArray[Any], stand_ins: list[float], name: str
) -> ImageError:
    share = f"{missing.mean():.2%}"
    cure = "--nodata mask puts the mean of the others in their place"
    if array.dtype.kind == "f" and np.isnan(array[missing]).all():
        message = f"{name} has values that are not finite: {share} are NaN; {cure}"
        return ImageError(message, "not finite")
    named = ", ".join(f"{value:g}" for value in stand_ins) or "masked by the file"
    message = f"{name} has {share} of its values missing ({named}); {cure}"
    return ImageError(message, "missing data")


def _filled(array: NDArray[Any], missing: NDArray[Any]) -> NDArray[Any]:
    """Return values whose missing ones are the mean of the others of their band."""
    filled = array.copy()
    for band in range(array.shape[2]):
        lost = missing[..., band]
        there = array[..., band][~lost]
        # A band without a value takes the mean of all others.
        mean = (there if there.size else array[~missing]).mean(dtype=np.float64)
        filled[..., band][lost] = stored(np.array(mean), array.dtype)
    return filled
