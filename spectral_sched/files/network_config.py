"""What networks are built from, by name and by number, and what a file may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.documents.rules import (
    each,
    members,
    number,
    numbers,
    positive,
    text,
    whole,
)
from spectral_sched.errors import InputError, UsageError, check_choice

from .degradation import KINDS, Degradation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.documents.read import Fields
    from spectral_sched.images.pixels import Shape

GROUP = 16
"""Channels per group of the group normalisation; widths are multiples of it."""

MAX_WIDTH = 4096
MAX_DEPTH = 16
"""Limits of a file: the largest width, also of classes; and levels, blocks, patches."""


@dataclass(frozen=True)
class NetworkConfig:
    """What a network is built from.

    Attributes
    ----------
    image_channels
        Channels of the images.
    widths
        Channels per level, the finest first; each level halves the side.
    num_blocks
        Residual blocks per level, on the way down and on the way up.
    sigma_data
        Standard deviation of the images.
    patch
        Side of the squares of pixels that are one position of the finest level.
    ends
        Noise levels that every image's range ends at if nothing else is said, the
        lower one first; None for a network that is not told.
    restores
        How the image is degraded that the network is given beside the noisy one; None
        for a network that is given none.
    class_names
        Names of the classes of images, by label; None for a network that is told no
        class.
    """

    image_channels: int
    widths: tuple[int, ...]
    num_blocks: int
    sigma_data: float
    patch: int = 1
    ends: tuple[float, float] | None = None
    restores: Degradation | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        widths_fit = all(
            0 < width <= MAX_WIDTH and width % GROUP == 0 for width in self.widths
        )
        counts = (len(self.widths), self.num_blocks, self.patch, self.image_channels)
        counts_fit = all(0 < count <= MAX_DEPTH for count in counts)
        classes_fit = self.class_names is None or 0 < len(self.class_names) <= MAX_WIDTH
        fit = widths_fit and counts_fit and classes_fit
        if not (fit and self.sigma_data > 0):
            message = f"there is no network with {self}"
            raise ValueError(message)

    @property
    def stride(self) -> int:
        """Pixels per position of the coarsest level; sides are multiples of it."""
        return self.patch << (len(self.widths) - 1)


@dataclass(frozen=True)
class Size:
    """Widths and blocks per level, and pixels per position, of a named size."""

    widths: tuple[int, ...]
    num_blocks: int
    patch: int = 1


SIZES: Mapping[str, Size] = {
    "tiny": Size((32, 64, 96), 1),
    "compact": Size((32, 64, 128, 160), 1, patch=2),
    "small": Size((48, 96, 144), 2),
    "base": Size((96, 192, 256, 256), 2),
}
"""Sizes by the names of ``--size``."""


def network_config(
    size: str,
    shape: Shape,
    sigma_data: float,
    ends: tuple[float, float] | None,
    restores: Degradation | None = None,
    class_names: tuple[str, ...] | None = None,
) -> NetworkConfig:
    """Return the network of a size for images of a shape.

    Raises
    ------
    UsageError
        If there is no such size, or the images cannot be degraded so.
    InputError
        If the images cannot be halved as often as the network does.
    """
    check_choice(size, SIZES, "size", "--size")
    named = SIZES[size]
    config = NetworkConfig(
        *(shape[0], named.widths, named.num_blocks, sigma_data, named.patch),
        ends=ends,
        restores=restores,
        class_names=class_names,
    )
    if restores is not None:
        restores.check(shape)
    if any(side % config.stride for side in shape[1:]):
        near = max(config.stride, round(min(shape[1:]) / config.stride) * config.stride)
        message = (
            f"a {size} network takes sides that are multiples of {config.stride}, not "
            f"{shape[2]}x{shape[1]}; train with --resolution {near}"
        )
        raise InputError(message)
    return config


NETWORK = members(
    {
        "image_channels": whole(1, MAX_DEPTH),
        "widths": numbers(None, least=GROUP, most=MAX_WIDTH, whole=True),
        "num_blocks": whole(1, MAX_DEPTH),
        "sigma_data": positive,
        "patch": whole(1, MAX_DEPTH),
    },
    {
        "ends": numbers(2, above=0, order="rising"),
        "restores": members({"name": text(*KINDS), "value": number()}),
        "class_names": each(text(), least=1),
    },
)
"""The rule of what a file says of a network."""


def read_network_config(fields: Fields) -> NetworkConfig:
    """Read what a network is built from.

    Raises
    ------
    InputError
        If it is none that there can be.
    """
    ends = fields.array("ends", (2,)).tolist() if "ends" in fields else None
    try:
        return NetworkConfig(
            image_channels=fields.get("image_channels", int),
            widths=tuple(int(width) for width in fields.array("widths", (None,))),
            num_blocks=fields.get("num_blocks", int),
            sigma_data=fields.number("sigma_data"),
            patch=fields.get("patch", int),
            ends=(ends[0], ends[1]) if ends else None,
            restores=_read_degradation(fields),
            class_names=_read_class_names(fields),
        )
    except ValueError as error:
        raise fields.damaged("widths", f"cannot be used: {error}") from error


def _read_class_names(fields: Fields) -> tuple[str, ...] | None:
    if "class_names" not in fields:
        return None
    names = fields.get("class_names", list)
    if not all(isinstance(name, str) for name in names):
        raise fields.damaged("class_names", "are no names")
    return tuple(names)


def _read_degradation(fields: Fields) -> Degradation | None:
    if "restores" not in fields:
        return None
    inner = fields.object("restores")
    try:
        return Degradation(inner.get("name", str), inner.number("value"))
    except UsageError as error:
        raise fields.damaged("restores", "is none that is known") from error
