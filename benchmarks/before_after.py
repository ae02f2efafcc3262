"""The same noise through a copied table and through ours, 8 steps each.

Draws docs/pictures/before-after.png and prints each table's distance from the fine
solution (Heun, 64 steps) from the same noise: ``python benchmarks/before_after.py``.
Seeds are the first ones, not chosen ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import spectral_sched
from spectral_sched.images.png import to_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched import Measurement, Plan

ROOT = Path(__file__).parents[1]
SHOWN = 6
FINE = 64
FINE_ROW = f"fine solution, {FINE} steps"


def plans(measured: Measurement, sampler: str) -> dict[str, Plan]:
    """Return the copied table, ours, and the fine one, by their captions."""

    def plan(kind: str, steps: int, *ends: float) -> Plan:
        low, high = ends or (None, None)
        return spectral_sched.make_schedule(
            measured, steps, sampler, kind=kind, sigma_min=low, sigma_max=high
        )

    return {
        "copied: karras 0.002-80, rho 7, 8 steps": plan("karras", 8, 0.002, 80.0),
        "ours: optimal, 8 steps": plan("optimal", 8),
        FINE_ROW: plan("karras", FINE),
    }


def sampled(found: dict[str, Plan], seeds: int) -> dict[str, NDArray[np.float64]]:
    """Return what the bundled model samples with each table, (N, 3, 64, 64)."""
    return {
        caption: spectral_sched.sample(plan, range(seeds), as_is=True)
        for caption, plan in found.items()
    }


def distances(images: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the rms distance of each image from the fine one, (N,)."""
    fine = images[FINE_ROW]
    return {
        caption: np.sqrt(np.mean((each - fine) ** 2, axis=(1, 2, 3)))
        for caption, each in images.items()
        if caption != FINE_ROW
    }


def draw(images: dict[str, NDArray[np.float64]], path: Path) -> None:
    """Draw a captioned row of images for each table."""
    mpl.use("agg")
    figure, axes = plt.subplots(len(images), figsize=(8, 4.9), dpi=110)
    for axis, (caption, row) in zip(axes, images.items(), strict=True):
        tiles = [to_bytes(image) for image in row[:SHOWN]]
        axis.imshow(np.concatenate(tiles, axis=1), interpolation="nearest")
        axis.set_title(caption, loc="left", fontsize=10, color="#808080")
        axis.axis("off")
    figure.tight_layout(pad=0.4)
    figure.savefig(path, transparent=True)  # on light pages and on dark ones


def main() -> None:
    """Sample, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("before-after.png"))
    parser.add_argument("--sampler", default="heun")
    parser.add_argument("--seeds", type=int, default=16)
    options = parser.parse_args()
    measured = spectral_sched.analyze(ROOT / "sample_images")
    images = sampled(plans(measured, options.sampler), options.seeds)
    draw(images, options.output)
    for caption, each in distances(images).items():
        print(
            f"{caption}: {each.mean():.3f}, from {each.min():.3f} to {each.max():.3f}"
        )


if __name__ == "__main__":
    main()
