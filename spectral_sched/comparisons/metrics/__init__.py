"""Distances between samples and what they should be, with their uncertainty.

Everything here is numpy on features or images that were already made. A distance on
features is only as good as the features: those of `diffusion.evaluation.features` come
from a fixed random network or from one trained on ImageNet, and no figure made with
either is an FID.
"""

from .frechet import FrechetDistance, frechet_distance
from .intervals import (
    NUM_BLOCKS,
    Estimate,
    LeftOut,
    bootstrap_difference,
    bootstrap_mean_square,
    difference,
    left_out,
)
from .kernel import KernelDistance
from .log_spectral import LogSpectra
from .neighbours import NEIGHBOUR_METRICS, NUM_NEIGHBOURS, Neighbourhoods
from .patches import SlicedWasserstein

__all__ = [
    "NEIGHBOUR_METRICS",
    "NUM_BLOCKS",
    "NUM_NEIGHBOURS",
    "Estimate",
    "FrechetDistance",
    "KernelDistance",
    "LeftOut",
    "LogSpectra",
    "Neighbourhoods",
    "SlicedWasserstein",
    "bootstrap_difference",
    "bootstrap_mean_square",
    "difference",
    "frechet_distance",
    "left_out",
]
