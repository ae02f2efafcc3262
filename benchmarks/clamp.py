"""What a clamp of flow time costs on a network, and what planning above it saves.

Run it as ``python benchmarks/clamp.py model.safetensors``. The network, a file of
``specsched train``, is played as programs play one that predicts the image: with a
velocity that is divided by ``max(t, t_eps)``. Three tables are played from the same
noise: the optimum above the clamp, the optimum without a clamp cut at it (levels below
are one, at the clamp), and the optimum without a clamp as it is. Told is the root mean
square distance from many steps of Heun's method without a clamp.
"""

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

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
from spectral_sched.schedules import FlowModel
from spectral_sched.schedules.table import SigmaTable

REFERENCE_STEPS = 64
TIMES = 1000


def as_flow(network: torch.nn.Module, model: FlowModel) -> PreconditionedDenoiser:
    """Return a network of sigma as one of flow time that predicts the image."""

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


def played(denoise: object, plan: Plan, count: int) -> NDArray[np.float64]:
    """Return the samples of a plan, (count, C, H, W)."""
    player = Player(denoise, plan.power.field.shape, range(count))  # type: ignore[arg-type]
    return np.stack(list(player.play_plan(plan)))


def tables(
    data_set: DataSet, sampler: str, calls: int, floor: float
) -> tuple[Plan, Plan, Plan]:
    """Return the optimum above a level, the free one cut at it, and the free one."""
    free = TableRequest.of(sampler, calls, "zero")
    held = replace(free, limits=NoiseLimits(floor=floor))
    loose = make_plan(data_set, "optimal", free)
    return make_plan(data_set, "optimal", held), cut(loose, floor), loose


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--t-eps", type=float, default=0.05)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 2.0])
    parser.add_argument("--calls", type=int, nargs="+", default=[8, 12])
    parser.add_argument("--samplers", nargs="+", default=["euler", "dpmpp-2m"])
    return parser.parse_args()


def main() -> None:
    """Print a row for every sampler, number of calls and strength of noise."""
    given = arguments()
    network = read_model(given.model)[0].eval()
    data_set = read_data_set(given.model)
    heun = TableRequest.of("heun", REFERENCE_STEPS, "zero")
    fine = played(network, make_plan(data_set, "optimal", heun), given.samples)
    print("sampler calls scale: above, cut, as it is (error, calls, last level)")
    for row in product(given.samplers, given.calls, given.scales):
        model = FlowModel(row[2], given.t_eps)
        denoise = as_flow(network, model)
        told = []
        for plan in tables(data_set, *row[:2], model.lowest_sigma):
            apart = played(denoise, plan, given.samples) - fine
            error = np.sqrt(np.mean(apart**2))
            told.append(f"{error:.4f} {plan.num_calls} {plan.table.levels[-1]:.4f}")
        print(*row, "; ".join(told), flush=True)


if __name__ == "__main__":
    main()
