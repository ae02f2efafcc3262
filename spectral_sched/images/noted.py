"""What has to be told of how images were read, counted over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from spectral_sched.words import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .raster import Raster

MILLION = 1_000_000
"""What shares are counted in: whole numbers add up to the same in any order."""

NOTED = ("bands_left", "opacity", "masked", "masked_share", "unchecked")
"""Images with bands that are not read, with opacity, with values that were missing, the
shares of the last, in millionths, and images of files in which corrupt data cannot be
told."""


def noted_of(picture: Raster, missing: float) -> dict[str, int]:
    """Return what has to be told of an image, of which a share was missing."""
    counted = {
        "bands_left": int(picture.bands_left > 0),
        "opacity": int(_shows_background(picture)),
        "masked": int(missing > 0),
        "masked_share": round(MILLION * missing),
        "unchecked": int(picture.unchecked),
    }
    return {name: count for name, count in counted.items() if count}


def _shows_background(picture: Raster) -> bool:
    if picture.opacity is not None or picture.key is not None:
        return True
    values = picture.values
    return isinstance(values, Image.Image) and values.has_transparency_data


def noted_lines(noted: Mapping[str, int], background: str) -> Iterator[str]:
    """Yield what to say of so many images, one sentence each."""
    if count := noted.get("bands_left", 0):
        yield (
            f"{_images(count)} more bands than colours, and only the colours are used; "
            "--bands all, or numbers as in --bands 1,2,3, takes others"
        )
    if count := noted.get("opacity", 0):
        yield (
            f"{_images(count)} opacity (alpha), shown on {background}; "
            "--bands all takes it as a band"
        )
    if count := noted.get("masked", 0):
        share = noted.get("masked_share", 0) / MILLION / count
        yield (
            f"{_images(count)} missing values ({share:.2%} of each on average), which "
            "were filled with the mean of the others of their band"
        )
    if count := noted.get("unchecked", 0):
        yield (
            f"{number_of(count, 'image')} could not be checked for corrupt data "
            "(JPEGs of a rare layout, TIFFs packed as fax or in an old way); save them "
            "as PNG if you know that they are whole"
        )


def _images(count: int) -> str:
    return number_of(count, "image has", "images have")
