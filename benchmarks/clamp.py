"""What a clamp of flow time costs on a network, and what planning above it saves.

Run it as ``python benchmarks/clamp.py model.safetensors``. The network, a file of
``specsched train``, is played as programs play one that predicts the picture: with a
velocity that is divided by ``max(t, t_eps)``. Four tables are played from the same
noise: the optimum under the clamp, that with all levels above it, the optimum without
a clamp cut at it (levels below are one, at the clamp), and that as it is. Told is the
root mean square distance from many steps of Heun's method without a clamp, and the
first less the others with the 95 % intervals of the paired differences. ``--wiener``
plays in the place of the network the Wiener filter of its images.
"""

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_sched.comparisons.metrics import bootstrap_difference
from spectral_sched.diffusion.models.denoiser import Denoiser
from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.models.preconditioning import (
    PreconditionedDenoiser,
    flow,
)
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.files.any_format import read_data_set
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.table_error import noise_left
from spectral_sched.schedules import FlowModel
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.targets.checks import LEVELS_PER_UNIT

NAMES = ("under", "above", "cut", "as is")
REFERENCE_STEPS = 64
TIMES = 1000


def as_flow(network: Denoiser, model: FlowModel) -> PreconditionedDenoiser:
    """Return a network of sigma as one of flow time that predicts the picture."""

    def predict(z: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        time = steps.double()[:, None, None, None] / TIMES
        sigma = model.sigma(steps.double() / TIMES)
        picture: torch.Tensor = network((z / (1 - time)).to(z.dtype), sigma.to(z.dtype))
        return picture

    return PreconditionedDenoiser(predict, flow(TIMES, model, "sample"))


def cut(plan: Plan, floor: float) -> Plan:
    """Return a plan whose levels below one are that one."""
    above = [level for level in plan.table.levels if level > floor]
    lost = len(above) < plan.table.num_steps
    table = SigmaTable.of([*above, floor] if lost else above)
    request = replace(plan.request, num_steps=table.num_steps)
    return replace(plan, table=table, request=request)


def played(denoise: object, plan: Plan, seeds: range) -> NDArray[np.float64]:
    """Return the samples of a plan, (B, C, H, W)."""
    player = Player(denoise, plan.power.field.shape, seeds)  # type: ignore[arg-type]
    return np.stack(list(player.play_plan(plan)))


def tables(
    data_set: DataSet, sampler: str, steps: int, flow: FlowModel, kind: str = "optimal"
) -> tuple[Plan, ...]:
    """Return the optima under the clamp and above it, the free one cut, and itself."""
    free = TableRequest.of(sampler, steps, "zero")
    floor = flow.lowest_sigma
    under, above, loose = (
        make_plan(data_set, kind, replace(free, limits=limits))
        for limits in (NoiseLimits(flow=flow), NoiseLimits(floor=floor), NoiseLimits())
    )
    return under, above, cut(loose, floor), loose


def told(plan: Plan, squares: NDArray[np.float64], flow: FlowModel) -> str:
    """Return the error of a table, its calls, its last level and what noise stays."""
    table = np.array(plan.table.sigmas)
    left = abs(float(noise_left(plan.request.sampler, flow, table))) * LEVELS_PER_UNIT
    error = np.sqrt(squares.mean())
    return f"{error:.4f} {plan.num_calls} {table[-2]:.4f} {left:.2f}"


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--wiener", action="store_true")
    parser.add_argument("--kind", default="optimal", help="gaussian, or optimal")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--t-eps", type=float, default=0.05)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 2.0])
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 12])
    parser.add_argument("--samplers", nargs="+", default=["euler", "dpmpp-2m"])
    return parser.parse_args()


def main() -> None:
    """Print a row for every sampler, number of calls and strength of noise."""
    given = arguments()
    data_set = read_data_set(given.model)
    network: Denoiser = read_model(given.model)[0].eval()
    if given.wiener:
        field = data_set.power.field
        network = WienerDenoiser(field, torch.device("cpu"), torch.float32)
    seeds = range(given.seed, given.seed + given.samples)
    heun = TableRequest.of("heun", REFERENCE_STEPS, "zero")
    fine = played(network, make_plan(data_set, "optimal", heun), seeds)
    print("each table: error, calls, last level, grey levels left in a flat image")
    for row in product(given.samplers, given.steps, given.scales):
        model = FlowModel(row[2], given.t_eps)
        denoise = as_flow(network, model)
        plans = tables(data_set, *row[:2], model, given.kind)
        squares = [
            ((played(denoise, plan, seeds) - fine) ** 2).mean(axis=(1, 2, 3))
            for plan in plans
        ]
        print(*row)
        for name, plan, square in zip(NAMES, plans, squares, strict=True):
            apart = bootstrap_difference(squares[0], square, paired=True)
            beside = f"under less this {apart.value:+.4f}"
            ends = f"[{apart.low:+.4f}, {apart.high:+.4f}]"
            print(f"  {name:6} {told(plan, square, model)} {beside} {ends}", flush=True)


if __name__ == "__main__":
    main()
