"""A U-Net in the preconditioning of EDM: small, plain, and a denoiser once trained.

The preconditioning is that of Karras et al. (arXiv 2206.00364), Table 1: inputs and
targets of the network have unit variance at every noise level, for pictures of standard
deviation `sigma_data`. Noise levels enter as ``ln(sigma) / 4``, that is as
``-log_snr / 8``. A network may also be told the ends of the noise range of each picture
(Esteves & Makadia, arXiv 2603.19222): it then knows which spectrum to expect.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from spectral_sched.network_configs import GROUP

from .denoisers import per_picture

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.network_configs import NetworkConfig
    from spectral_sched.statistics import Shape

    from .denoisers import Denoiser


class NoiseEmbedding(nn.Module):
    """Features of noise numbers: sines and cosines, then two layers."""

    def __init__(self, num_levels: int, width: int) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.linspace(0, 4, width // 2).exp())
        self.layers = nn.Sequential(
            nn.Linear(num_levels * width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Return features, (B, width), of noise numbers, (B, num_levels)."""
        angles = noise[..., None] * self.frequencies
        waves = torch.cat([angles.sin(), angles.cos()], dim=-1)
        features: Tensor = self.layers(waves.flatten(1))
        return features


class ResidualBlock(nn.Module):
    """Two convolutions whose second normalisation is scaled and shifted by sigma."""

    def __init__(self, width_in: int, width_out: int, width_noise: int) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(max(1, width_in // GROUP), width_in)
        self.conv_in = nn.Conv2d(width_in, width_out, 3, padding=1)
        self.film = nn.Linear(width_noise, 2 * width_out)
        self.norm_out = nn.GroupNorm(max(1, width_out // GROUP), width_out)
        self.conv_out = nn.Conv2d(width_out, width_out, 3, padding=1)
        self.skip = nn.Conv2d(width_in, width_out, 1)
        nn.init.zeros_(self.conv_out.weight)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return (B, width_out, H, W) of (B, width_in, H, W)."""
        inner = self.conv_in(functional.silu(self.norm_in(x)))
        scale, shift = self.film(noise)[:, :, None, None].chunk(2, dim=1)
        inner = self.norm_out(inner) * (1 + scale) + shift
        changed: Tensor = self.skip(x) + self.conv_out(functional.silu(inner))
        return changed


class SelfAttention(nn.Module):
    """One head-per-32-channels attention over all positions of the coarsest level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // 32)
        self.norm = nn.GroupNorm(max(1, width // GROUP), width)
        self.project_in = nn.Conv2d(width, 3 * width, 1)
        self.project_out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.project_out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of the same shape."""
        parts = self.project_in(self.norm(x)).flatten(2).chunk(3, dim=1)
        query, key, value = (
            part.unflatten(1, (self.heads, -1)).transpose(2, 3) for part in parts
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        changed: Tensor = self.project_out(mixed.transpose(2, 3).reshape(x.shape))
        return x + changed


class UNet(nn.Module):
    """Residual blocks down to the coarsest level and up again, with skips between."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths, noise = config.widths, 4 * config.widths[0]
        channels, self.patch = config.image_channels * config.patch**2, config.patch
        self.embed = NoiseEmbedding(3 if config.ends else 1, noise)
        self.conv_in = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.num_blocks = config.num_blocks
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width = widths[0]
        for level in (level for level in widths for _ in range(self.num_blocks)):
            self.down.append(ResidualBlock(width, level, noise))
            width = level
        self.attention = SelfAttention(width)
        self.middle = ResidualBlock(width, width, noise)
        for level in (level for level in widths[::-1] for _ in range(self.num_blocks)):
            self.up.append(ResidualBlock(width + level, level, noise))
            width = level
        self.norm_out = nn.GroupNorm(max(1, width // GROUP), width)
        self.conv_out = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return (B, C, H, W) of pictures and noise numbers, (B, 1 or 3)."""
        noise = self.embed(noise)
        x, skips = self.conv_in(functional.pixel_unshuffle(x, self.patch)), []
        for index, block in enumerate(self.down):
            if index and index % self.num_blocks == 0:
                x = functional.avg_pool2d(x, 2)
            x = block(x, noise)
            skips.append(x)
        x = self.middle(self.attention(x), noise)
        for index, block in enumerate(self.up):
            if index and index % self.num_blocks == 0:
                x = functional.interpolate(x, scale_factor=2.0)
            x = block(torch.cat([x, skips.pop()], dim=1), noise)
        out: Tensor = self.conv_out(functional.silu(self.norm_out(x)))
        return functional.pixel_shuffle(out, self.patch)


class NetworkDenoiser(nn.Module):
    """A U-Net as the denoiser ``denoise(x, sigma)`` of pictures in [-1, 1].

    Attributes
    ----------
    shape, sigma_range
        Of the pictures and noise levels that it was trained on, once it is known.
    """

    def __init__(
        self,
        config: NetworkConfig,
        shape: Shape | None = None,
        sigma_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.config, self.shape, self.sigma_range = config, shape, sigma_range
        self.network = UNet(config)

    def forward(
        self, x: Tensor, sigma: float | Tensor, ends: Tensor | None = None
    ) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma.

        Parameters
        ----------
        ends
            Ends of the noise range of each picture, the lower one first, (B, 2).
        """
        levels = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).expand(len(x))
        level = per_picture(levels)
        data = self.config.sigma_data
        total = (level**2 + data**2) ** 0.5
        inner = self.network(x / total, self._noise(levels, ends))
        denoised: Tensor = x * (data / total) ** 2 + inner * (level * data / total)
        return denoised

    def _noise(self, levels: Tensor, ends: Tensor | None) -> Tensor:
        """Return the noise numbers that the network is told, (B, 1 or 3)."""
        told = [levels[:, None]]
        if self.config.ends is not None:
            if ends is None:
                ends = levels.new_tensor(self.config.ends)
            told.append(ends.to(levels).expand(len(levels), 2))
        return torch.cat(told, dim=1).log() / 4

    def between(self, sigma_min: float | Tensor, sigma_max: float | Tensor) -> Denoiser:
        """Return the denoiser of pictures whose noise ranges end at given levels.

        Parameters
        ----------
        sigma_min, sigma_max
            For all pictures of a batch, or for each, (B,). A network that is not told
            the ends is returned as it is.
        """
        if self.config.ends is None:
            return self
        both = (torch.as_tensor(end).float() for end in (sigma_min, sigma_max))
        return partial(self, ends=torch.stack(list(both), dim=-1))


def in_channels_last(network: NetworkDenoiser) -> NetworkDenoiser:
    """Return a network whose convolutions work on (B, H, W, C) memory, the fastest."""
    # Torch's own types leave this argument out.
    changed: NetworkDenoiser = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return changed
