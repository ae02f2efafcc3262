"""Tables judged on trained networks: the evidence for the default kind.

Run it as ``python benchmarks/networks.py model.safetensors held_out.npz -o cells.json``
with a model of ``specsched train`` and pictures that it was not trained on. For every
solver and number of network calls it prints, per table, the paired error to a fine
reference from the same noise and the Frechet distance on random features to the
pictures, each with a 95 % interval, and the floor of the latter. ``best of 48`` is the
best of a grid of Karras tables, chosen by running the network on each: what hand tuning
can reach. No other table spends a network call.
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_sched.diffusion.comparison import Player, Yardsticks
from spectral_sched.diffusion.grid import best_by_running, karras_grid
from spectral_sched.diffusion.model_files import read_model
from spectral_sched.images import Preprocessing, load_pixels
from spectral_sched.kinds import kind_settings
from spectral_sched.plans import PlanSource, make_plan
from spectral_sched.requests import Limits, request
from spectral_sched.solvers import SAMPLERS, solver_calls
from spectral_sched.sources import items
from spectral_sched.tables import SigmaTable

REFERENCE = ("heun", 128)
TUNING_SAMPLES = 24

KINDS: dict[str, tuple[str, list[str]]] = {
    "karras": ("karras", []),
    "exponential": ("exponential", []),
    "mixed": ("mixed", []),
    "tangent": ("tangent", []),
    "ays": ("ays", ["table=if"]),
    "gaussian": ("gaussian", []),
    "optimal": ("optimal", []),
}
"""Tables without a network call: the kind and its settings."""


def table_of(source: PlanSource, name: str, sampler: str, num_steps: int) -> SigmaTable:
    """Return a table by its name here; karras is the one everybody copies."""
    kind, settings = KINDS[name]
    limits = Limits(0.002, 80.0) if name == "karras" else Limits()
    chosen = kind_settings(kind, settings)
    wanted = request(sampler, num_steps, "zero", settings=chosen, limits=limits)
    return make_plan(source, kind, wanted).table


def steps_for(sampler: str, num_calls: int) -> int:
    """Return the most steps that take no more than so many network calls."""
    steps = range(num_calls, 0, -1)
    return next(n for n in steps if calls_of(sampler, n) <= num_calls)


def calls_of(sampler: str, num_steps: int) -> int:
    """Return the network calls of a number of steps."""
    table = SigmaTable.of(np.geomspace(80, 0.1, num_steps))
    return len(solver_calls(sampler, table))


def held_out(path: str) -> NDArray[np.float64]:
    """Return the pictures that samples are compared with, in [-1, 1]."""
    loaded = [
        load_pixels(item.data, item.name, Preprocessing()) for item in items(path)
    ]
    return np.stack([pixels.scaled() for pixels in loaded])


def cell(
    play: Player, marks: Yardsticks, source: PlanSource, sampler: str, calls: int
) -> dict[str, dict[str, object]]:
    """Judge every table for one solver and number of calls, and print it."""
    num_steps = steps_for(sampler, calls)
    tables = {name: table_of(source, name, sampler, num_steps) for name in KINDS}
    tuned = karras_grid(source, sampler, num_steps)
    reference = marks.reference[:TUNING_SAMPLES]
    best = best_by_running(play, tuned, sampler, reference)
    print(f"{sampler}, {calls_of(sampler, num_steps)} calls (best of 48: {best})")
    rows: dict[str, dict[str, object]] = {}
    for name, table in {**tables, "best of 48": tuned[best]}.items():
        samples = play(table, sampler)
        error, distance = marks.error(samples), marks.distance(samples)
        print(f"  {name:12} error {error}  distance {distance}", flush=True)
        rows[name] = {"error": error, "distance": distance, "sigmas": table.sigmas}
    return rows


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures")
    parser.add_argument("--samplers", nargs="+", default=["dpmpp-2m", "heun", "euler"])
    parser.add_argument("--calls", nargs="+", type=int, default=[5, 8, 12, 20])
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("-o", "--output", type=Path, default=Path("cells.json"))
    return parser.parse_args()


def main() -> None:
    """Run all cells."""
    given = arguments()
    torch.set_num_threads(given.threads)
    known = [sampler for sampler in given.samplers if sampler in SAMPLERS]
    denoise, header = read_model(given.model)
    play = Player(denoise, header.source.planning.field.shape, range(given.samples))
    name, num_steps = REFERENCE
    fine = table_of(header.source, "exponential", name, num_steps)
    marks = Yardsticks(play(fine, name), held_out(given.pictures))
    print(f"features {marks.features.name}, floor {marks.floor}")
    print(f"reference: distance {marks.distance(marks.reference)}", flush=True)
    cells = {}
    for sampler, calls in itertools.product(known, given.calls):
        cells[f"{sampler} {calls}"] = cell(play, marks, header.source, sampler, calls)
        given.output.write_text(json.dumps(cells, indent=1))


if __name__ == "__main__":
    main()
