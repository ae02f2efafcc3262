"""What files must say of the size and the spectrum of images.

Rules name lengths C, H and W of the images and K of their rings, for the rules of
other fields; sizes are known to be sensible before rings of that size are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.rules import agree, fixed, numbers, positive

from .gaussian_field import GaussianField
from .rescale import MAX_SIDE
from .rings import num_rings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place, Rule
    from spectral_sched.documents.strict_json import Document

MAX_PIXELS = MAX_SIDE**2
MAX_CHANNELS = 16

ROUNDING = 1e-9
"""Share of the power of a ring, or of the mean colour, that is rounding alone."""

PRODUCT_ROUNDING = 1e-5
"""Share of the power of a ring below 0 that products in float32 may leave."""

MAX_POWER = 1e38
"""Larger than every sum of powers that an analysis makes."""


def shape(value: object, place: Place) -> None:
    """Hold a value to (C, H, W) of images that there can be."""
    numbers(3, least=1, whole=True)(value, place)
    if not isinstance(value, list):
        return
    channels, height, width = value
    if channels > MAX_CHANNELS or height * width > MAX_PIXELS:
        raise place.cannot_be(value)
    sizes = (channels, height, width, num_rings(height, width))
    place.sizes.update(zip("CHWK", sizes, strict=True))


powers = numbers("K", least=0, most=MAX_POWER)
"""The rule for a power, or another magnitude, of each ring."""

log_powers = numbers("K", least=-1e3, most=100)
"""The rule for the natural log of a power of each ring."""

FIELD: Mapping[str, Rule] = {
    "shape": shape,
    "mean_color": numbers("C", least=-1e15, most=1e15),
    "sigma_data": positive,
    "data_range": fixed([-1.0, 1.0]),
}
"""Rules of what every file says of the images as a whole."""

RINGS: Mapping[str, Rule] = {
    "frequency": numbers("K", least=0, most=1),
    "num_modes": numbers("K", least=1, whole=True),
    "power": powers,
    "cross_power": numbers("K", "C", "C", least=-MAX_POWER, most=MAX_POWER),
}
"""Rules of what every file says of each ring."""


def field_of(document: Document, key: str) -> GaussianField:
    """Return the field in a document that obeys `FIELD`, and `RINGS` under a key."""
    channels, height, width = document["shape"]
    return GaussianField(
        shape=(channels, height, width),
        mean_color=np.array(document["mean_color"], np.float64),
        cross_power=np.array(document[key]["cross_power"], np.float64),
    )


def field_agrees(document: Document, key: str, place: Place) -> GaussianField:
    """Return the field in a document whose numbers agree with one another.

    Parameters
    ----------
    key
        Where the rings are.

    Raises
    ------
    InputError
        If the cross power of a ring is none, or follows not to be what is beside it.
    """
    field, rings = field_of(document, key), document[key]
    inner = place.at(key)
    check_cross_power(field, inner.at("cross_power"))
    slack = ROUNDING * (field.power.max() + field.mean_offset)
    agree(rings["power"], field.power, inner.at("power"), slack=slack)
    agree(rings["frequency"], field.frequency, inner.at("frequency"))
    agree(rings["num_modes"], field.num_modes, inner.at("num_modes"))
    agree(document["sigma_data"], field.sigma_data, place.at("sigma_data"))
    return field


def check_cross_power(field: GaussianField, place: Place) -> None:
    """Raise `InputError` unless the power of every mixture of channels is 0 or more."""
    cross: NDArray[Any] = field.cross_power
    size = np.abs(cross).max(axis=(1, 2))
    size[0] += field.num_pixels * np.max(field.mean_color**2)
    apart = np.abs(cross - cross.swapaxes(1, 2))
    if np.any(apart > ROUNDING * size[:, None, None]):
        raise place.wrong("is not symmetric")
    if np.any(np.linalg.eigvalsh(cross) < -PRODUCT_ROUNDING * size[:, None]):
        raise place.wrong("holds a power below 0")
