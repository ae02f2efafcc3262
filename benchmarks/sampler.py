"""What the sampler costs beside the network it calls.

Run it as ``python benchmarks/sampler.py``. It times sampling runs of the bundled model
against as many bare forward calls of the same network on the same batch, in turns, and
prints the median ratio with the smallest and the largest. On an accelerator the loop
also runs with synchronisations made errors. With ``--compile`` it times the network as
it is against the same compiled by torch instead, again in turns, and prints the wait
for the compiler and how far the pictures are apart at most.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from spectral_sched.diffusion.devices import resolve_device
from spectral_sched.diffusion.models.compile import compile_network
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.solvers.recurrence import Call
from spectral_sched.solvers.registry import solver_calls

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
        f"faster {statistics.median(gains):.3f} ({min(gains):.3f} - {max(gains):.3f})  "
        f"compiler {wait:.3g} s  apart {apart:.1e}"
    )


@torch.inference_mode()
def sampled_last(
    network: NetworkDenoiser, calls: list[Call], x: torch.Tensor
) -> torch.Tensor:
    """Return the pictures of a network."""
    *_, last = sample(network, x, calls, noise_of(x))
    return last


@contextmanager
def synchronisation(mode: str) -> Iterator[None]:
    """Say what is done where the host waits for an accelerator."""
    if mode == "default":
        yield
        return
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def noise_of(x: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return a source of noise; solvers of the flow never ask."""
    return lambda: torch.randn_like(x)


def main() -> None:
    """Print ratios for small and large batches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument(
        "--samplers", nargs="+", default=["dpmpp-2m", "heun", "unipc-3"]
    )
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = resolve_device(given.device)
    network = read_model(BUNDLED)[0].to(device)
    data_set = read_model_header(BUNDLED).data_set
    for sampler in given.samplers:
        request = replace(TableRequest(), sampler=sampler, num_steps=STEPS)
        plan = make_plan(data_set, "optimal", request)
        calls = solver_calls(sampler, plan.table.sigmas)
        for batch in given.batches:
            x = torch.randn(batch, *data_set.power.field.shape, device=device)
            if given.compile:
                line = compiled_beside_eager(network, calls, x, given.rounds)
                print(f"{sampler:9} batch {batch:4}  {line}", flush=True)
                continue
            found = ratios(network, calls, x, given.rounds)
            middle = statistics.median(found)
            print(
                f"{sampler:9} batch {batch:4}  sampler over bare calls {middle:.3f} "
                f"({min(found):.3f} - {max(found):.3f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
