"""Noise levels of training batches: which law each picture's level is drawn from.

A level belongs to a position in (0, 1), its place in the law from clean to noisy. The
positions of a batch are stratified, one from each of as many equal parts (VDM, arXiv
2107.00630, appendix I.1), and dealt to the pictures in random order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

from .defaults import TRAINING_LAW, TRAINING_SETTINGS, TRAINING_STEPS
from .errors import known
from .gaussian_field import GaussianField
from .requests import Request
from .schedules import (
    SCHEDULES,
    Basis,
    PolynomialLaw,
    Schedule,
    curriculum_levels,
    cut,
    read_settings,
)
from .schedules.parameters import choice, parameters
from .sigma_bounds import sigma_bounds
from .table_kinds import (
    KINDS,
    KindSettings,
    from_spectrum,
    kind_settings,
    settings_of,
)
from .training_laws import training_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from .plans import PlanSource
    from .schedules import Parameter, Setting
    from .spectra import RingPowers
    from .statistics import Shape

NUM_QUANTILES = 65
"""Points that each picture's own schedule is kept at, log-linear between them."""

OWN_KIND = "mixed"
"""The family of each picture's own schedule, as in arXiv 2603.19222."""

NUM_TIMES = 1025
"""Equally spaced t that a schedule is looked at for draws that are not uniform."""

FINE_LOG_SNR, FINE_SIDE = 2.0, 64
"""Log SNR at which noise counts half for being fine, on pictures of a side.

Kingma & Gao (arXiv 2303.00848), the sigmoid weight; for other sides it is shifted as in
Hoogeboom et al. (arXiv 2301.11093), so that the same detail is swamped.
"""

NOISY = 0.5
"""How much less high noise counts: 1 is the squared error of the noise, 0 EDM's loss.

The sigmoid weight is published for the squared error of the noise. With that, a network
of few steps hardly learned where pictures begin; half of it did better (ours, measured
in docs/laws.md).
"""


class TrainingNoise(Protocol):
    """Where the noise levels of a batch come from."""

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest level that can be drawn."""
        ...

    def seeing(self, features: NDArray[np.float32]) -> TrainingNoise:
        """Return the noise of pictures, (B,), with features, (B, F).

        They are those of the degraded pictures of a batch, where there are any.
        """
        ...

    def levels(
        self,
        positions: NDArray[np.float64],
        pictures: NDArray[np.int64],
        progress: float,
    ) -> NDArray[np.float64]:
        """Return the sigma of each picture of a batch.

        Parameters
        ----------
        positions
            Places in the law from clean to noisy, (B,).
        pictures
            Numbers of the pictures, (B,).
        progress
            Share of the training that is done.
        """
        ...

    def ends(self, pictures: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the lower and upper end of each picture's noise range, (B, 2)."""
        ...

    def weights(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what losses at noise levels are multiplied by, (B,)."""
        ...

    @property
    def learns(self) -> bool:
        """Whether the law changes with the losses."""
        ...

    def learn(self, levels: NDArray[np.float64], losses: NDArray[np.float64]) -> None:
        """Take note of the unweighted losses of a batch, (B,)."""
        ...


class GivenNoise:
    """A law that is the objective itself: all its draws count alike, for good."""

    learns: ClassVar[bool] = False

    def seeing(self, features: NDArray[np.float32]) -> Self:
        """Return the noise of pictures with features: the same for all."""
        del features
        return self

    def weights(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what losses at noise levels are multiplied by, (B,)."""
        return np.ones_like(levels)

    def learn(self, levels: NDArray[np.float64], losses: NDArray[np.float64]) -> None:
        """Take note of the unweighted losses of a batch, (B,)."""


@dataclass(frozen=True)
class CommonNoise(GivenNoise):
    """One schedule's law for all pictures.

    Polynomial noise has fewer predefined levels early in the training (the sinusoidal
    curriculum of arXiv 2404.06353).
    """

    schedule: Schedule

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest level that can be drawn."""
        return (self.schedule.sigma_min, self.schedule.sigma_max)

    def levels(
        self,
        positions: NDArray[np.float64],
        pictures: NDArray[np.int64],
        progress: float,
    ) -> NDArray[np.float64]:
        """Return the sigma of each picture of a batch."""
        del pictures
        law = self.schedule.law
        if isinstance(law, PolynomialLaw):
            law = replace(law, num_levels=curriculum_levels(progress))
        log_snr = law.drawn(self.schedule.quantile(1 - positions))
        return np.exp(log_snr / -2)

    def ends(self, pictures: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the lower and upper end of each picture's noise range, (B, 2)."""
        return np.tile(self.reach, (len(pictures), 1))


@dataclass(frozen=True, eq=False)
class OwnNoise(GivenNoise):
    """Each picture's own spectral schedule (arXiv 2603.19222), t uniform.

    Attributes
    ----------
    log_sigma
        Ln sigma of every picture at equally spaced t, ascending, (M, Q).
    own_ends
        Noise range of every picture, (M, 2).
    """

    log_sigma: NDArray[np.float32]
    own_ends: NDArray[np.float64]

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest level that can be drawn."""
        low, high = np.exp([self.log_sigma.min(), self.log_sigma.max()])
        return (float(low), float(high))

    def levels(
        self,
        positions: NDArray[np.float64],
        pictures: NDArray[np.int64],
        progress: float,
    ) -> NDArray[np.float64]:
        """Return the sigma of each picture of a batch."""
        del progress
        rows = self.log_sigma[pictures].astype(np.float64)
        place = positions * (rows.shape[1] - 1)
        below = np.minimum(place.astype(np.int64), rows.shape[1] - 2)
        low, high = (
            np.take_along_axis(rows, index[:, None], axis=1)[:, 0]
            for index in (below, below + 1)
        )
        sigma: NDArray[np.float64] = np.exp(low + (place - below) * (high - low))
        return sigma

    def ends(self, pictures: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the lower and upper end of each picture's noise range, (B, 2)."""
        return self.own_ends[pictures]


def own_noise(
    powers: Iterable[RingPowers],
    shape: Shape,
    ends: tuple[float, float],
    sigma_data: float | None = None,
) -> OwnNoise:
    """Return the law in which every picture has the schedule of its own spectrum.

    Parameters
    ----------
    powers
        Spectrum of each picture, not centred.
    ends
        Noise range of the data set, which no picture's own leaves.
    sigma_data
        Standard deviation of the pictures. With it, t is drawn as often as its noise
        level counts, see `focus`; else uniformly.
    """
    places = np.linspace(0, 1, NUM_QUANTILES)
    rows, own_ends = [], []
    for power in powers:
        field = _field_of(power, shape)
        own_ends.append(_own_ends(field, ends))
        schedule, times = own_schedule(field, own_ends[-1]), places
        if sigma_data is not None:
            times = _drawn_times(schedule, places, shape, sigma_data)
        rows.append(np.log(schedule(times)))
    return OwnNoise(np.array(rows, dtype=np.float32), np.array(own_ends))


def _drawn_times(
    schedule: Schedule, places: NDArray[np.float64], shape: Shape, sigma_data: float
) -> NDArray[np.float64]:
    """Return the quantiles of t, drawn as often as its noise level counts."""
    times = np.linspace(0, 1, NUM_TIMES)
    counts = focus(schedule((times[1:] + times[:-1]) / 2), shape, sigma_data)
    below = np.concatenate([[0.0], np.cumsum(counts)])
    return np.interp(places, below / below[-1], times)


def focus(
    sigma: NDArray[np.float64], shape: Shape, sigma_data: float
) -> NDArray[np.float64]:
    """Return how much noise levels count in training beside EDM's loss.

    Networks learn noise too fine to be seen, or so strong that little is left to see,
    from few pictures.

    Parameters
    ----------
    shape
        Of the pictures, (C, H, W).
    sigma_data
        Their standard deviation.
    """
    side = np.sqrt(shape[1] * shape[2])
    fine = np.exp(-FINE_LOG_SNR / 2) * side / FINE_SIDE
    found: NDArray[np.float64] = (sigma**2 / (sigma**2 + fine**2)) * (
        sigma_data**2 / (sigma_data**2 + sigma**2)
    ) ** NOISY
    return found


def own_schedule(field: GaussianField, ends: tuple[float, float]) -> Schedule:
    """Return the schedule of one picture's own spectrum between the ends of its range.

    A picture of one colour everywhere has no spectrum to follow; its schedule is
    log-uniform.
    """
    if _detailed(field):
        law = SCHEDULES[OWN_KIND].of(Basis(field, *ends))
        low, high = cut(law, *ends)
        if low < high:
            return Schedule(law, low, high)
    return Schedule(SCHEDULES["exponential"].law(), *ends)


def _detailed(field: GaussianField) -> bool:
    return bool(field.power[1:].max(initial=0.0) > np.finfo(np.float32).eps ** 2)


def _own_ends(field: GaussianField, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the range of one picture inside that of the data set, if they meet."""
    if not _detailed(field):
        return ends
    bounds = sigma_bounds(field)
    low, high = max(bounds.sigma_min, ends[0]), min(bounds.sigma_max, ends[1])
    return (low, high) if low < high else ends


def _field_of(powers: RingPowers, shape: Shape) -> GaussianField:
    """Return the model of one picture, its brightness not removed.

    The power of a single picture does not fall steadily, and that of its mean may be
    next to nothing; a ring counts as strong as the strongest one of finer detail.
    """
    envelope = np.maximum.accumulate(powers.power[::-1])[::-1]
    cross_power = envelope[:, None, None] * np.eye(shape[0])
    return GaussianField(shape, np.zeros(shape[0]), cross_power)


OWN = "spectral"
"""The law in which every picture has the schedule of its own spectrum."""

LEARNED = "learned"
"""The law that is learned together with the denoiser."""


@dataclass(frozen=True, kw_only=True)
class OwnSettings(KindSettings):
    """What can be set for the law of each picture's own schedule."""

    draws: str = choice("focused", ("focused", "uniform"), "how often each t is drawn")


OWN_PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    OWN: {item.name: item for item in parameters(OwnSettings)},
    LEARNED: {},
}
"""What can be set for laws that are no kinds of tables, by law and name."""


def law_settings(name: str, texts: Sequence[str]) -> dict[str, Setting]:
    """Return the settings of a law that ``name=value`` texts stand for.

    Raises
    ------
    UsageError
        If there is no such law or parameter, or a value is none.
    """
    known(name, (*OWN_PARAMETERS, *filter(from_spectrum, KINDS)), "law", "--law")
    if name in OWN_PARAMETERS:
        return read_settings(name, OWN_PARAMETERS[name], texts, noun="law")
    return kind_settings(name, texts)


def chosen_law(
    name: str | None, texts: Sequence[str]
) -> tuple[str, dict[str, Setting]]:
    """Return a law and its settings: those asked for, else those that did best.

    Raises
    ------
    UsageError
        If there is no such law or parameter, or a value is none.
    """
    if name is not None:
        return name, law_settings(name, texts)
    wide = law_settings(TRAINING_LAW, TRAINING_SETTINGS)
    return TRAINING_LAW, wide | law_settings(TRAINING_LAW, texts)


def training_noise(
    name: str,
    settings: Mapping[str, Setting],
    source: PlanSource,
    powers: Callable[[], Iterable[RingPowers]],
) -> TrainingNoise:
    """Return the noise that a law's name stands for on a data set.

    Parameters
    ----------
    powers
        Gives the spectrum of each picture, not centred; asked only if it is needed.
    """
    if name == OWN:
        bounds, field = source.bounds, source.planning.field
        ends = (bounds.sigma_min, bounds.sigma_max)
        focused = settings_of(OwnSettings, settings).draws == "focused"
        sigma_data = field.sigma_data if focused else None
        return own_noise(powers(), field.shape, ends, sigma_data)
    wanted = Request(settings=settings, num_steps=TRAINING_STEPS)
    return CommonNoise(training_schedule(source, name, wanted))
