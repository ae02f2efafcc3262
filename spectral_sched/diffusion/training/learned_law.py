"""A noise law that is learned together with the denoiser.

The law is a monotone network: the distribution function of the place of ln sigma
between the ends, ``place = (ln sigma - ln sigma_min) / (ln sigma_max - ln sigma_min)``.
Losses are divided by its density, so that the denoiser is trained on the same
objective, every ln sigma alike, whatever the law; the law only lowers the variance of
the estimate, which is the sound form of a learned schedule without a condition (VDM,
arXiv 2107.00630, section 5.1 and appendix H). Of the conditions of CVDM (arXiv
2312.02246) both ends and the consistency of schedule and rate hold by construction,
for the rate is the closed derivative; the penalty on the second derivative is added.

For restoration the law depends on the degraded image, as in CVDM: the logarithms of
the sigmoids' shares are linear in features of that image, so every image has a law
of its own over the same range. The objective stays what it was, for a loss is divided
by the density of its own image's law. CVDM learns a schedule for every pixel. Here an
image has one, for a network is told one sigma per image, and a sampler plays one
table. The features are fixed and few, so that processes that share a batch can tell
each other what the law saw.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

NUM_UNITS = 16
FLAT_SHARE = 0.1
"""Share of draws that stay uniform in ln sigma: no weight is above its inverse."""

STIFFNESS = 1e-4
"""Weight of the mean square second derivative beside the variance, CVDM's penalty."""

RATE = 0.01
GRID = 1025


class MonotoneNetwork(nn.Module):
    """An increasing function from [0, 1] onto [0, 1]: a sum of rising sigmoids.

    Its methods take places, (...), and the features of the images that they are for,
    (..., F), where it has any.

    Parameters
    ----------
    num_features
        How many features the shares of the sigmoids depend on, though not at first.
    """

    def __init__(self, num_features: int = 0) -> None:
        super().__init__()
        self.height = nn.Parameter(torch.zeros(NUM_UNITS))
        self.steepness = nn.Parameter(torch.full((NUM_UNITS,), float(NUM_UNITS)).log())
        # Some units beyond the ends keep the density level there at first.
        self.middle = nn.Parameter(torch.linspace(-0.1, 1.1, NUM_UNITS))
        self.tilt = (
            nn.Parameter(torch.zeros(num_features, NUM_UNITS)) if num_features else None
        )

    def _share(self, features: Tensor | None) -> Tensor:
        """Return the share of each sigmoid in the sum, (..., U)."""
        height: Tensor = self.height
        if features is not None and self.tilt is not None:
            height = height + features @ self.tilt
        return functional.softmax(height, dim=-1)

    def _parts(
        self, place: Tensor, features: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return value and first two derivatives of the bare sum, and its rise."""
        slope, share = self.steepness.exp(), self._share(features)
        value = torch.sigmoid(slope * (place[..., None] - self.middle))
        first = slope * value * (1 - value)
        second = slope * first * (1 - 2 * value)
        low, high = (torch.sigmoid(slope * (end - self.middle)) for end in (0.0, 1.0))
        # A matrix product where places are common to images, as on a grid.
        bare, bare_first, bare_second, rise = (
            torch.einsum("...u,...u->...", each, share)
            for each in (value - low, first, second, high - low)
        )
        return bare, bare_first, bare_second, rise

    def forward(self, place: Tensor, features: Tensor | None = None) -> Tensor:
        """Return the probability of a place below, (...)."""
        value, _, _, rise = self._parts(place, features)
        return FLAT_SHARE * place + (1 - FLAT_SHARE) * value / rise

    def density(self, place: Tensor, features: Tensor | None = None) -> Tensor:
        """Return the derivative of `forward`, at least `FLAT_SHARE`."""
        _, first, _, rise = self._parts(place, features)
        return FLAT_SHARE + (1 - FLAT_SHARE) * first / rise

    def curvature(self, place: Tensor, features: Tensor | None = None) -> Tensor:
        """Return the second derivative of `forward`."""
        _, _, second, rise = self._parts(place, features)
        return (1 - FLAT_SHARE) * second / rise


class LearnedNoise:
    """The law of a monotone network over a noise range.

    Parameters
    ----------
    reach
        Lowest and highest level.
    num_features
        Of the features of an image that its law depends on; with none it is one law
        for all.
    """

    learns = True

    def __init__(self, reach: tuple[float, float], num_features: int = 0) -> None:
        self.reach = reach
        self.features: Tensor | None = None
        self.network = MonotoneNetwork(num_features)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=RATE)

    def seeing(self, features: NDArray[np.float32]) -> LearnedNoise:
        """Return the laws of the images of a batch, which learn as one.

        Parameters
        ----------
        features
            Of the image that each level is for, (B, F).
        """
        seen = copy.copy(self)
        seen.features = torch.from_numpy(features)
        return seen

    def levels(
        self,
        positions: NDArray[np.float64],
        pictures: NDArray[np.int64],
        progress: float,
    ) -> NDArray[np.float64]:
        """Return the sigma of each image of a batch."""
        del pictures, progress
        low, high = np.log(self.reach)
        sigma: NDArray[np.float64] = np.exp(
            low + self._place_at(positions) * (high - low)
        )
        return sigma

    @torch.no_grad()
    def _place_at(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        grid = torch.linspace(0, 1, GRID)
        heights = self.network(grid, self._over_grid()).numpy().astype(np.float64)
        places = grid.numpy().astype(np.float64)
        if heights.ndim == 1:
            return np.interp(positions, heights, places)
        pairs = zip(positions, heights, strict=True)
        return np.array([np.interp(one, rising, places) for one, rising in pairs])

    def _over_grid(self) -> Tensor | None:
        """Return features that go with places on a grid, (B, 1, F)."""
        return None if self.features is None else self.features[:, None]

    def _places(self, levels: NDArray[np.float64]) -> Tensor:
        low, high = np.log(self.reach)
        return torch.tensor((np.log(levels) - low) / (high - low), dtype=torch.float32)

    @torch.no_grad()
    def weights(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what losses at noise levels are multiplied by, (B,)."""
        density = self.network.density(self._places(levels), self.features)
        weights: NDArray[np.float64] = 1 / density.numpy().astype(np.float64)
        return weights

    def learn(self, levels: NDArray[np.float64], losses: NDArray[np.float64]) -> None:
        """Move the law to where the variance of the weighted loss is smaller.

        The second moment is ``integral of losses**2 / density``; at fixed levels drawn
        from the law its gradient is that of ``-(losses / density)**2 log density``.

        Parameters
        ----------
        levels, losses
            Noise levels of a batch and their unweighted losses, (B,).
        """
        places = self._places(levels)
        density = self.network.density(places, self.features)
        squares = (torch.tensor(losses, dtype=torch.float32) / density.detach()) ** 2
        second_moment = -(squares / squares.mean() * density.log()).mean()
        grid = torch.linspace(0, 1, 65)
        bend = self.network.curvature(grid, self._over_grid()).square().mean()
        self.optimizer.zero_grad()
        (second_moment + STIFFNESS * bend).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """Return every tensor that the next step depends on, by name."""
        weights = dict(self.network.named_parameters())
        moments = {
            f"{key}.{name}": self.optimizer.state[weight][key]
            for name, weight in weights.items()
            for key in ("step", "exp_avg", "exp_avg_sq")
            if weight in self.optimizer.state
        }
        return {
            **{f"weight.{name}": w.detach() for name, w in weights.items()},
            **moments,
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put the law where its state was taken."""
        for name, weight in self.network.named_parameters():
            weight.data.copy_(state[f"weight.{name}"])
            keys = ("step", "exp_avg", "exp_avg_sq")
            if f"step.{name}" in state:
                self.optimizer.state[weight] = {
                    key: state[f"{key}.{name}"].clone() for key in keys
                }
