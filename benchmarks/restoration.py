"""Restoration, with laws of noise at equal budgets.

Run it as ``python benchmarks/restoration.py training.npy held_out.npy -o out.json``.
Every law trains a tiny network to restore images, from the same seed and for the
same number of steps. Judged on held-out images are the denoising loss, all log SNRs
alike over the data set's range, and root-mean-square distances to the true images
(of a range of 2): of the degraded ones, of one restored image each, of the mean of
several, and of the network's own mean at the highest noise level. For comparison each
image is also restored from the degraded copy of another one.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spectral_sched.diffusion.models.network import NetworkDenoiser, give_degraded
from spectral_sched.diffusion.philox import Draw, Purpose
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.degrade import degrade
from spectral_sched.diffusion.training.pictures import picture_set
from spectral_sched.diffusion.training.run import TrainingRun, training_options
from spectral_sched.diffusion.training.trainer import TrainingSettings, held_out_loss
from spectral_sched.files.degradation import parse_degradation
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.sources import items

CPU = torch.device("cpu")
NUM_AVERAGED = 4


def rmse(found: Tensor, true: Tensor) -> float:
    """Return the root-mean-square distance of images."""
    return float((found.double() - true.double()).square().mean().sqrt())


def restored(
    network: NetworkDenoiser, degraded: Tensor, plan: Plan, first: int
) -> Tensor:
    """Return restored images, the seeds counted from the first."""
    seeds = range(first, first + len(degraded))
    shape = plan.power.field.shape
    player = Player(network, shape, seeds, degraded=degraded)
    return torch.from_numpy(np.stack(list(player.play_plan(plan))))


@torch.inference_mode()
def judged(
    network: NetworkDenoiser, clean: Tensor, degraded: Tensor, plan: Plan
) -> dict[str, float]:
    """Return the loss and the distances of one trained network."""
    count, bounds = len(clean), plan.data_set.bounds
    ends = (bounds.sigma_min, bounds.sigma_max)
    denoise = give_degraded(network, degraded)
    several = [
        restored(network, degraded, plan, part * count) for part in range(NUM_AVERAGED)
    ]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    mean = denoise(bounds.sigma_max * noise, bounds.sigma_max)
    others = restored(network, degraded.roll(1, dims=0), plan, 0)
    return {
        "loss": held_out_loss(denoise, clean, network.config.sigma_data, ends),
        "degraded": rmse(degraded, clean),
        "restored": rmse(several[0], clean),
        f"mean of {NUM_AVERAGED}": rmse(torch.stack(several).mean(dim=0), clean),
        "network's mean": rmse(mean, clean),
        "from another": rmse(others, clean),
    }


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures")
    parser.add_argument("held_out")
    parser.add_argument("--restore", default="box=4")
    parser.add_argument("--laws", nargs="+", default=["lognormal", "learned"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("-o", "--output", type=Path, default=Path("restoration.json"))
    return parser.parse_args()


def main() -> None:
    """Train and judge every law from every seed."""
    given = arguments()
    pictures = picture_set(items(given.pictures), Preprocessing())
    held_out = picture_set(items(given.held_out), Preprocessing())
    clean = held_out.batch(np.arange(len(held_out)))
    request = TableRequest.of("dpmpp-2m", given.calls, "zero")
    plan = make_plan(measured_data_set(pictures.measured), "optimal", request)
    degradation = parse_degradation(given.restore)
    draw = Draw.of_seeds(Purpose.DEGRADATION, 0, range(len(clean)))

    def noise(shape: tuple[int, ...]) -> Tensor:
        return draw.normals(shape[1:])

    degraded, rows = degrade(clean, degradation, noise), []
    for seed in given.seeds:
        for law in given.laws:
            settings = TrainingSettings(
                given.steps, given.batch, seed=seed, precision="float32"
            )
            # A law's usual settings come with it if it is not named.
            named = None if law == "lognormal" else law
            options = training_options(settings, "tiny", named, restore=given.restore)
            run = TrainingRun(pictures, options, given.output, Processes(CPU))
            while run.trainer.step < given.steps:
                run.trainer.advance()
            found = judged(run.trainer.average.eval(), clean, degraded, plan)
            rows.append({"law": law, "seed": seed, **found})
            told = "  ".join(f"{key} {value:.4f}" for key, value in found.items())
            print(f"seed {seed}  {law:10} {told}", flush=True)
            given.output.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
