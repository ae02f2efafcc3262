"""Which damage to the data of an image is noticed, format by format.

    python benchmarks/damage.py [--count 20]

Images of every format are cut, lose a byte's value, lose 64 bytes to zeros or
altogether, or get 64 more, at random places behind their headers. Printed: of how many
each kind of damage was noticed. What is not noticed reads as an image, most often with
wrong pixels.
"""

from __future__ import annotations

import argparse
import io
import sys
from typing import TYPE_CHECKING

import numpy as np
from fuzz_images import encodings, picture
from PIL import Image

from spectral_sched.errors import ImageError
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIDE = 200
PIECE = 64
HEAD, TAIL = 0.2, 0.1
"""Shares of a file at its ends that are left alone, but by cuts."""


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Leave out the end."""
    return content[: int(len(content) * rng.uniform(0, 1 - TAIL))]


def change(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one byte."""
    place = inside(content, rng)
    changed = content[place] ^ int(rng.integers(1, 256))
    return content[:place] + bytes([changed]) + content[place + 1 :]


def blank(content: bytes, rng: np.random.Generator) -> bytes:
    """Put zeros in place of a piece."""
    place = inside(content, rng)
    return content[:place] + bytes(PIECE) + content[place + PIECE :]


def leave_out(content: bytes, rng: np.random.Generator) -> bytes:
    """Leave a piece out."""
    place = inside(content, rng)
    return content[:place] + content[place + PIECE :]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    """Put random bytes in between."""
    place = inside(content, rng)
    return content[:place] + rng.bytes(PIECE) + content[place:]


ACCIDENTS = (cut, change, blank, leave_out, insert)


def inside(content: bytes, rng: np.random.Generator) -> int:
    """Return a place behind the header and before the end."""
    return int(len(content) * rng.uniform(HEAD, 1 - TAIL))


def files() -> Iterator[tuple[str, bytes]]:
    """Yield one file of every format and packing."""
    Image.init()
    more = (("tiff", "RGB", {"compression": name}) for name in ("zstd", "lzma"))
    fax = ("tiff", "1", {"compression": "group3"})
    for kind, mode, options in (*encodings(), *more, fax):
        if kind.upper() in Image.SAVE and mode not in ("I;16", "F"):
            file = io.BytesIO()
            picture(mode, SIDE).save(file, kind, **options)
            told = " ".join(f"{key}={value}" for key, value in options.items())
            yield f"{kind} {mode} {told}", file.getvalue()


def noticed(
    content: bytes,
    accident: Callable[[bytes, np.random.Generator], bytes],
    count: int,
) -> float:
    """Return the share of accidents that are noticed."""
    settings, refused = make_preprocessing(), 0
    for seed in range(count):
        damaged = accident(content, np.random.default_rng([2026, seed]))
        try:
            load_pixels(damaged, "picture", settings)
        except ImageError:
            refused += 1
    return refused / count


def main() -> None:
    """Print a table of the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=20)
    count = parser.parse_args().count
    names = "".join(f"{accident.__name__:>11}" for accident in ACCIDENTS)
    sys.stdout.write(f"{'':40}{names}\n")
    for name, content in files():
        shares = (noticed(content, accident, count) for accident in ACCIDENTS)
        sys.stdout.write(f"{name:40}{''.join(f'{share:11.0%}' for share in shares)}\n")


if __name__ == "__main__":
    main()
