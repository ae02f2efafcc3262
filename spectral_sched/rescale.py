"""A measured spectrum at another size of the same pictures.

A ring is so many cycles per picture, whatever the size, so it keeps its index. Power is
that of the orthonormal transform and grows with the number of pixels: at twice the side
the same content has four times the power. What a larger size adds beyond the measured
rings is taken from the fitted power law, with the colours and the spread between
pictures of the last measured octave. A smaller size cuts rings off, as an ideal filter
would; real resizing also dims the last of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .documents import rounded
from .errors import NoAnswerError, UsageError
from .gaussian_field import GaussianField
from .planning import Planning
from .power_law import field_power_law
from .rings import rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .statistics import Shape

MAX_SIDE = 16384


def rescaled(planning: Planning, side: int) -> Planning:
    """Return the distribution of power at another size.

    Parameters
    ----------
    side
        Longer side of the pictures in pixels; the other keeps its proportion.

    Raises
    ------
    UsageError
        If the side is out of range.
    NoAnswerError
        If the pictures are too small for a power law to be continued.
    """
    field = planning.field
    shape = _resized(field.shape, side)
    num_rings = len(rings(*shape[1:]))
    cross_power, log_power = field.cross_power, planning.log_power
    if num_rings > len(cross_power):
        cross_power, log_power = _continued(planning, num_rings)
    growth = shape[1] * shape[2] / field.num_pixels
    return Planning(
        GaussianField(shape, field.mean_color, growth * cross_power[:num_rings]),
        rounded(np.log(growth) + log_power[:num_rings]),
    )


def _resized(shape: Shape, side: int) -> Shape:
    channels, height, width = shape
    if not 1 <= side <= MAX_SIDE:
        message = (
            f"--resolution must be from 1 to {MAX_SIDE}, not {side}; name the longer "
            "side in pixels"
        )
        raise UsageError(message)
    ratio = side / max(height, width)
    return (channels, max(1, round(height * ratio)), max(1, round(width * ratio)))


def _continued(
    planning: Planning, num_rings: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cross power and quantiles with as many rings, still at the old size."""
    field = planning.field
    law = field_power_law(field)
    if law is None:
        _, height, width = field.shape
        message = (
            f"pictures of {width}x{height} are too small to foresee a larger size; "
            "analyse larger ones with specsched analyze --resolution"
        )
        raise NoAnswerError(message)
    known, longest = len(field.cross_power), max(field.shape[1:])
    power = law(np.arange(known, num_rings) / longest)
    last = (field.frequency > 0.25) & (field.frequency <= 0.5) & (field.power > 0)
    weights = field.num_modes[last] / field.num_modes[last].sum()
    relative = field.cross_power[last] / field.power[last, None, None]
    spread = planning.log_power[last] - np.log(field.power[last, None])
    colors = np.tensordot(weights, relative, axes=1)
    more_power = power[:, None, None] * colors
    more_logs = np.log(power)[:, None] + weights @ spread
    return (
        np.concatenate([field.cross_power, more_power]),
        np.concatenate([planning.log_power, more_logs]),
    )
