"""Functions of images, taken of some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

BATCH = 64


def batched(
    function: Callable[[Tensor], Tensor], images: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return what a function of images, (N, C, H, W), gives for each, (N, F)."""
    with torch.inference_mode():
        parts = [
            function(torch.from_numpy(np.asarray(part, dtype=np.float32)))
            for part in np.split(images, range(BATCH, len(images), BATCH))
        ]
        found: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return found
