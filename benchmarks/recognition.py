"""Whether samples of the bundled model are recognised as the kinds they are told.

Run it as ``python benchmarks/recognition.py``. A small classifier learns the four kinds
of sample images from fresh images of the generator, and then says what samples of
each kind are, and what real images are that it has not seen: no sample can be
expected to be told better than those. Samples are of `optimal` tables for
DPM-Solver++(2M), for several numbers of calls and weights of the class.
"""

import argparse
import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spectral_sched import api
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.synthetic import SAMPLE_KINDS, picture

SIZE, BATCH, PASSES, RATE = 64, 64, 5, 1e-3
LEARNED, UNSEEN = 1, 2
"""Seeds of the images that are learned from and of those that are not."""


def real_pictures(kind: str, seed: int, count: int) -> Tensor:
    """Return images of a kind, (N, 3, H, W) in [-1, 1]."""
    drawn = np.stack([picture(kind, (seed, number), SIZE) for number in range(count)])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1


def classifier() -> nn.Sequential:
    """Return a network from images to one score per kind."""
    layers: list[nn.Module] = []
    for narrow, wide in itertools.pairwise((3, 24, 48, 96, 96)):
        convolution = nn.Conv2d(narrow, wide, 3, stride=2, padding=1)
        layers += [convolution, nn.BatchNorm2d(wide), nn.ReLU()]
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, *pooled, nn.Linear(96, len(SAMPLE_KINDS)))


def learned(count: int) -> nn.Sequential:
    """Return a classifier that has learned from so many images of each kind."""
    torch.manual_seed(0)
    pictures = torch.cat([real_pictures(kind, LEARNED, count) for kind in SAMPLE_KINDS])
    labels = torch.arange(len(SAMPLE_KINDS)).repeat_interleave(count)
    network = classifier()
    steps = PASSES * -(-len(pictures) // BATCH)
    optimizer = torch.optim.Adam(network.parameters())
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5 * RATE, total_steps=steps)
    for _ in range(PASSES):
        for chosen in torch.split(torch.randperm(len(pictures)), BATCH):
            flip = torch.rand(len(chosen), 1, 1, 1) < 0.5
            seen = torch.where(flip, pictures[chosen].flip(3), pictures[chosen])
            loss = functional.cross_entropy(network(seen), labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            rates.step()
    return network.eval()


@torch.inference_mode()
def told(network: nn.Sequential, pictures: Sequence[Tensor]) -> str:
    """Return how many images of each kind are taken for which."""
    rows = [
        torch.bincount(network(of_kind).argmax(dim=1), minlength=len(SAMPLE_KINDS))
        for of_kind in pictures
    ]
    right = sum(int(row[label]) for label, row in enumerate(rows))
    share = right / sum(map(len, pictures))
    parts = (
        f"{kind} {row.tolist()}" for kind, row in zip(SAMPLE_KINDS, rows, strict=True)
    )
    return f"{share:.1%} right: {', '.join(parts)}"


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learned", type=int, default=2000, help="of each kind")
    parser.add_argument("--samples", type=int, default=48, help="of each kind")
    parser.add_argument("--calls", nargs="+", type=int, default=[4, 8, 16, 64])
    parser.add_argument("--weights", nargs="+", type=float, default=[1.0, 2.0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def main() -> None:
    """Print what real images and samples are taken for."""
    given = arguments()
    torch.set_num_threads(given.threads)
    network = learned(given.learned)
    print(f"kinds in this order: {', '.join(SAMPLE_KINDS)}")
    unseen = [real_pictures(kind, UNSEEN, 250) for kind in SAMPLE_KINDS]
    print(f"real pictures  {told(network, unseen)}", flush=True)
    data_set = read_model_header(BUNDLED).data_set
    for calls, weight in itertools.product(given.calls, given.weights):
        plan = make_plan(
            data_set, "optimal", TableRequest.of("dpmpp-2m", calls, "zero")
        )
        sampled = [
            api.sample(plan, range(given.samples), class_label=kind, guidance=weight)
            for kind in SAMPLE_KINDS
        ]
        pictures = [torch.from_numpy(each).float().clamp(-1, 1) for each in sampled]
        print(
            f"{calls} calls, weight {weight:g}  {told(network, pictures)}", flush=True
        )


if __name__ == "__main__":
    main()
