"""Make small images of a few kinds from seeds alone.

Every image is a pure function of its kind, its seed and its size. A kind's
function takes a numpy generator and a size in pixels and returns the sRGB planes,
float in 0..1 with shape (3, size, size). All random parameters are relative to the
image's width and fields are drawn from low to high frequency, so that one seed
gives about the same composition at every size.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spectral_sched.synthetic.color_fields import color_fields
from spectral_sched.synthetic.dead_leaves import dead_leaves
from spectral_sched.synthetic.landscapes import landscapes
from spectral_sched.synthetic.lines import lines
from spectral_sched.synthetic.shapes import shapes

__all__ = ["KINDS", "SAMPLE_KINDS", "picture", "write_pictures"]

KINDS: dict[str, Callable[[np.random.Generator, int], NDArray[np.floating[Any]]]] = {
    "dead_leaves": dead_leaves,
    "color_fields": color_fields,
    "landscapes": landscapes,
    "shapes": shapes,
    "lines": lines,
}

SAMPLE_KINDS = tuple(KINDS)[:4]
"""Kinds of the sample images, and of what is written if none is named."""

_SMALLEST_SIZE, _LARGEST_SIZE = 8, 8192


def _check(kind: str, size: int) -> None:
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise ValueError(f"Unknown kind of image {kind!r}; the kinds are {known}.")
    if size < _SMALLEST_SIZE:
        raise ValueError(f"size must be at least {_SMALLEST_SIZE} pixels, not {size}.")
    if size > _LARGEST_SIZE:
        raise ValueError(f"size must be at most {_LARGEST_SIZE} pixels, not {size}.")


def _entropy(kind: str, seed: int | Sequence[int]) -> list[int]:
    numbers = list(seed) if isinstance(seed, Sequence) else [seed]
    if not numbers or min(numbers) < 0:
        raise ValueError(f"seed must be whole numbers of at least 0, not {seed!r}.")
    # Kinds count from 1, for numpy takes trailing zeros as no entropy at all.
    return [*numbers, list(KINDS).index(kind) + 1]


def picture(kind: str, seed: int | Sequence[int], size: int = 64) -> NDArray[np.uint8]:
    """Return the (size, size, 3) uint8 sRGB image of a kind and a seed."""
    _check(kind, size)
    rng = np.random.default_rng(_entropy(kind, seed))
    levels = np.rint(np.clip(KINDS[kind](rng, size), 0.0, 1.0) * 255)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(1, 2, 0))


def _write(path: Path, pixels: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)
    return path


def write_pictures(
    folder: str | Path,
    count_per_kind: int = 48,
    size: int = 64,
    seed: int = 0,
    kinds: Sequence[str] = SAMPLE_KINDS,
) -> list[Path]:
    """Write folder/kind/0000.png and on, and return the paths.

    Image ``index`` of a kind is ``picture(kind, (seed, index), size)``, however
    many others are written.
    """
    if count_per_kind < 1:
        raise ValueError(f"count_per_kind must be at least 1, not {count_per_kind}.")
    for kind in kinds:
        _check(kind, size)
    return [
        _write(
            Path(folder) / kind / f"{index:04d}.png", picture(kind, (seed, index), size)
        )
        for kind in kinds
        for index in range(count_per_kind)
    ]
