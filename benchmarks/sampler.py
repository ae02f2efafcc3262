"""What the sampler costs beside the network it calls.

Run it as ``python benchmarks/sampler.py``. It times sampling runs of the bundled model
against as many bare forward calls of the same network on the same batch, in turns, and
prints the median ratio with the smallest and the largest. On an accelerator the loop
also runs with synchronisations made errors. With ``--compile`` it times the network as
it is against the same compiled by torch instead, again in turns, and prints the wait
for the compiler and how far the images are apart at most.

With ``--graphs`` the calls of the network are recorded, as CUDA graphs where there is
CUDA; elsewhere the work is done again on the same fixed tensors, which shows what the
copies cost. Three take turns: the loop with recorded calls, as many bare recorded
calls, and the loop without. With ``--whole`` it times runs of ``specsched sample`` for
so many guided images, from seeds to bytes, against the bare calls of the network that
they take. With ``--whole N --before FOLDER``, a checkout of another build, that build
takes turns with the present one, each in a process of its own. With ``--diffusers`` it
times a small UNet2DModel in diffusers' own pipeline and in the sampler.
"""

import argparse
import copy
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from turns import gains, peak_memory, serve, spread, synchronisation, waited

from spectral_sched.diffusion.batches import first_batch
from spectral_sched.diffusion.models.compile import compile_network
from spectral_sched.diffusion.models.diffusers_unet import UNetDenoiser
from spectral_sched.diffusion.models.guidance import Guidance
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.models.preconditioning import discrete
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.player import PLAN_BATCH
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.diffusion.torchrun import processes
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.images.png import to_bytes
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.betas import Betas
from spectral_sched.solvers.recurrence import Call
from spectral_sched.solvers.registry import solver_calls

if TYPE_CHECKING:
    from spectral_sched.diffusion.replay import NetworkReplay

STEPS, AUTO = 8, "auto"


@torch.inference_mode()
def ratios(
    network: NetworkDenoiser, calls: list[Call], x: torch.Tensor, rounds: int
) -> list[float]:
    """Return times of sampling over those of bare calls, one pair per round."""

    def sampled() -> None:
        with synchronisation("error" if x.device.type == "cuda" else "default"):
            for _ in sample(network, x, calls, noise_of(x)):
                pass

    def bare() -> None:
        for call in calls:
            network(x, float(call.sigma))

    for _ in range(2):
        sampled()
        bare()
    return [waited(sampled, x.device) / waited(bare, x.device) for _ in range(rounds)]


def compiled_beside_eager(
    eager: NetworkDenoiser, calls: list[Call], x: torch.Tensor, rounds: int
) -> str:
    """Return a line on sampling with a network and with a compiled copy of it."""
    compiled = copy.deepcopy(eager)
    compile_network(compiled)
    pair = [partial(sampled_last, each, calls, x) for each in (eager, compiled)]
    wait = waited(pair[1], x.device)
    apart = float((pair[0]() - pair[1]()).abs().max())
    times = [[waited(work, x.device) for work in pair] for _ in range(rounds)]
    first, second = map(statistics.median, zip(*times, strict=True))
    gains = [one / other for one, other in times]
    return (
        f"eager {first:.4g} s  compiled {second:.4g} s  "
        f"faster {spread(gains)}  "
        f"compiler {wait:.3g} s  apart {apart:.1e}"
    )


@torch.inference_mode()
def sampled_last(
    network: NetworkDenoiser, calls: list[Call], x: torch.Tensor
) -> torch.Tensor:
    """Return the images of a network."""
    *_, last = sample(network, x, calls, noise_of(x))
    return last


def replay_of(network: torch.nn.Module, device: torch.device) -> "NetworkReplay":
    """Return the recorded calls of a network."""
    # Builds of before, which run this script too, have none.
    from spectral_sched.diffusion.replay import CudaRecorder, NetworkReplay

    recorder = CudaRecorder() if device.type == "cuda" else kept
    return NetworkReplay(network, recorder, print)


def kept(work: Callable[[], object]) -> Callable[[], object]:
    """Return what does some work again; it stands in for a graph."""
    return work


@torch.inference_mode()
def recorded_beside_eager(
    eager: NetworkDenoiser, calls: list[Call], x: torch.Tensor, rounds: int
) -> str:
    """Return a line on sampling with recorded calls, beside bare ones and without."""
    replay = replay_of(eager, x.device)

    def bare() -> None:
        for call in calls:
            eager(x, float(call.sigma))

    def recorded(work: Callable[[], object]) -> Callable[[], object]:
        def with_recordings() -> object:
            with replay.playing():
                return work()

        return with_recordings

    loop = partial(sampled_last, eager, calls, x)
    trio: list[Callable[[], object]] = [recorded(loop), recorded(bare), loop]
    apart = max(
        float((recorded(loop)() - loop()).abs().max())  # type: ignore[operator]
        for _ in range(3)
    )
    rows = [[waited(work, x.device) for work in trio] for _ in range(rounds + 1)][1:]
    over_bare = [row[0] / row[1] for row in rows]
    over_eager = [row[0] / row[2] for row in rows]
    seconds = statistics.median(row[0] for row in rows)
    return (
        f"recorded {seconds:.4g} s  over bare recorded calls {spread(over_bare)}  "
        f"over eager {spread(over_eager)}  apart {apart:.1e}"
        f"{peak_memory(x.device)}"
    )


class Whole:
    """A run of ``specsched sample`` with guidance, and the network calls it takes.

    Attributes
    ----------
    count
        How many images it makes.
    """

    def __init__(self, count: int, device: torch.device, precision: str) -> None:
        data_set = read_model_header(BUNDLED).data_set
        request = replace(TableRequest(), num_steps=STEPS)
        plan = make_plan(data_set, "optimal", request)
        options = SamplingOptions("bundled", guidance=Guidance(weight=2.0))
        # Builds of before have no "auto": they take what is usual there.
        if precision != AUTO:
            options = replace(options, precision=precision)
        self.run, self.count = SamplingRun(plan, options, device), count
        self.shape, self.device = plan.power.field.shape, device

    def sampled(self) -> int:
        """Make the images, as bytes on the host, and return how many there are."""
        samples = self.run.samples(range(self.count))
        # Builds of before have images of floats, and make bytes of each.
        levels = getattr(self.run, "levels", None)
        made = map(to_bytes, self.run(samples)) if levels is None else levels(samples)
        return sum(1 for _ in made)

    @torch.inference_mode()
    def bare(self) -> None:
        """Call the network as often as the images take, on as large batches."""
        largest = first_batch(self.shape, self.device, PLAN_BATCH)
        calls = solver_calls("dpmpp-2m", self.run.plan.table.sigmas)
        network, left = self.run.denoise, self.count
        playing = self.run.replay.playing() if self.run.replay else nullcontext()
        with self.run.precision.applied(self.device), playing:
            while left > 0:
                batch = min(left, largest)
                x = torch.zeros(batch, *self.shape, device=self.device)
                labels = torch.zeros(batch, dtype=torch.long, device=self.device)
                for call in calls:
                    for _ in ("told its class", "told none"):
                        network(x, float(call.sigma), None, None, labels)  # type: ignore[call-arg]
                left -= batch


def whole(given: argparse.Namespace, device: torch.device) -> None:
    """Print what images cost from seeds to bytes, over bare calls."""
    work = Whole(given.whole, device, given.precision)
    if given.serve:
        waited(work.sampled, device)
        serve(work.sampled, device, 1)
        return
    pair = (work.sampled, work.bare)
    rows = [[waited(each, device) for each in pair] for _ in range(given.rounds + 1)][
        1:
    ]
    seconds = statistics.median(row[0] for row in rows)
    print(
        f"{given.whole} guided pictures  {seconds:.4g} s, "
        f"{given.whole / seconds:.4g} pictures/s  over bare calls "
        f"{spread([first / second for first, second in rows])}{peak_memory(device)}",
        flush=True,
    )


def whole_beside_before(given: argparse.Namespace) -> None:
    """Print how much faster images are made than by another build."""
    found, memory = gains(given.before, given.rounds)
    print(
        f"{given.whole} guided pictures  faster than before {spread(found)}  {memory}",
        flush=True,
    )


def beside_diffusers(given: argparse.Namespace, device: torch.device) -> None:
    """Print how a small UNet2DModel fares in diffusers' pipeline and in the sampler."""
    from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel

    from spectral_sched.diffusion.sampling.player import to_levels

    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=32,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
    )
    pipeline = DDIMPipeline(unet.to(device).eval(), DDIMScheduler())
    pipeline.set_progress_bar_config(disable=True)
    denoise = UNetDenoiser(unet, discrete("epsilon", Betas().abar()), (3, 32, 32))
    low, high = denoise.sigma_range or (0.01, 100.0)
    calls = solver_calls("euler", [*np.geomspace(high, low, given.steps), 0.0])
    x = torch.randn(1, 3, 32, 32, device=device)
    replay = replay_of(unet, device)

    def theirs() -> object:
        return pipeline(batch_size=1, num_inference_steps=given.steps, output_type="np")

    @torch.inference_mode()
    def ours() -> object:
        with replay.playing():
            *_, last = sample(denoise, x, calls, noise_of(x))
        return to_levels(last).cpu()

    rows = [
        [waited(work, device) for work in (theirs, ours)]
        for _ in range(given.rounds + 2)
    ][2:]
    print(
        f"UNet2DModel 32x32 batch 1, {given.steps} steps  faster than its pipeline "
        f"{spread([first / second for first, second in rows])}",
        flush=True,
    )


def noise_of(x: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return a source of noise; solvers of the flow never ask."""
    return lambda: torch.randn_like(x)


def loops(given: argparse.Namespace, device: torch.device) -> None:
    """Print what the loop costs for each solver and size of batch."""
    network = read_model(BUNDLED)[0].to(device)
    data_set = read_model_header(BUNDLED).data_set
    for sampler in given.samplers:
        request = replace(TableRequest(), sampler=sampler, num_steps=STEPS)
        plan = make_plan(data_set, "optimal", request)
        calls = solver_calls(sampler, plan.table.sigmas)
        for batch in given.batches:
            x = torch.randn(batch, *data_set.power.field.shape, device=device)
            told = (network, calls, x, given.rounds)
            if given.compile or given.graphs:
                mode = recorded_beside_eager if given.graphs else compiled_beside_eager
                line = mode(*told)
            else:
                line = f"sampler over bare calls {spread(ratios(*told))}"
            print(f"{sampler:9} batch {batch:4}  {line}", flush=True)


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument(
        "--samplers", nargs="+", default=["dpmpp-2m", "heun", "unipc-3"]
    )
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--graphs", action="store_true")
    parser.add_argument("--whole", type=int, help="so many guided pictures")
    parser.add_argument("--before", type=Path, help="a checkout of another build")
    parser.add_argument("--diffusers", action="store_true")
    parser.add_argument("--steps", type=int, default=20, help="with --diffusers")
    parser.add_argument("--precision", default=AUTO, help="with --whole")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def main() -> None:
    """Print ratios for small and large batches."""
    given = arguments()
    if given.before and not given.serve:
        whole_beside_before(given)
        return
    with processes(given.device, given.threads) as place:
        if given.whole:
            whole(given, place.device)
        elif given.diffusers:
            beside_diffusers(given, place.device)
        else:
            loops(given, place.device)


if __name__ == "__main__":
    main()
