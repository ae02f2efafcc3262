"""How quick the analysis is, beside loops that do as little as possible.

    python benchmarks/analysis.py [--images 512] [--rounds 5] [--workers N]

Everything is timed in turns in one run, and ratios are taken within a turn, because
machines are shared. A floor loop is what one would write by hand to get one averaged
spectrum: decode, float32, `rfft2`, and one cached `bincount` of the channel mean of
``abs(F)**2``. It has no cross-channel power, no key, no exact sums and no checks. The
second floor is the same with an allocator that keeps what it frees, the third decodes
with simplejpeg too, as ours does. "By hand" is a loop that gives the
cross-channel powers that ours gives, in arrays that are made once, with simplejpeg.
Processor times are those of one process each, a few images of each way in turns: they
do not tell what other programs take, and vary less.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import Image
from scipy.fft import rfft2

from spectral_sched.analysis.chunk import AnalysisSettings, Task, analyse_chunk
from spectral_sched.analysis.processes import ordered_map
from spectral_sched.analysis.run import analyse_items
from spectral_sched.analysis.tasks import Executor
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Item
from spectral_sched.spectra.periodogram import ring_powers
from spectral_sched.spectra.rings import channel_pairs, rings
from spectral_sched.synthetic import SAMPLE_KINDS, picture
from spectral_sched.system.cores import available_cores
from spectral_sched.system.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

QUALITY = 90
SLICES = 8
"""Times that processor times are compared in a round."""

WARM_SHARE = 0.25
"""Share of the images after which the clock is started."""


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=available_cores())
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        large = write_pictures(Path(folder) / "1024", 1024, 8, "JPEG")
        middle = write_pictures(Path(folder) / "512", 512, 16, "JPEG")
        small = write_pictures(Path(folder) / "64", 64, 64, "PNG")
        compare_native(middle, options)
        compare_processor_time(middle, options.rounds)
        compare_resized(large, options)
        compare_pools({"512 JPEG": middle, "64 PNG": small}, options)
    compare_spectrum_alone(options.rounds)


def write_pictures(folder: Path, size: int, count: int, form: str) -> list[Path]:
    """Write synthetic images of all kinds."""
    folder.mkdir()
    paths = []
    for number in range(count):
        pixels = picture(SAMPLE_KINDS[number % len(SAMPLE_KINDS)], number, size)
        paths.append(folder / f"{number:03d}.{form.lower()}")
        Image.fromarray(pixels).save(paths[-1], form, quality=QUALITY)
    return paths


def repeated(paths: Sequence[Path], count: int) -> list[Path]:
    """Return so many paths, the same ones again and again."""
    return [paths[number % len(paths)] for number in range(count)]


def compare_native(paths: list[Path], options: argparse.Namespace) -> None:
    """Compare whole runs on 512-pixel JPEGs at their own size."""
    chosen = repeated(paths, options.images)
    ways: dict[str, Callable[[], float]] = {
        name: partial(pooled, function, chosen, options.workers)
        for name, function in LOOPS.items()
    }
    ways["specsched"] = lambda: analysed(chosen, options.workers, None)
    title = f"512x512 JPEG, native size, {options.workers} workers (images/s)"
    report(title, ways, options.rounds)


def compare_processor_time(paths: list[Path], rounds: int) -> None:
    """Compare the processor time of one process each on 512-pixel JPEGs."""
    functions = {name: partial(each, loop) for name, loop in LOOPS.items()}
    with ExitStack() as stack:
        ways: dict[str, Callable[[], float]] = {}
        for name, function in {**functions, "specsched": one_piece}.items():
            pool = stack.enter_context(get_context("spawn").Pool(1))
            pool.apply(processor_rate, (function, paths))
            ways[name] = partial(pool.apply, processor_rate, (function, paths))
        title = "512x512 JPEG, native size (images per second of processor time)"
        report(title, ways, SLICES * rounds)


def processor_rate(
    function: Callable[[Sequence[Path]], object], paths: Sequence[Path]
) -> float:
    """Return how many images a function does per second of processor time."""
    begun = time.process_time()
    function(paths)
    return len(paths) / (time.process_time() - begun)


def each(function: Callable[[Path], object], paths: Sequence[Path]) -> None:
    """Call a function on one image after the other."""
    for path in paths:
        function(path)


def one_piece(paths: Sequence[Path]) -> None:
    """Analyse images as a worker of ours does."""
    _keep_as_ours()
    items = [Item(str(path), "", path) for path in paths]
    analyse_chunk(AnalysisSettings(make_preprocessing(), "float32"), Task(items, 0))


def compare_resized(paths: list[Path], options: argparse.Namespace) -> None:
    """Compare whole runs on 1024-pixel JPEGs with --resolution 256."""
    chosen = repeated(paths, options.images)
    ways = {
        "decode and resize": lambda: pooled(decode_resize, chosen, options.workers),
        "specsched": lambda: analysed(chosen, options.workers, 256),
    }
    title = f"1024x1024 JPEG to 256, {options.workers} workers (images/s)"
    report(title, ways, options.rounds)


def compare_pools(sets: dict[str, list[Path]], options: argparse.Namespace) -> None:
    """Compare one process, threads and processes."""
    for name, paths in sets.items():
        count = options.images * (1 if "512" in name else 16)
        chosen = repeated(paths, count)
        ways = {
            "one": lambda chosen=chosen: analysed(chosen, 1, None),
            "threads": lambda chosen=chosen: threaded(chosen, options.workers),
            "processes": lambda chosen=chosen: analysed(chosen, options.workers, None),
        }
        report(f"{name}, {options.workers} workers (images/s)", ways, options.rounds)


def compare_spectrum_alone(rounds: int) -> None:
    """Compare the spectrum of decoded pixels with masks per ring in float64."""
    rng = np.random.default_rng(0)
    for size, channels in ((256, 3), (512, 3), (512, 1), (1024, 3)):
        pixels = rng.integers(0, 256, (size, size, channels), dtype=np.uint8)
        planar = pixels.transpose(2, 0, 1)
        ways: dict[str, Callable[[], float]] = {
            "masks per ring": partial(rate, partial(masked_planes, planar)),
            "specsched": partial(
                rate, partial(ring_powers, planar, origin=127.5, unit=127.5)
            ),
        }
        report(f"spectrum alone, {size}x{size}x{channels} (images/s)", ways, rounds)


def report(title: str, ways: Mapping[str, Callable[[], float]], rounds: int) -> None:
    """Time all ways in turns and write their rates and ratios."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            rates[name].append(way())
    *_, last = ways
    sys.stdout.write(f"\n{title}\n")
    for name, values in rates.items():
        ratios = [ours / one for ours, one in zip(rates[last], values, strict=True)]
        sys.stdout.write(
            f"  {name:20s} {statistics.median(values):9.1f}   {last} / this: "
            f"{statistics.median(ratios):6.2f}  "
            f"({min(ratios):.2f} - {max(ratios):.2f})\n"
        )
    sys.stdout.flush()


def rate(function: Callable[[], object], seconds: float = 0.3) -> float:
    """Return how often a function can be called per second."""
    function()
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        function()
        count += 1
    return count / (time.perf_counter() - begun)


class Stopwatch:
    """Rate of things after the first share of them."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.begun: tuple[int, float] | None = None
        self.rate = 0.0

    def __call__(self, done: int) -> None:
        """Tell how many are done."""
        now = time.perf_counter()
        if self.begun is None and done >= WARM_SHARE * self.total:
            self.begun = done, now
        elif self.begun and done > self.begun[0]:
            self.rate = (done - self.begun[0]) / (now - self.begun[1])


def analysed(paths: Iterable[Path], workers: int, resolution: int | None) -> float:
    """Return the rate of our analysis."""
    items = [Item(str(path), "", path) for path in paths]
    watch = Stopwatch(len(items))
    mapper = partial(ordered_map, num_workers=workers, patience=-1.0)
    settings = AnalysisSettings(make_preprocessing(resolution), "float32")
    progress = lambda done, _: watch(done)  # noqa: E731
    analyse_items(items, settings, executor=Executor(mapper), progress=progress)
    return watch.rate


def threaded(paths: Iterable[Path], workers: int) -> float:
    """Return the rate of our analysis in threads."""
    items = [Item(str(path), "", path) for path in paths]
    function = partial(analyse_chunk, AnalysisSettings(make_preprocessing(), "float32"))
    step = max(1, len(items) // 64)
    tasks = [Task(items[i : i + step], i) for i in range(0, len(items), step)]
    watch, done = Stopwatch(len(items)), 0
    with ThreadPoolExecutor(workers) as pool:
        for chunk in pool.map(function, tasks):
            done += chunk.manifest.count
            watch(done)
    return watch.rate


def pooled(
    function: Callable[[Path], object], paths: list[Path], workers: int
) -> float:
    """Return the rate of a function in a pool of processes, as written by hand."""
    watch = Stopwatch(len(paths))
    # Spawned, so as not to inherit what this process has told its allocator.
    with get_context("spawn").Pool(workers) as pool:
        for done, _ in enumerate(pool.imap(function, paths, chunksize=8), 1):
            watch(done)
    return watch.rate


@lru_cache
def _floor_plan(height: int, width: int) -> tuple[NDArray[Any], NDArray[Any]]:
    plane = rings(height, width)
    weights = np.broadcast_to(plane.multiplicity, plane.index.shape)
    return plane.index.ravel(), weights.astype(np.float32)


def floor(path: Path) -> NDArray[Any]:
    """Return the sum of the channel-mean power per ring, and nothing else."""
    return floor_sums(decode(path))


def floor_sums(stored: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of the channel-mean power per ring of decoded pixels."""
    pixels = stored.astype(np.float32)
    modes = rfft2(pixels.transpose(2, 0, 1) / np.float32(127.5) - np.float32(1))
    power = (modes.real**2 + modes.imag**2).mean(axis=0)
    index, weights = _floor_plan(*pixels.shape[:2])
    sums: NDArray[Any] = np.bincount(index, (power * weights).ravel())
    return sums


def decode(path: Path) -> NDArray[Any]:
    """Decode with Pillow."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def decode_fast(path: Path) -> NDArray[Any]:
    """Decode with simplejpeg."""
    values: NDArray[Any] = simplejpeg.decode_jpeg(path.read_bytes(), "RGB")
    return values


@lru_cache
def _keep_memory_once() -> None:
    # What one writes by hand once one knows of it, not all that ours does.
    np.empty((1 << 25) - (1 << 16), np.uint8)


@lru_cache
def _keep_as_ours() -> None:
    keep_freed_memory()


def floor_kept(path: Path) -> NDArray[Any]:
    """Return what `floor` returns, in memory that is not given back."""
    _keep_memory_once()
    return floor(path)


def floor_fast(path: Path) -> NDArray[Any]:
    """Return what `floor_kept` returns, decoded as ours is."""
    _keep_memory_once()
    return floor_sums(decode_fast(path))


@lru_cache
def _arrays(height: int, width: int) -> tuple[NDArray[Any], ...]:
    half = width // 2 + 1
    shapes = ((height, width, 3), (height, 2 * half), (height, half))
    kept = [np.empty(shape, np.float32) for shape in shapes]
    return (*kept, np.empty((height, half)))


def by_hand(path: Path) -> list[NDArray[Any]]:
    """Return the sums per ring of the products of all pairs of channels."""
    _keep_memory_once()
    stored = decode_fast(path)
    index, weights = _floor_plan(*stored.shape[:2])
    pixels, products, power, weighted = _arrays(*stored.shape[:2])
    np.multiply(stored, np.float32(1 / 127.5), out=pixels)
    np.subtract(pixels, np.float32(1), out=pixels)
    numbers = rfft2(pixels.transpose(2, 0, 1)).view(np.float32)
    sums = []
    for i, j in channel_pairs(3):
        np.multiply(numbers[i], numbers[j], out=products)
        np.add(products[:, ::2], products[:, 1::2], out=power)
        np.multiply(power, weights, out=weighted)
        sums.append(np.bincount(index, weighted.ravel()))
    return sums


LOOPS: dict[str, Callable[[Path], object]] = {
    "floor loop": floor,
    "floor, kept memory": floor_kept,
    "floor, same decoder": floor_fast,
    "by hand": by_hand,
}
"""Loops as one would write them, from one image to its sums per ring."""


def decode_resize(path: Path) -> NDArray[Any]:
    """Decode and resize, and nothing else."""
    with Image.open(path) as image:
        small = image.convert("RGB").resize((256, 256), Image.Resampling.LANCZOS)
    return np.asarray(small)


def masked_planes(planes: NDArray[Any]) -> list[list[float]]:
    """Return the spectrum of every channel."""
    return [masked(plane) for plane in planes]


def masked(plane: NDArray[Any]) -> list[float]:
    """Return the spectrum of one channel as pysteps computes it: a mask per ring."""
    length = max(plane.shape)
    rows, columns = np.indices(plane.shape)
    radius = np.hypot(rows - plane.shape[0] // 2, columns - plane.shape[1] // 2)
    index = np.rint(radius)
    power = np.abs(np.fft.fftshift(np.fft.fft2(plane.astype(np.float64)))) ** 2
    power /= plane.size
    return [float(power[index == ring].mean()) for ring in range(length // 2)]


if __name__ == "__main__":
    main()
