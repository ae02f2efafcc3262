"""A finite set of equally likely images, the model that remembers everything.

The posterior mean is the mean of the images weighted by ``softmax(-|x - p|**2 / (2
sigma**2))`` (Karras, Aittala, Aila & Laine, arXiv 2206.00364, App. B.3). The flow has
no closed form: `trajectories.exact_flow` integrates it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .trajectories import exact_flow

if TYPE_CHECKING:
    from .trajectories import FloatArray

NEGLIGIBLE = 1e-3
"""Noise level, over the least distance of two images, that leaves one in doubt with
a probability below any float."""


@dataclass(frozen=True, eq=False)
class FiniteSet:
    """Equally likely images.

    Attributes
    ----------
    pictures
        The set, (M, ...): images of any shape.
    """

    pictures: FloatArray

    def __post_init__(self) -> None:
        if self.pictures.ndim < 2 or len(self.pictures) < 1:
            message = f"a set of images is (M, ...), not {self.pictures.shape}"
            raise ValueError(message)

    def weights(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior probability of each image, (..., M), under x."""
        # Centred, because the squared norms of images far from 0 would cancel.
        flat = self.pictures.reshape(len(self.pictures), -1)
        center = flat.mean(axis=0)
        offsets = flat - center
        rows = x.reshape(*x.shape[: x.ndim - self.pictures.ndim + 1], -1) - center
        energy = (rows @ offsets.T - (offsets**2).sum(axis=1) / 2) / sigma**2
        likelihood = np.exp(energy - energy.max(axis=-1, keepdims=True))
        shares: FloatArray = likelihood / likelihood.sum(axis=-1, keepdims=True)
        return shares

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior mean, (..., *image), under x of the same shape."""
        return np.tensordot(self.weights(x, sigma), self.pictures, axes=1)

    def picture_under(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the image that the exact flow carries x at level sigma to.

        The flow is followed to a level where one image alone is left, and denoised.
        """
        end = min(sigma, NEGLIGIBLE * self.least_distance)
        return self.denoise(exact_flow(self.denoise, x, sigma, end), end)

    @property
    def least_distance(self) -> float:
        """Distance of the two nearest images that differ; 1 if none do."""
        from scipy.spatial.distance import pdist

        distances = pdist(self.pictures.reshape(len(self.pictures), -1))
        return float(min(distances[distances > 0], default=1.0))
