"""The speed of a card, in one run of under five minutes.

Run it as ``python benchmarks/gpu.py --before FOLDER -o docs/research/gpu.md``, where
FOLDER is a checkout of the build to compare with. It first checks that the card draws
the numbers of the host and paints the same images in batches of any size, then runs
``sampler.py`` and ``training.py`` in all their modes, and writes what they print.
``--device cpu`` runs the same in small on a processor.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from turns import waited

from spectral_sched.diffusion.devices import resolve_device
from spectral_sched.diffusion.models.guidance import Guidance
from spectral_sched.diffusion.philox import Draw, Purpose
from spectral_sched.diffusion.precision import PRECISIONS
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest

HERE = Path(__file__).resolve().parent
HALF_A_GREY_LEVEL = 1 / 255

PIECES = {
    "cuda": (
        "sampler.py --whole 1 --rounds 15 --before {before}",
        "sampler.py --whole 4096 --rounds 2 --before {before}",
        "sampler.py --whole 4096 --rounds 2",
        "sampler.py --graphs --batches 1 64 --samplers dpmpp-2m --rounds 15",
        "sampler.py --diffusers --rounds 9",
        "training.py --size small --side 32 --batch 256 --repeat 10 --before {before}",
        "training.py --size small --side 32 --batch 256 --repeat 10",
    ),
    "cpu": (
        "sampler.py --whole 16 --rounds 3 --before {before}",
        "sampler.py --whole 16 --rounds 3",
        "sampler.py --graphs --batches 1 --samplers dpmpp-2m --rounds 5",
        "sampler.py --diffusers --rounds 5",
        "training.py --batch 16 --repeat 1 --rounds 5 --before {before}",
        "training.py --batch 16 --repeat 1 --rounds 5",
    ),
}
"""What is run on each kind of device."""


def numbers(device: torch.device) -> str:
    """Return a line on the numbers of a device beside those of the host."""
    draw = Draw.of_seeds(Purpose.SAMPLING, 1, range(512))
    shape = (3, 64, 64)
    same = torch.equal(draw.normals(shape, device).cpu(), draw.normals(shape))
    said = "bit for bit those of the host" if same else "NOT those of the host"
    return f"noise of 512 seeds, 64x64: {said}"


def painted(
    device: torch.device, precision: str, count: int, batch: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return guided images of the bundled network, made in batches of a size."""
    run = run_of(device, precision)
    seeds = range(count)
    parts = [
        np.stack(list(run(run.samples(seeds[first : first + batch]))))
        for first in range(0, count, batch)
    ]
    return np.concatenate(parts)


def run_of(device: torch.device, precision: str) -> SamplingRun:
    """Return a run of the bundled network with guidance."""
    data_set = read_model_header(BUNDLED).data_set
    plan = make_plan(data_set, "optimal", TableRequest(num_steps=8))
    options = SamplingOptions("bundled", precision, Guidance(weight=2.0))
    return SamplingRun(plan, options, device)


def batches(device: torch.device, count: int) -> Iterator[str]:
    """Yield lines on how far images are apart that were made in other batches."""
    alone = painted(device, "float32", count, 1)
    for batch in (min(8, count), count):
        apart = np.abs(painted(device, "float32", count, batch) - alone).max()
        yield f"batch 1 against {batch}, float32: {apart:.1e} at most"


def precisions(device: torch.device, count: int) -> Iterator[str]:
    """Yield lines on what each precision costs and how far its images are off."""
    exact = painted(device, "float32", count, count)
    runs = {name: run_of(device, name) for name in PRECISIONS if name != "float64"}
    rows: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(4):
        for name, run in runs.items():
            samples = run.samples(range(count))
            rows[name].append(waited(lambda r=run, s=samples: list(r(s)), device))  # type: ignore[misc]
    usual = statistics.median(rows["float32"][1:])
    for name in runs:
        apart = np.abs(painted(device, name, count, count) - exact).max()
        fits = "within" if apart <= HALF_A_GREY_LEVEL else "beyond"
        ratio = statistics.median(rows[name][1:]) / usual
        yield (
            f"{name}: {ratio:.2f} of the time of float32, {apart:.1e} apart at most, "
            f"{fits} half a grey level"
        )


def pieces(given: argparse.Namespace, device: torch.device) -> Iterator[str]:
    """Yield what the other scripts print, a line each."""
    for piece in PIECES[device.type]:
        if "--before" in piece and given.before is None:
            continue
        script, *flags = piece.format(before=given.before).split()
        command = [sys.executable, str(HERE / script), *flags, "--device", device.type]
        threads = [] if device.type == "cuda" else ["--threads", str(given.threads)]
        ended = subprocess.run(
            [*command, *threads], capture_output=True, text=True, check=False
        )
        yield from ended.stdout.splitlines()
        if ended.returncode:
            yield f"{script} {' '.join(flags)} failed: {ended.stderr.strip()[-300:]}"


def main() -> None:
    """Print all lines, and write them if a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    device, begun = resolve_device(given.device), time.monotonic()
    if device.type == "cpu":
        torch.set_num_threads(given.threads)
    count = 64 if device.type == "cuda" else 4
    name = torch.cuda.get_device_name() if device.type == "cuda" else "a processor"
    lines = [f"{name}, torch {torch.__version__}", numbers(device)]
    for more in (
        batches(device, count),
        precisions(device, count),
        pieces(given, device),
    ):
        for line in more:
            print(line, flush=True)
            lines.append(line)
    lines.append(f"in {time.monotonic() - begun:.0f} s")
    if given.output is not None:
        text = (
            given.output.read_text() if given.output.exists() else "# Speed on a GPU\n"
        )
        head, _, _ = text.partition("\n## Measured on")
        body = "\n".join(lines[1:])
        block = f"\n## Measured on {lines[0]}\n\n```\n{body}\n```\n"
        given.output.write_text(head.rstrip("\n") + "\n" + block)


if __name__ == "__main__":
    main()
