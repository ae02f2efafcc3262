"""How much memory the analysis takes, and how soon it starts on a huge folder.

    python benchmarks/memory.py [--workers 2] [--files 1000000]

Analyses 1,000 and then 20,000 small pictures and compares the highest resident memory
of the main process and of each worker; then starts on a folder of 1,000,000 empty files
and takes the time until the first picture was looked at.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COUNTS = (1_000, 20_000)
FOLDER_SIZE = 10_000

CHILD = """
import resource, sys, time
begun = time.perf_counter()
from functools import partial
from pathlib import Path
from typing import Any
from spectral_sched.analysis.chunk import AnalysisSettings
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

def main(folder, number, stop):
    import os
    seen = {}
    last = [0.0]
    def progress(done, skipped):
        if stop:
            print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)
            os._exit(0)
        if time.perf_counter() - last[0] > 0.1:
            last[0] = time.perf_counter()
            for pid, peak in peaks().items():
                seen[pid] = max(peak, seen.get(pid, 0))
    executor = Executor(partial(ordered_map, num_workers=number))
    settings = AnalysisSettings(make_preprocessing(), "float32")
    chunk = analyse_items(
        items(folder), settings, executor=executor, progress=progress
    )
    main_peak = seen.pop(os.getpid())
    print(json.dumps({
        "images": chunk.num_images, "main": main_peak,
        "others": sorted(seen.values(), reverse=True)[:number],
        "seconds": time.perf_counter() - begun,
    }))

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "stop")
"""


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "child.py"
        program.write_text(CHILD)
        compare_peaks(program, Path(place), options)
        start_on_huge_folder(program, Path(place) / "huge", options)


def compare_peaks(program: Path, place: Path, options: argparse.Namespace) -> None:
    """Write the highest memory for few and for many pictures."""
    results = []
    for count in COUNTS:
        folder = place / str(count)
        write_pictures(folder, count, options.size)
        results.append(run(program, folder, options.workers, "go"))
        shutil.rmtree(folder)
        megabytes = [round(peak / 1024, 1) for peak in results[-1]["others"]]
        tell(
            f"{count} images: main process {results[-1]['main'] / 1024:.1f} MB, "
            f"workers {megabytes} MB, {results[-1]['seconds']:.1f} s"
        )
    few, many = results
    tell(f"main process: {many['main'] / few['main'] - 1:+.1%}")
    # A quick machine is done with few pictures before it starts workers.
    for less, more in zip(few["others"], many["others"], strict=False):
        tell(f"worker: {more / less - 1:+.1%}")


def start_on_huge_folder(
    program: Path, folder: Path, options: argparse.Namespace
) -> None:
    """Write the time until the first pictures of a huge folder were looked at."""
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
    """Write small random pictures."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05d}.png", compress_level=1)


def run(program: Path, folder: Path, workers: int, mode: str) -> dict[str, Any]:
    """Run the measured program and return what it tells."""
    command = [sys.executable, str(program), str(folder), str(workers), mode]
    output = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(output.stdout)
    return result


def tell(text: str) -> None:
    """Write one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
