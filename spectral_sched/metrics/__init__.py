"""Distances between samples and what they should be, with their uncertainty.

Everything here is numpy on features or pictures that were already made. A distance on
features is only as good as the features: those of `diffusion.features` come from a
fixed random network, and no figure made with them is an FID.
"""

from .frechet import frechet_distance, frechet_floor
from .intervals import Estimate, bootstrap_mean_square, jackknife

__all__ = [
    "Estimate",
    "bootstrap_mean_square",
    "frechet_distance",
    "frechet_floor",
    "jackknife",
]
