"""What a training step draws at random: a pure function of the seed and its number.

Every number is drawn by its place (`diffusion.philox`), so that each process draws its
share of a batch and nothing else, and devices draw the same. Noise is drawn on the
device that trains. What there is one number of per image is drawn on the host, which
looks up images and noise levels by it while the device is busy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.diffusion.philox import Draw, Purpose

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class StepDraws:
    """The random numbers of one step, for the share of one process in its batch.

    Attributes
    ----------
    seed, step
        Seed of the training and number of the step, from 0.
    count
        Images of the whole batch, B.
    share
        Places of this process's images in the batch, (R,).
    """

    seed: int
    step: int
    count: int
    share: NDArray[np.int64]

    def chosen(self, num_pictures: int) -> NDArray[np.int64]:
        """Return which images are learned from, (R,), each as likely as any other."""
        places = self._uniforms(Purpose.PICTURES)[self.share] * num_pictures
        return places.astype(np.int64)

    def positions(self) -> NDArray[np.float64]:
        """Return places in the noise law, (R,): one in each of B equal parts of it.

        Which part an image of the batch gets is drawn too.
        """
        order = np.argsort(self._uniforms(Purpose.ORDER), kind="stable")
        inside = self._uniforms(Purpose.LEVELS)
        positions: NDArray[np.float64] = (order + inside) / self.count
        return positions[self.share]

    def among(self, probability: float) -> NDArray[np.bool_]:
        """Return which images, (R,), are among those of a probability."""
        return self._uniforms(Purpose.UNTOLD)[self.share] < probability

    def noise(
        self, shape: tuple[int, ...], device: torch.device, purpose: Purpose
    ) -> Tensor:
        """Return unit noise of images of a shape, (R, *shape) in float32."""
        draw = Draw.of_rows(purpose, self.step, self.seed, self.share)
        return draw.normals(shape, device)

    def _uniforms(self, purpose: Purpose) -> NDArray[np.float64]:
        """Return one number inside (0, 1) per image of the whole batch, (B,)."""
        row = Draw.of_seeds(purpose, self.step, [self.seed])
        drawn: NDArray[np.float64] = row.uniforms(self.count)[0].numpy()
        return drawn
