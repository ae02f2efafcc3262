"""A few of the images that were measured, read again: a spectrum file holds none."""

from __future__ import annotations

import heapq
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from spectral_sched.errors import ImageError, InputError
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.png import to_bytes
from spectral_sched.sources import items

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.analysis.measurement import Measurement
    from spectral_sched.sources import Item

NUM_SHOWN = 12
LOOKED_AT = 10_000
"""Images of a source that a few are chosen from."""

SPARE = 2
"""Images that are chosen for each that is shown, as some may be damaged."""


def shown_images(
    source: Sequence[str], measured: Measurement
) -> list[NDArray[np.uint8]]:
    """Return a dozen images, (H, W, C), prepared as they were when they were measured.

    They are chosen by the digests of their names, so the choice repeats and is of all
    classes.

    Raises
    ------
    InputError
        If none can be read, or one has another shape than the measured images.
    """
    found = items(source, bands=measured.preprocessing.bands)
    chosen = heapq.nsmallest(SPARE * NUM_SHOWN, islice(found, LOOKED_AT), key=_digest)
    read, problems = [], []
    for item in chosen:
        try:
            read.append(_read(item, measured))
        except ImageError as error:
            problems.append(error)
        if len(read) == NUM_SHOWN:
            break
    if not read:
        message = f"none of the images can be read (the first: {problems[0]})"
        raise InputError(message)
    return read


def _digest(item: Item) -> bytes:
    return sha256(item.name.encode(errors="surrogateescape")).digest()


def _read(item: Item, measured: Measurement) -> NDArray[np.uint8]:
    pixels = load_pixels(item.data, item.name, measured.preprocessing)
    shape = measured.spectrum.field.shape
    if pixels.shape != shape:
        message = (
            f"{item.name} has the shape {pixels.shape}, and the spectrum is of images "
            f"of {shape}; name the images that it was measured from"
        )
        raise InputError(message)
    return to_bytes(pixels.scaled())
