"""What the sampler costs beside the network it calls.

Run it as ``python benchmarks/sampler.py``. It times sampling runs of the bundled model
against as many bare forward calls of the same network on the same batch, in turns, and
prints the median ratio with the smallest and the largest. On an accelerator the loop
also runs with synchronisations made errors.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from spectral_sched.diffusion.devices import resolve_device
from spectral_sched.diffusion.model_files import read_model
from spectral_sched.diffusion.models import BUNDLED
from spectral_sched.diffusion.network import NetworkDenoiser
from spectral_sched.diffusion.sampler import sample
from spectral_sched.model_headers import read_model_header
from spectral_sched.plans import make_plan
from spectral_sched.requests import Request
from spectral_sched.solvers import Call, solver_calls

STEPS = 8


def waited(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that some work takes, with all that it started."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


@torch.inference_mode()
def ratios(
    network: NetworkDenoiser, calls: list[Call], x: torch.Tensor, rounds: int
) -> list[float]:
    """Return times of sampling over those of bare calls, one pair per round."""

    def sampled() -> None:
        for _ in sample(network, x, calls, noise_of(x)):
            pass

    def bare() -> None:
        for call in calls:
            network(x, float(call.sigma))

    for _ in range(2):
        sampled()
        bare()
    return [waited(sampled, x.device) / waited(bare, x.device) for _ in range(rounds)]


def noise_of(x: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return a source of noise; solvers of the flow never ask."""
    return lambda: torch.randn_like(x)


def main() -> None:
    """Print the ratio for small and large batches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = resolve_device(given.device)
    network = read_model(BUNDLED)[0].to(device)
    source = read_model_header(BUNDLED).source
    for sampler in ("dpmpp-2m", "heun", "unipc-3"):
        wanted = replace(Request(), sampler=sampler, num_steps=STEPS)
        plan = make_plan(source, "optimal", wanted)
        calls = solver_calls(sampler, plan.table)
        for batch in given.batches:
            x = torch.randn(batch, *source.planning.field.shape, device=device)
            found = ratios(network, calls, x, given.rounds)
            middle = statistics.median(found)
            print(
                f"{sampler:9} batch {batch:4}  sampler over bare calls {middle:.3f} "
                f"({min(found):.3f} - {max(found):.3f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
