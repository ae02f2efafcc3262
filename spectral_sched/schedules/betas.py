"""How networks of discrete timesteps were trained: betas, and the levels they make.

The names are those of diffusers too: its ``scaled_linear`` and ``squaredcos_cap_v2``
are ``scaled-linear`` and ``cosine`` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError, check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

NUM_TIMESTEPS = 1000
LARGEST_BETA = 0.999

ENDS: Mapping[str, tuple[float, float]] = {
    "linear": (1e-4, 0.02),
    "scaled-linear": (0.00085, 0.012),
    "cosine": (0.0, LARGEST_BETA),
}
"""First and last beta of DDPM (arXiv 2006.11239), Stable Diffusion and improved DDPM
(arXiv 2102.09672, Eq. 17), which has no ends to choose."""

THEIRS: Mapping[str, str] = {
    "scaled_linear": "scaled-linear",
    "squaredcos_cap_v2": "cosine",
}
"""Names of diffusers that are not ours."""


@dataclass(frozen=True)
class Betas:
    """A beta schedule.

    Attributes
    ----------
    schedule
        ``linear``, ``scaled-linear`` or ``cosine``, or what diffusers calls them.
    num_timesteps
        How many timesteps the network was trained with, 2 or more.
    first, last
        Ends of the betas; None for those in common use.
    zero_snr
        Whether the betas were rescaled so that the last level is noise alone
        (arXiv 2305.08891, Alg. 1).

    Raises
    ------
    UsageError
        If the name is unknown, or the ends are no betas.
    """

    schedule: str = "linear"
    num_timesteps: int = NUM_TIMESTEPS
    first: float | None = None
    last: float | None = None
    zero_snr: bool = False

    def __post_init__(self) -> None:
        check_choice(self.name, ENDS, "beta schedule", "beta_schedule=")
        first, last = self.ends
        if not 0 <= first <= last < 1 or self.num_timesteps < 2:
            message = (
                "betas rise from above 0 to below 1 over 2 timesteps or more, not "
                f"from {first:g} to {last:g} over {self.num_timesteps}; say both ends"
            )
            raise UsageError(message)

    @property
    def name(self) -> str:
        """The schedule by our name."""
        return THEIRS.get(self.schedule, self.schedule)

    @property
    def their_name(self) -> str:
        """The schedule by the name of diffusers."""
        names = {ours: theirs for theirs, ours in THEIRS.items()}
        return names.get(self.name, self.name)

    @property
    def ends(self) -> tuple[float, float]:
        """First and last beta."""
        usual = ENDS[self.name]
        first = usual[0] if self.first is None else self.first
        return first, usual[1] if self.last is None else self.last

    def values(self) -> NDArray[np.float64]:
        """Return beta at each timestep from 0 on, before any rescaling."""
        if self.name == "cosine":
            return cosine_betas(self.num_timesteps)
        power = 0.5 if self.name == "scaled-linear" else 1.0
        first, last = (end**power for end in self.ends)
        return np.asarray(
            np.linspace(first, last, self.num_timesteps) ** (1 / power), np.float64
        )

    def abar(self) -> NDArray[np.float64]:
        """Return the product of ``1 - beta`` up to each timestep from 0 on.

        A last level that is noise alone has no sigma and is left out.
        """
        abar = np.cumprod(1 - self.values())
        if self.zero_snr:
            root = np.sqrt(abar)
            root = (root - root[-1]) * root[0] / (root[0] - root[-1])
            abar = np.square(root)[:-1]
        return np.asarray(abar, np.float64)


def cosine_betas(num_timesteps: int) -> NDArray[np.float64]:
    """Return the betas of the cosine schedule, which has no ends to choose."""
    times = np.arange(num_timesteps + 1) / num_timesteps
    kept = np.cos((times + 0.008) / 1.008 * np.pi / 2) ** 2
    betas: NDArray[np.float64] = np.minimum(1 - kept[1:] / kept[:-1], LARGEST_BETA)
    return betas


def useful_abar(abar: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return abar without last levels at which next to nothing of the image is left.

    These are levels of noise alone, and those that a beta of `LARGEST_BETA` leads to:
    it stands for a beta of 1, and only keeps the cosine schedule from noise alone
    (arXiv 2102.09672, Section 3.2). With 1000 cosine timesteps sigma ends at 642, not
    at 20,291.

    Raises
    ------
    UsageError
        If fewer than two levels are left.
    """
    there = np.asarray(abar[abar > 0], np.float64)
    fallen = 1 - there[1:] / there[:-1] >= LARGEST_BETA * (1 - 1e-9)
    useful = there[: 1 + int(np.argmax(fallen))] if fallen.any() else there
    if len(useful) < 2:
        message = "abar leaves fewer than two levels that hold anything of the image"
        raise UsageError(message)
    return useful
