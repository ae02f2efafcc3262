"""Kinds that run a model against those that do not, on trained networks.

Run it as ``python benchmarks/rivals.py model.safetensors held_out.npz -o rivals.json``
with a model of ``specsched train`` and pictures that it was not trained on; ``--data``
names pictures for kind klub. For every solver and number of steps it prints, per kind,
the paired error to a fine reference from the same noise, the Frechet distance on random
features to the pictures, the network calls that finding the table took, and the table.

gits and dmn are also searched between sigma 0.002 and 80, the ends of their papers.
"""

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
import torch

from spectral_sched.diffusion.comparison import Player, Yardsticks
from spectral_sched.diffusion.grid import fine_reference
from spectral_sched.diffusion.model_files import read_model
from spectral_sched.diffusion.searches import ModelSearch
from spectral_sched.images import Preprocessing, load_pixels
from spectral_sched.plans import Plan, make_plan
from spectral_sched.requests import Limits, request
from spectral_sched.sources import items
from spectral_sched.table_kinds import KINDS, kind_settings

EDM = Limits(0.002, 80.0)

ROWS: dict[str, tuple[str, Limits]] = {
    "karras": ("karras", EDM),
    "optimal": ("optimal", Limits()),
    "gaussian": ("gaussian", Limits()),
    "dmn": ("dmn", EDM),
    "dmn tight": ("dmn", Limits()),
    "gits": ("gits", EDM),
    "gits tight": ("gits", Limits()),
    "grid": ("grid", Limits()),
    "klub": ("klub", EDM),
}
"""Tables by the names of rows: the kind and its ends."""


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--samplers", nargs="+", default=["euler", "dpmpp-2m"])
    parser.add_argument("--steps", nargs="+", type=int, default=[5, 6, 8, 10])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument(
        "--set", nargs="+", default=[], help="for kinds that run models"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("-o", "--output", type=Path, default=Path("rivals.json"))
    return parser.parse_args()


def main() -> None:
    """Run all cells."""
    given = arguments()
    torch.set_num_threads(given.threads)
    denoise, header = read_model(given.model)
    source = header.source
    search = ModelSearch(str(given.model), given.data, torch.device("cpu"))
    play = Player(denoise, source.planning.field.shape, range(given.samples))
    real = np.stack(
        [
            load_pixels(item.data, item.name, Preprocessing()).scaled()
            for item in items(given.pictures)
        ]
    )
    ends = source.bounds.sigma_min, source.bounds.sigma_max
    marks = Yardsticks(fine_reference(play, ends), real)
    print(f"floor {marks.floor}, reference {marks.distance(marks.reference)}")

    def planned(row: str, sampler: str, num_steps: int) -> Plan:
        kind, limits = ROWS[row]
        texts = [
            text
            for text in given.set
            if KINDS[kind].runs_model
            and text.partition("=")[0] in KINDS[kind].parameters
        ]
        settings = kind_settings(kind, texts)
        wanted = request(sampler, num_steps, "zero", settings=settings, limits=limits)
        planner = search if KINDS[kind].runs_model else make_plan
        return planner(source, kind, wanted)

    cells: dict[str, dict[str, object]] = {}
    for sampler, num_steps in itertools.product(given.samplers, given.steps):
        print(f"{sampler}, {num_steps} steps")
        for row in given.rows:
            begun = time.perf_counter()
            plan = planned(row, sampler, num_steps)
            seconds = time.perf_counter() - begun
            samples = play(plan.table, sampler)
            error, distance = marks.error(samples), marks.distance(samples)
            spent = plan.spent.num_calls if plan.spent else 0
            levels = " ".join(f"{sigma:.4g}" for sigma in plan.table.levels)
            print(
                f"  {row:10} error {error}  distance {distance}  {spent} calls "
                f"{seconds:.1f} s  {levels}",
                flush=True,
            )
            cells.setdefault(f"{sampler} {num_steps}", {})[row] = {
                "error": error,
                "distance": distance,
                "calls_spent": spent,
                "sigmas": plan.table.sigmas,
            }
        given.output.write_text(json.dumps(cells, indent=1))


if __name__ == "__main__":
    main()
