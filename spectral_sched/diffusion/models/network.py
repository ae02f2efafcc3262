"""A U-Net in the preconditioning of EDM: small, plain, and a denoiser once trained.

Inputs and targets of the network have unit variance at every noise level
(`preconditioning.edm_scales`, Karras et al., arXiv 2206.00364), for images of
standard deviation `sigma_data`. Noise levels enter as ``ln(sigma) / 4``, that is as
``-log_snr / 8``. A network may also be told the ends of the noise range of each image
(Esteves & Makadia, arXiv 2603.19222): it then knows which spectrum to expect. It
may be given a degraded image beside the noisy one, as further channels of its input,
and then restores it (SR3, arXiv 2104.07636; CVDM, arXiv 2312.02246). And it may be told
the class of each image, with one label for none (Ho & Salimans, arXiv 2207.12598).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from spectral_sched.diffusion.devices import to_device
from spectral_sched.errors import UsageError

from .denoiser import per_picture
from .predictions import edm_scales
from .times import quarter_log
from .unet import UNet

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.files.network_config import NetworkConfig
    from spectral_sched.images.pixels import Shape

    from .denoiser import Denoiser


class NetworkDenoiser(nn.Module):
    """A U-Net as the denoiser ``denoise(x, sigma)`` of images in [-1, 1].

    Attributes
    ----------
    shape, sigma_range
        Of the images and noise levels that it was trained on, once it is known.
    """

    def __init__(
        self,
        config: NetworkConfig,
        shape: Shape | None = None,
        sigma_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.config, self.shape, self.sigma_range = config, shape, sigma_range
        self.usual_ends: Tensor
        usual = torch.tensor(config.ends or (1.0, 1.0))
        self.register_buffer("usual_ends", usual, persistent=False)
        self.network = UNet(config)

    def forward(
        self,
        x: Tensor,
        sigma: float | Tensor,
        ends: Tensor | None = None,
        degraded: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma.

        Parameters
        ----------
        ends
            Ends of the noise range of each image, the lower one first, (B, 2).
        degraded
            The images to restore, for a network that restores, (B, C, H, W).
        labels
            The class of each image, (B,), for a network that knows classes; that of
            no class if not given.

        Raises
        ------
        UsageError
            If there are images to restore where none are taken, or none where they
            are.
        """
        # Filled on the device, for a copy from the host would wait for it.
        levels = (
            sigma.to(x).expand(len(x))
            if isinstance(sigma, torch.Tensor)
            else x.new_full((len(x),), sigma)
        )
        skip, out, total = edm_scales(per_picture(levels), self.config.sigma_data)
        scaled = self._beside(x / total, degraded)
        told = (self._ends(levels, ends), self._labels(levels, labels))
        inner: Tensor = self.network(scaled, quarter_log(levels[:, None]), *told)
        return x * skip + inner * out

    def _beside(self, scaled: Tensor, degraded: Tensor | None) -> Tensor:
        """Return the input of the network: with the images to restore, if any."""
        check_given(self, given=degraded is not None)
        if degraded is None:
            return scaled
        return torch.cat([scaled, degraded.to(scaled) / self.config.sigma_data], dim=1)

    def _ends(self, levels: Tensor, ends: Tensor | None) -> Tensor | None:
        """Return logarithms of the ends over the usual ones, (B, 2), if heeded."""
        if self.config.ends is None:
            return None
        ends = self.usual_ends if ends is None else ends
        return (ends.to(levels) / self.usual_ends).log().expand(len(levels), 2)

    def _labels(self, levels: Tensor, labels: Tensor | None) -> Tensor | None:
        """Return the label of each image, (B,), that of no class if none is given."""
        null = self.null_label
        if null is None or labels is not None:
            return labels
        return levels.new_full((len(levels),), null, dtype=torch.long)

    @property
    def heeds_ends(self) -> bool:
        """Whether it was trained with the range of each image."""
        return self.config.ends is not None

    @property
    def recordable(self) -> NetworkDenoiser:
        """The network whose calls may be recorded: all of it."""
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes it knows, by label."""
        return self.config.class_names or ()

    @property
    def num_classes(self) -> int:
        """How many classes it knows, that of no class among them; 0 without names."""
        return len(self.class_names) + 1 if self.class_names else 0

    @property
    def null_label(self) -> int | None:
        """The label of no class, if it knows classes."""
        return self.num_classes - 1 if self.num_classes else None

    def between(self, sigma_min: float | Tensor, sigma_max: float | Tensor) -> Denoiser:
        """Return the denoiser of images whose noise ranges end at given levels.

        Parameters
        ----------
        sigma_min, sigma_max
            For all images of a batch, or for each, (B,). A network that is not told
            the ends does not heed them.
        """
        return Conditioned(self).between(sigma_min, sigma_max)

    def of_class(self, label: int | Tensor) -> Conditioned:
        """Return the denoiser of a class, or of the class of each image, (B,)."""
        return Conditioned(self).of_class(label)


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A network together with what it is told beside the noise level.

    Attributes
    ----------
    ends, degraded, labels
        As `NetworkDenoiser.forward` takes them.
    """

    network: NetworkDenoiser
    ends: Tensor | None = None
    degraded: Tensor | None = None
    labels: Tensor | None = None

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        # One class for all looks like one for each, so that one recording serves both.
        labels = None if self.labels is None else self.labels.expand(len(x))
        told = (self.ends, self.degraded, labels)
        denoised: Tensor = self.network(x, sigma, *told)
        return denoised

    @property
    def sigma_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma the network was trained for, once it is known."""
        return self.network.sigma_range

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that the network knows, by label."""
        return self.network.class_names

    @property
    def num_classes(self) -> int:
        """How many classes the network knows."""
        return self.network.num_classes

    @property
    def null_label(self) -> int | None:
        """The label of no class, if the network knows classes."""
        return self.network.null_label

    def between(
        self, sigma_min: float | Tensor, sigma_max: float | Tensor
    ) -> Conditioned:
        """Return the same told of the ends of noise ranges."""
        ends = [torch.as_tensor(end).float() for end in (sigma_min, sigma_max)]
        return replace(self, ends=self._place(torch.stack(ends, dim=-1)))

    def of_class(self, label: int | Tensor) -> Conditioned:
        """Return the same told of a class, or of the class of each image, (B,)."""
        return replace(self, labels=self._place(torch.as_tensor(label)))

    def _place(self, told: Tensor) -> Tensor:
        """Return what is told where the network is: once, not at every call."""
        return to_device(told, self.network.usual_ends.device)


def check_given(denoise: Denoiser, *, given: bool) -> None:
    """Raise `UsageError` where there are images to restore, or none, and must not."""
    restores = denoise.config.restores if isinstance(denoise, NetworkDenoiser) else None
    if restores is not None and not given:
        message = (
            f"the model restores images ({restores}) and you gave none; name them "
            "with specsched sample --input"
        )
        raise UsageError(message)
    if restores is None and given:
        message = "the model restores no images; leave out --input"
        raise UsageError(message)


def give_degraded(denoise: Denoiser, degraded: Tensor) -> Conditioned:
    """Return a network that restores, given the degraded images of a batch.

    Parameters
    ----------
    degraded
        One per image that is sampled, about [-1, 1], (B, C, H, W).

    Raises
    ------
    UsageError
        If the model does not restore.
    """
    check_given(denoise, given=True)
    return Conditioned(cast("NetworkDenoiser", denoise), degraded=degraded)


def to_channels_last(network: NetworkDenoiser) -> NetworkDenoiser:
    """Lay the weights of a network out as (B, H, W, C), on which it is fastest."""
    # Torch's own types leave this argument out.
    changed: NetworkDenoiser = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return changed
