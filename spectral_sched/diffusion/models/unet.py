"""The layers of the U-Net."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from spectral_sched.files.network_config import GROUP

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.files.network_config import NetworkConfig


class NoiseEmbedding(nn.Module):
    """Features of a noise number: sines and cosines, then two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.linspace(0, 4, width // 2).exp())
        self.layers = nn.Sequential(
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
        )

    def forward(self, noise: Tensor) -> Tensor:
        """Return features, (B, width), of noise numbers, (B, 1)."""
        angles = noise * self.frequencies
        waves = torch.cat([angles.sin(), angles.cos()], dim=-1)
        features: Tensor = self.layers(waves)
        return features


class EndsEmbedding(nn.Sequential):
    """Features of the ends of a noise range, which a fresh network does not heed.

    They are told as ``ln(end / usual end)`` and added to those of the noise level. As
    random features of three numbers they made training slower: the noise level, which
    every image needs, was one part in three of what the network was told.
    """

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width))
        for weights in self[-1].parameters():
            nn.init.zeros_(weights)


class ClassEmbedding(nn.Embedding):
    """Features of a class, which a fresh network does not heed; the last is of none."""

    def __init__(self, num_classes: int, width: int) -> None:
        super().__init__(num_classes + 1, width)
        nn.init.zeros_(self.weight)


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
        self.embed = NoiseEmbedding(noise)
        given = channels if config.restores is None else 2 * channels
        self.conv_in = nn.Conv2d(given, widths[0], 3, padding=1)
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
        # The last to be drawn: all other weights are those of a network without.
        self.embed_ends = EndsEmbedding(noise) if config.ends else None
        names = config.class_names or ()
        self.embed_class = ClassEmbedding(len(names), noise) if names else None

    def forward(
        self,
        x: Tensor,
        noise: Tensor,
        ends: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """Return (B, C, H, W) of what the network is told.

        Parameters
        ----------
        x
            Images, (B, C, H, W), or with those to restore, (B, 2 C, H, W).
        noise, ends
            Noise numbers, (B, 1), and relative ends, (B, 2).
        labels
            Classes, (B,).
        """
        noise = self.embed(noise)
        if self.embed_ends is not None:
            noise = noise + self.embed_ends(ends)
        if self.embed_class is not None:
            noise = noise + self.embed_class(labels)
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
