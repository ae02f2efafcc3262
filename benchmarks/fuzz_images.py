"""Damage images and archives in many ways and show that reading survives it.

    python benchmarks/fuzz_images.py --count 20000 [FOLDER OR FILE ...]

Seeds are small images of every format and archives of them, made here, and the files
that are named. Each is damaged by flipped bits, cuts, doubled or overwritten pieces,
and forged sizes up to 2**31, then read in a process that may take 1 GB more than it has
after start-up. Printed: what became of the files, the most memory taken, the slowest
file, and every file that made a process end or take over 20 s (none is expected).
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import resource
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from spectral_sched.errors import ImageError, SpecschedError
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

MEMORY = 1 << 30
PATIENCE = 20.0
FORGED = (0, 1, 255, 4096, 16383, 65535, 1 << 20, (1 << 24) - 1, (1 << 31) - 1, 1 << 31)
ARCHIVES = (".zip", ".tar", ".gz", ".npy", ".npz", ".parquet")

Seed = tuple[str, bytes]


def picture(mode: str, side: int) -> Image.Image:
    """Return a smooth image with some noise."""
    rng = np.random.default_rng(side)
    ramp = np.add.outer(np.arange(side), 2 * np.arange(side))[..., None] + [0, 40, 80]
    levels = (ramp + rng.integers(0, 16, (side, side, 3))) % 256
    rgb = Image.fromarray(levels.astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    return rgb.convert("RGB").convert(mode)


def encodings() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield formats, modes and options to save seeds with."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield "png", mode, {}
    for options in ({}, {"progressive": True}, {"subsampling": 0}):
        yield "jpeg", "RGB", options
    yield from (("jpeg", mode, {}) for mode in ("L", "CMYK"))
    yield from (("gif", mode, {}) for mode in ("L", "P"))
    yield from (("bmp", mode, {}) for mode in ("1", "L", "P", "RGB"))
    for packing in (None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        yield "tiff", "RGB", {"compression": packing}
    yield from (("tiff", mode, {}) for mode in ("1", "L", "I;16", "F", "CMYK", "LAB"))
    yield "tiff", "1", {"compression": "group4"}
    yield from (("webp", "RGBA", {"lossless": choice}) for choice in (True, False))
    yield from (("avif", mode, {}) for mode in ("RGB", "RGBA"))
    yield from (("jpeg2000", mode, {}) for mode in ("L", "RGB", "I;16"))
    yield from (("ppm", mode, {}) for mode in ("1", "L", "RGB", "I;16", "F"))
    yield from (
        ("tga", mode, options)
        for mode in ("L", "RGBA")
        for options in ({}, {"compression": "tga_rle"})
    )
    yield "qoi", "RGB", {}


def picture_seeds() -> Iterator[Seed]:
    """Yield one file per encoding, small and not so small."""
    Image.init()
    for side in (24, 200):
        for kind, mode, options in encodings():
            if kind.upper() not in Image.SAVE:
                continue
            file = io.BytesIO()
            picture(mode, side).save(file, kind, **options)
            yield f"{kind}-{mode}-{side}.{kind}", file.getvalue()


def tiff_seeds() -> Iterator[Seed]:
    """Yield layouts of TIFF that Pillow does not write, if tifffile is there."""
    try:
        import tifffile
    except ImportError:
        return
    colors = np.asarray(picture("RGB", 24))
    for kind, packing, planes in (
        ("u2", None, True),
        ("u2", "lzw", True),
        ("i2", "zlib", False),
        ("f4", None, False),
        ("f4", "zlib", True),
        ("f8", "zstd", False),
    ):
        values = np.moveaxis(colors, 2, 0) if planes else colors
        layout = "separate" if planes else "contig"
        file = io.BytesIO()
        tifffile.imwrite(
            file,
            values.astype(kind),
            photometric="rgb",
            planarconfig=layout,
            compression=packing,
        )
        yield f"tifffile-{kind}-{packing}-{layout}.tif", file.getvalue()


def archive_seeds() -> Iterator[Seed]:
    """Yield archives and stacks of small images."""
    file = io.BytesIO()
    picture("RGB", 24).save(file, "png")
    content = file.getvalue()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"a/{number}.png", content)
    yield "seed.zip", packed.getvalue()
    for suffix, mode in ((".tar", "w"), (".tar.gz", "w:gz")):
        rolled = io.BytesIO()
        with tarfile.open(fileobj=rolled, mode=mode) as members:  # type: ignore[call-overload]
            for number in range(4):
                member = tarfile.TarInfo(f"{number}.png")
                member.size = len(content)
                members.addfile(member, io.BytesIO(content))
        yield f"seed{suffix}", rolled.getvalue()
    stack = np.stack([np.asarray(picture("RGB", 24))] * 4)
    for suffix, save in ((".npy", np.save), (".npz", np.savez_compressed)):
        saved = io.BytesIO()
        save(saved, stack)
        yield f"seed{suffix}", saved.getvalue()
    yield from parquet_seed(content)


def parquet_seed(content: bytes) -> Iterator[Seed]:
    """Yield a Parquet file if pyarrow is there."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        return
    file = io.BytesIO()
    parquet.write_table(arrow.table({"image": [{"bytes": content}] * 4}), file)
    yield "seed.parquet", file.getvalue()


def given_seeds(places: list[Path]) -> Iterator[Seed]:
    """Yield the files at and below the places."""
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.stat().st_size < 1 << 22:
                yield path.name, path.read_bytes()


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes of a file after one or more accidents."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        accident = (flip, cut, overwrite, double, forge)[rng.integers(5)]
        accident(changed, rng)
    return bytes(changed)


def flip(content: bytearray, rng: np.random.Generator) -> None:
    """Flip up to 32 bits, half the time in the first 200 bytes."""
    reach = len(content) if rng.random() < 0.5 else min(len(content), 200)
    for _ in range(rng.integers(1, 33) if reach else 0):
        content[rng.integers(reach)] ^= 1 << int(rng.integers(8))


def cut(content: bytearray, rng: np.random.Generator) -> None:
    """Cut off the end."""
    del content[rng.integers(len(content) + 1) :]


def overwrite(content: bytearray, rng: np.random.Generator) -> None:
    """Write random bytes over a piece."""
    start, length = rng.integers(len(content) + 1), rng.integers(1, 64)
    piece = content[start : start + length]
    content[start : start + length] = rng.bytes(len(piece))


def double(content: bytearray, rng: np.random.Generator) -> None:
    """Insert a copy of one piece elsewhere."""
    start, place = rng.integers(len(content) + 1, size=2)
    content[place:place] = content[start : start + rng.integers(1, 256)]


def forge(content: bytearray, rng: np.random.Generator) -> None:
    """Write sizes where the format keeps them, or anywhere in the first bytes."""
    sizes = [FORGED[index] for index in rng.integers(len(FORGED), size=2)]
    if content.startswith(b"\x89PNG") and len(content) > 33:
        content[16:24] = struct.pack(">2L", *sizes)
        content[29:33] = struct.pack(">L", zlib.crc32(content[12:29]))
        return
    place = content.find(b"\xff\xc0") if content.startswith(b"\xff\xd8") else -1
    if place < 0:
        place = content.find(b"\xff\xc2") if content.startswith(b"\xff\xd8") else -1
    if 0 <= place < len(content) - 9:
        content[place + 5 : place + 9] = struct.pack(">2H", *(s & 65535 for s in sizes))
        return
    layout = ("<L", ">L", "<H", ">H")[rng.integers(4)]
    for size in sizes:
        width = struct.calcsize(layout)
        start = int(rng.integers(max(1, min(len(content), 128))))
        content[start : start + width] = struct.pack(layout, size & 256**width - 1)


def read(name: str, content: bytes, folder: Path) -> str:
    """Read one damaged file and return in a word what became of it."""
    settings = make_preprocessing(16, color="rgb", data_range=None)
    path = folder / f"fuzzed{''.join(Path(name).suffixes[-2:])}"
    path.write_bytes(content)
    outcomes = Counter[str]()
    try:
        for item in items(path):
            try:
                load_pixels(item.data, item.name, settings)
                outcomes["read"] += 1
            except ImageError as error:
                outcomes[error.reason] += 1
    except SpecschedError as error:
        outcomes[f"stopped with {type(error).__name__}"] += 1
    return outcomes.most_common(1)[0][0]


def memory(field: str) -> int:
    """Return a size of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def work(seeds: list[Seed], numbers: range, out: Connection) -> None:
    """Read damaged files, telling the number before and the outcome after each."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in seeds:
            read(name, content, Path(folder))
        limit = memory("VmSize") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resident = memory("VmRSS")
        for number in numbers:
            out.send((number, None, 0.0, 0))
            rng = np.random.default_rng([2026, number])
            name, content = seeds[number % len(seeds)]
            start = time.perf_counter()
            outcome = read(name, damaged(content, rng), Path(folder))
            seconds = time.perf_counter() - start
            out.send((number, outcome, seconds, memory("VmHWM") - resident))
    out.close()


class Tally:
    """What became of all files."""

    def __init__(self) -> None:
        self.outcomes = Counter[str]()
        self.failures: list[str] = []
        self.most_memory = 0
        self.slowest = (0.0, "")

    def run(self, seeds: list[Seed], first: int, last: int) -> None:
        """Read the files with these numbers, in a new process after each failure."""
        while first < last:
            first = self.run_process(seeds, range(first, last)) + 1

    def run_process(self, seeds: list[Seed], numbers: range) -> int:
        """Read files until one fails or all are read; return the last number."""
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=work, args=(seeds, numbers, sender)
        )
        process.start()
        sender.close()
        number = numbers[0] - 1
        problem = self.listen(receiver, seeds, numbers)
        if problem is None:
            process.join()
            return numbers[-1]
        number, text = problem
        process.kill()
        process.join()
        self.failures.append(f"{seeds[number % len(seeds)][0]} ({number}): {text}")
        return number

    def listen(
        self, receiver: Connection, seeds: list[Seed], numbers: range
    ) -> tuple[int, str] | None:
        """Take in outcomes; return the number and the failure of the last, if any."""
        number = numbers[0]
        while True:
            # Starting takes a while on a busy machine.
            if not receiver.poll(PATIENCE * (10 if number == numbers[0] else 1)):
                return number, "hangs"
            try:
                number, outcome, seconds, taken = receiver.recv()
            except EOFError:
                return number, "ends the process"
            if outcome is None:
                continue
            self.outcomes[outcome] += 1
            self.most_memory = max(self.most_memory, taken)
            self.slowest = max(self.slowest, (seconds, seeds[number % len(seeds)][0]))
            if number == numbers[-1]:
                return None


def main() -> None:
    """Fuzz and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("places", nargs="*", type=Path)
    options = parser.parse_args()
    made = (*picture_seeds(), *tiff_seeds(), *archive_seeds())
    seeds = [*made, *given_seeds(options.places)]
    tally, start = Tally(), time.perf_counter()
    tally.run(seeds, 0, options.count)
    result = {
        "files": options.count,
        "seeds": len(seeds),
        "seconds": round(time.perf_counter() - start, 1),
        "outcomes": dict(tally.outcomes.most_common()),
        "failures": tally.failures,
        "most_memory_mb": round(tally.most_memory / 1e6),
        "slowest_seconds": round(tally.slowest[0], 3),
        "slowest": tally.slowest[1],
    }
    print(json.dumps(result, indent=2))
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
