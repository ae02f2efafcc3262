"""How much memory the analysis takes, and how soon it starts on a huge folder.

    python benchmarks/memory.py [--workers 2] [--files 1000000]
    python benchmarks/memory.py --largest [FOLDER ...]

Analyses 1,000 and then 20,000 small images and compares the highest resident memory
of the main process and of each worker; then starts on a folder of 1,000,000 empty files
and takes the time until the first image was looked at.

With folders, those are analysed at --resolution by 1, 2 and 4 workers instead, and the
slowest file of each is named. --largest makes a folder of the largest images that are
admitted, one of each of the formats that take the most (some minutes).
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from spectral_sched.images.formats.jpeg import MAX_PLAIN_PIXELS
from spectral_sched.images.limits import MAX_HEAVY_PIXELS, MAX_PIXELS

COUNTS = (1_000, 20_000)
FOLDER_SIZE = 10_000

WORKERS = (1, 2, 4)

LARGEST: dict[str, tuple[str, int, dict[str, Any]]] = {
    "jpg": ("RGB", MAX_PIXELS, {}),
    "jpg inks": ("CMYK", MAX_PIXELS, {}),
    "jpg passes": ("RGB", MAX_PLAIN_PIXELS, {"progressive": True, "subsampling": 0}),
    "png": ("RGB", MAX_PIXELS, {"compress_level": 1}),
    "png opacity": ("RGBA", MAX_PIXELS, {"compress_level": 1}),
    "png palette": ("P", MAX_PIXELS, {"compress_level": 1, "transparency": 3}),
    "tif": ("RGB", MAX_PIXELS, {"compression": "tiff_adobe_deflate"}),
    "tif runs": ("L", MAX_PIXELS, {"compression": "packbits"}),
    "tif jpeg": ("RGB", MAX_PIXELS, {"compression": "jpeg"}),
    "webp": ("RGBA", MAX_HEAVY_PIXELS, {"method": 0}),
    "avif": ("RGBA", MAX_HEAVY_PIXELS, {"speed": 10}),
    "jp2": ("RGBA", MAX_HEAVY_PIXELS, {}),
    "qoi": ("RGB", MAX_HEAVY_PIXELS, {}),
}
"""Mode, pixels and options of Pillow, by a name that begins with the ending."""

WRITER = """
import json, sys
import numpy as np
from PIL import Image
Image.MAX_IMAGE_PIXELS = None
path, mode, side, options = *sys.argv[1:3], int(sys.argv[3]), json.loads(sys.argv[4])
noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
tile = Image.fromarray(noise).resize((512, 512), Image.Resampling.BICUBIC)
tile = tile.quantize(32) if mode == "P" else tile.convert(mode)
image = Image.new(mode, (side, side))
if mode == "P":
    image.putpalette(tile.getpalette())
for top in range(0, side, 512):
    for left in range(0, side, 512):
        image.paste(tile, (left, top))
image.save(path, **options)
"""

CHILD = """
import resource, sys, threading, time
begun = time.perf_counter()
from functools import partial
from pathlib import Path
from typing import Any
from spectral_sched.analysis.chunk import AnalysisSettings, Task, analyse_chunk
from spectral_sched.analysis.processes import ordered_map
from spectral_sched.analysis.run import analyse_items
from spectral_sched.analysis.tasks import Executor
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import items
import json

class FirstSeen(Exception):
    pass

def peaks():
    # VmHWM is the highest resident memory of a process.
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                status = (entry / "status").read_text()
                command = (entry / "cmdline").read_text()
            except OSError:
                continue
            fields = dict(line.split(":", 1) for line in status.splitlines())
            found[int(entry.name)] = fields
    import os
    family = {os.getpid()}
    for _ in range(3):
        family |= {pid for pid, f in found.items() if int(f["PPid"]) in family}
    return {p: int(found[p]["VmHWM"].split()[0]) for p in family if "VmHWM" in found[p]}

def watch(seen):
    # Often, because what a worker took is gone when it ends.
    while True:
        for pid, peak in peaks().items():
            seen[pid] = max(peak, seen.get(pid, 0))
        time.sleep(0.05)

def slowest(folder, settings):
    times = []
    for item in items(folder):
        begun = time.perf_counter()
        analyse_chunk(settings, Task([item], 0))
        times.append((time.perf_counter() - begun, item.name))
    print(json.dumps(dict(zip(("seconds", "name"), max(times)))))

def main(folder, number, mode, resolution):
    import os
    seen = {}
    threading.Thread(target=watch, args=(seen,), daemon=True).start()
    def progress(done, skipped):
        if mode == "stop":
            print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)
            os._exit(0)
    executor = Executor(partial(ordered_map, num_workers=number))
    size = (resolution, "center") if resolution else ()
    settings = AnalysisSettings(make_preprocessing(*size, color="rgb"), "float32")
    if mode == "slowest":
        return slowest(folder, settings)
    chunk = analyse_items(
        items(folder), settings, executor=executor, progress=progress
    )
    seen |= peaks()
    main_peak = seen.pop(os.getpid())
    # Of all processes that have ended, what the largest took.
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    others = sorted(seen.values(), reverse=True)[:number]
    if ended and others:
        others[0] = max(ended, others[0])
    print(json.dumps({
        "images": chunk.num_images, "skipped": chunk.skipped.total,
        "main": main_peak, "others": others,
        "seconds": time.perf_counter() - begun,
    }))

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
"""


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--largest", action="store_true")
    parser.add_argument("folders", nargs="*", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "child.py"
        program.write_text(CHILD)
        folders = options.folders
        if options.largest:
            folders = [*folders, write_largest(Path(place) / "largest")]
        for folder in folders:
            measure(program, folder, options.resolution)
        if folders:
            return
        compare_peaks(program, Path(place), options)
        start_on_huge_folder(program, Path(place) / "huge", options)


def measure(program: Path, folder: Path, resolution: int) -> None:
    """Write the highest memory of one folder for each number of workers."""
    for workers in WORKERS:
        found = run(program, folder, workers, "go", resolution)
        tell(
            f"{folder.name}, {workers} worker{'s' * (workers > 1)}: main process "
            f"{found['main'] / 1024:.0f} MB, workers {megabytes(found['others'])} MB, "
            f"{found['images']} images, {found['skipped']} skipped, "
            f"{found['seconds']:.1f} s"
        )
    found = run(program, folder, 1, "slowest", resolution)
    tell(f"{folder.name}: slowest {found['name']}, {found['seconds']:.2f} s")


def megabytes(peaks: list[int]) -> list[int]:
    """Return kilobytes as megabytes."""
    return [round(peak / 1024) for peak in peaks]


def write_largest(folder: Path) -> Path:
    """Write the largest images that are admitted, each in a process of its own."""
    folder.mkdir()
    for kind, (mode, most, options) in LARGEST.items():
        name = f"{kind.replace(' ', '-')}.{kind.split()[0]}"
        command = [sys.executable, "-c", WRITER, str(folder / name), mode]
        side = str(math.isqrt(most))
        subprocess.run([*command, side, json.dumps(options)], check=True)
    return folder


def compare_peaks(program: Path, place: Path, options: argparse.Namespace) -> None:
    """Write the highest memory for few and for many images."""
    results = []
    for count in COUNTS:
        folder = place / str(count)
        write_pictures(folder, count, options.size)
        results.append(run(program, folder, options.workers, "go"))
        shutil.rmtree(folder)
        workers = [round(peak / 1024, 1) for peak in results[-1]["others"]]
        tell(
            f"{count} images: main process {results[-1]['main'] / 1024:.1f} MB, "
            f"workers {workers} MB, {results[-1]['seconds']:.1f} s"
        )
    few, many = results
    tell(f"main process: {many['main'] / few['main'] - 1:+.1%}")
    # A quick machine is done with few images before it starts workers.
    for less, more in zip(few["others"], many["others"], strict=False):
        tell(f"worker: {more / less - 1:+.1%}")


def start_on_huge_folder(
    program: Path, folder: Path, options: argparse.Namespace
) -> None:
    """Write the time until the first images of a huge folder were looked at."""
    folder.mkdir()
    for number in range(options.files):
        (folder / f"{number}.png").touch()
    for _ in range(3):
        result = run(program, folder, options.workers, "stop")
        tell(
            f"{options.files} empty files: started after {result['seconds']:.2f} s, "
            f"import included"
        )


def write_pictures(folder: Path, count: int, size: int) -> None:
    """Write small random images."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05d}.png", compress_level=1)


def run(
    program: Path, folder: Path, workers: int, mode: str, resolution: int = 0
) -> dict[str, Any]:
    """Run the measured program and return what it tells."""
    numbers = str(workers), mode, str(resolution)
    command = [sys.executable, str(program), str(folder), *numbers]
    output = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(output.stdout)
    return result


def tell(text: str) -> None:
    """Write one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
