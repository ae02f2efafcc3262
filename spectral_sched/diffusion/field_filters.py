"""Linear maps of pictures that treat every Fourier mode of a Gaussian field alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.spectra.rings import rings

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.spectra.gaussian_field import GaussianField


class FieldFilter:
    """A scaling of modes in the axes that decorrelate the colours of their ring.

    In these axes the modes of a stationary field are independent, so whatever turns
    one such field into another is a factor for each.

    Parameters
    ----------
    field
        Cross-channel power per ring, and the size of the pictures.
    device, dtype
        Where and in which real type it works.

    Attributes
    ----------
    power
        Power of each mode in each axis, (C, H, W // 2 + 1).
    """

    def __init__(
        self, field: GaussianField, device: torch.device, dtype: torch.dtype
    ) -> None:
        power, axes, _ = field.color_axes
        index = rings(*field.shape[1:]).index
        real = torch.zeros((), device=device, dtype=dtype)
        self.size = field.shape[1:]
        self.power = real.new_tensor(power.clip(0)[index]).permute(2, 0, 1)
        axes_of_modes = real.new_tensor(axes[index]).permute(2, 3, 0, 1)
        self.axes = axes_of_modes.to(dtype.to_complex())

    def __call__(self, x: Tensor, factor: Tensor) -> Tensor:
        """Return pictures, (B, C, H, W), with each mode times its factor.

        Parameters
        ----------
        factor
            (C, H, W // 2 + 1), or one of those per picture.
        """
        modes = torch.fft.rfft2(x, norm="ortho")
        turned = torch.einsum("cahw,bchw->bahw", self.axes, modes)
        back = torch.einsum("cahw,bahw->bchw", self.axes, turned * factor)
        filtered: Tensor = torch.fft.irfft2(back, s=self.size, norm="ortho")
        return filtered
