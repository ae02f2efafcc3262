"""The convention of others, for those who change to this one.

`pysteps_rapsd` gives what ``pysteps.utils.spectral.rapsd`` gives. Power has the same
normalisation as here, ``abs(F)**2 / (M * N)``, so that white noise reads its variance;
on square images all rings below 0.5 cycles per pixel are the same. It differs from
`spectral_sched.spectra.periodogram.ring_powers` in three ways:

- The radius counts modes, not cycles per pixel. On an image that is not square, a
  ring is an ellipse in frequency and mixes frequencies of different lengths.
- Rings end below the Nyquist frequency: the corners, a fifth of all modes, are left
  out, as is the ring at 0.5 of an even side, so that Parseval's theorem does not hold.
- Ring 0 is in the same list as the others; it is the squared sum of the image over
  its number of pixels and not a variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pysteps_rapsd(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the radially averaged power of an image as pysteps defines it.

    Parameters
    ----------
    image
        Pixels of shape (M, N).

    Returns
    -------
    Mean of ``abs(F)**2 / (M * N)`` over the modes whose distance from the mean, in
    modes and rounded, is 0, 1, ... below half of the longer side.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (256, 256))
    >>> round(float(np.median(pysteps_rapsd(noise))), 2)
    0.25
    """
    if image.ndim != 2 or not np.all(np.isfinite(image)):
        message = f"an image of finite pixels (M, N) is needed, not {image.shape}"
        raise ValueError(message)
    height, width = image.shape
    rows = np.fft.fftfreq(height, 1 / height)[:, None]
    columns = np.fft.fftfreq(width, 1 / width)[None, :]
    ring = np.rint(np.hypot(rows, columns)).astype(np.int64)
    power = np.abs(np.fft.fft2(image, norm="ortho")) ** 2
    kept = slice((max(height, width) + 1) // 2)
    sums = np.bincount(ring.ravel(), power.ravel())[kept]
    rapsd: NDArray[np.float64] = sums / np.bincount(ring.ravel())[kept]
    return rapsd
