"""What a table is wanted for, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast, get_args

import numpy as np

from spectral_sched.defaults import AUTO_START, NUM_STEPS, SAMPLER
from spectral_sched.errors import UsageError, check_choice
from spectral_sched.schedules import Setting, Terminal, check_range
from spectral_sched.schedules.coordinates import convert
from spectral_sched.solvers.registry import SAMPLERS, sampler_named
from spectral_sched.spectra.bounds import Start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.spectra.bounds import SigmaBounds

MAX_STEPS = 1000


@dataclass(frozen=True)
class NoiseLimits:
    """Wishes about the noise range of a table.

    Attributes
    ----------
    sigma_min, sigma_max
        Ends to use in place of those of the data set.
    start_sigma
        Level that the first step starts from, for images that are not noised to the
        top. All steps lie below it.
    strength
        The same as a share from 0 to 1: the flow time ``sigma / (1 + sigma)`` of the
        start, which is the share of noise in the mixture, as a part of that of
        sigma_max. It means the same noise whatever the kind and the number of steps.
    floor
        Level that no step may start below, since it would not arrive
        (`schedules.FlowModel.lowest_sigma`).
    from_top
        Whether a table begins at the upper end, though kinds that choose their first
        level might begin lower.
    """

    sigma_min: float | None = None
    sigma_max: float | None = None
    start_sigma: float | None = None
    strength: float | None = None
    floor: float = 0.0
    from_top: bool = False

    def __post_init__(self) -> None:
        if self.sigma_min is not None and 0 < self.sigma_min < self.floor:
            message = (
                f"--sigma-min {self.sigma_min:g} is below {self.floor:.4g}, where steps"
                " of the model stop arriving (t_eps); leave it out"
            )
            raise UsageError(message)
        if self.start_sigma is not None and self.strength is not None:
            message = "--start-sigma and --strength say the same thing; leave one out"
            raise UsageError(message)
        if self.strength is not None and not 0 < self.strength <= 1:
            message = f"--strength must be above 0 and at most 1, not {self.strength:g}"
            raise UsageError(message)

    @property
    def partial(self) -> bool:
        """Whether sampling starts from images with noise, not from noise alone."""
        return self.start_sigma is not None or self.strength is not None

    def ends(self, bounds: SigmaBounds, start: Start) -> tuple[float, float]:
        """Return the noise range of a data set, or what is wished instead."""
        return self.replaced((bounds.sigma_min, bounds.top(start)))

    def replaced(self, ends: tuple[float, float]) -> tuple[float, float]:
        """Return a noise range with the ends that are wished.

        Raises
        ------
        UsageError
            If what is wished is no range.
        """
        low = max(ends[0], self.floor) if self.sigma_min is None else self.sigma_min
        high = ends[1] if self.sigma_max is None else self.sigma_max
        if low == self.floor >= high:
            message = (
                f"steps of the model stop arriving at sigma {low:.4g} (t_eps), and the "
                f"table would begin at {high:.4g}; raise --sigma-max or correct "
                "noise_scale and t_eps"
            )
            raise UsageError(message)
        check_range(low, high)
        return (low, high)

    def first(self, ends: tuple[float, float]) -> float | None:
        """Return the level that a table inside a noise range shall start from.

        Raises
        ------
        UsageError
            If it is not inside the range.
        """
        if not self.partial:
            return None
        first, flag = self.start_sigma, "--start-sigma"
        if first is None:
            time = float(self.strength or 0) * convert(ends[1], "sigma", "flow_time")
            first, flag = float(convert(time, "flow_time", "sigma")), "--strength"
        # The way to flow time and back may leave the top a rounding above itself.
        if np.isclose(first, ends[1], rtol=1e-12):
            return ends[1]
        if not ends[0] < first < ends[1]:
            message = (
                f"{flag} asks for a start at sigma {first:.4g}, outside the range from "
                f"{ends[0]:.4g} to {ends[1]:.4g}; choose one inside it"
            )
            raise UsageError(message)
        return first


@dataclass(frozen=True)
class TableRequest:
    """What a table is wanted for.

    Attributes
    ----------
    sampler
        Name of the solver that will step through the table.
    num_steps
        Number of steps, 1 to 1000.
    start
        Whether sampling starts from noise about zero or about the mean colour, or from
        noise with the measured spectrum.
    settings
        Parameters of the kind that are not left at their defaults.
    limits
        Wishes about the noise range.
    terminal
        Where the last step starts from; None leaves it to the kind.

    Raises
    ------
    UsageError
        If a name is unknown, or the number of steps out of range.
    """

    sampler: str = SAMPLER
    num_steps: int = NUM_STEPS
    start: Start = "zero"
    settings: Mapping[str, Setting] = field(default_factory=dict)
    limits: NoiseLimits = field(default_factory=NoiseLimits)
    terminal: Terminal | None = None

    def __post_init__(self) -> None:
        check_choice(self.sampler, SAMPLERS, "sampler", "--sampler")
        check_choice(self.start, get_args(Start), "start", "--start")
        if self.terminal is not None:
            check_choice(self.terminal, get_args(Terminal), "terminal", "--terminal")
        if not 1 <= self.num_steps <= MAX_STEPS:
            limits = f"from 1 to {MAX_STEPS}, not {self.num_steps}"
            message = f"--steps must be {limits}; ask for 8"
            raise UsageError(message)

    @classmethod
    def of(
        cls,
        sampler: str,
        num_steps: int,
        start: str,
        *,
        settings: Mapping[str, Setting] | None = None,
        limits: NoiseLimits | None = None,
        terminal: str | None = None,
    ) -> TableRequest:
        """Return the request that names from outside stand for."""
        return cls(
            sampler_named(sampler),
            num_steps,
            cast("Start", "zero" if start == AUTO_START else start),
            settings or {},
            limits or NoiseLimits(),
            cast("Terminal | None", terminal),
        )
