"""Noise levels of training batches: which law each image's level is drawn from.

A level belongs to a position in (0, 1), its place in the law from clean to noisy. The
positions of a batch are stratified, one from each of as many equal parts (VDM, arXiv
2107.00630, appendix I.1), and dealt to the images in random order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

from spectral_sched.defaults import TRAINING_LAW, TRAINING_SETTINGS, TRAINING_STEPS
from spectral_sched.errors import check_choice
from spectral_sched.planning.kinds.kind import KindSettings, settings_of
from spectral_sched.planning.kinds.registry import (
    KINDS,
    from_spectrum,
    parse_kind_settings,
)
from spectral_sched.planning.request import TableRequest
from spectral_sched.planning.training_law import LEARNED, OWN, training_schedule
from spectral_sched.schedules import (
    PolynomialLaw,
    Schedule,
    curriculum_levels,
    read_settings,
)
from spectral_sched.schedules.parameters import choice, parameters

from .per_image_law import focused_times, own_field, own_range, own_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from spectral_sched.images.pixels import Shape
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.schedules import Parameter, Setting
    from spectral_sched.spectra.periodogram import RingPowers


NUM_QUANTILES = 65
"""Positions that each image's own law is kept at, log-linear between them."""


class TrainingNoise(Protocol):
    """Where the noise levels of a batch come from."""

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest level that can be drawn."""
        ...

    def seeing(self, features: NDArray[np.float32]) -> TrainingNoise:
        """Return the noise of images, (B,), with features, (B, F).

        They are those of the degraded images of a batch, where there are any.
        """
        ...

    def levels(
        self,
        positions: NDArray[np.float64],
        pictures: NDArray[np.int64],
        progress: float,
    ) -> NDArray[np.float64]:
        """Return the sigma of each image of a batch.

        Parameters
        ----------
        positions
            Places in the law from clean to noisy, (B,).
        pictures
            Numbers of the images, (B,).
        progress
            Share of the training that is done.
        """
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
        """Return the noise of images with features: the same for all."""
        del features
        return self

    def weights(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what losses at noise levels are multiplied by, (B,)."""
        return np.ones_like(levels)

    def learn(self, levels: NDArray[np.float64], losses: NDArray[np.float64]) -> None:
        """Take note of the unweighted losses of a batch, (B,)."""


@dataclass(frozen=True)
class CommonNoise(GivenNoise):
    """One schedule's law for all images.

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
        """Return the sigma of each image of a batch."""
        del pictures
        law = self.schedule.law
        if isinstance(law, PolynomialLaw):
            law = replace(law, num_levels=curriculum_levels(progress))
        log_snr = law.drawn(self.schedule.quantile(1 - positions))
        return np.exp(log_snr / -2)


@dataclass(frozen=True, eq=False)
class OwnNoise(GivenNoise):
    """Each image's own spectral schedule (arXiv 2603.19222).

    Attributes
    ----------
    log_sigma
        Ln sigma of every image at equally spaced positions, ascending, (M, Q).
    own_ends
        Noise range of every image, (M, 2).
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
        """Return the sigma of each image of a batch."""
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


def own_ranges(
    powers: Iterable[RingPowers], shape: Shape, ends: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the ends of the noise range of every image, (M, 2).

    Parameters
    ----------
    powers, ends
        As for `own_noise`.
    """
    return np.array([own_range(own_field(power, shape), ends) for power in powers])


def own_noise(
    powers: Iterable[RingPowers],
    shape: Shape,
    ends: tuple[float, float],
    sigma_data: float | None = None,
) -> OwnNoise:
    """Return the law in which every image has the schedule of its own spectrum.

    Parameters
    ----------
    powers
        Spectrum of each image, not centred.
    ends
        Noise range of the data set, which no image's own leaves.
    sigma_data
        Standard deviation of the images. With it, t is drawn as often as its noise
        level counts, see `per_image_law.focus`; else uniformly.
    """
    positions = np.linspace(0, 1, NUM_QUANTILES)
    rows, own_ends = [], []
    for power in powers:
        field = own_field(power, shape)
        own_ends.append(own_range(field, ends))
        schedule, times = own_schedule(field, own_ends[-1]), positions
        if sigma_data is not None:
            times = focused_times(schedule, positions, shape, sigma_data)
        rows.append(np.log(schedule(times)))
    return OwnNoise(np.array(rows, dtype=np.float32), np.array(own_ends))


@dataclass(frozen=True, kw_only=True)
class OwnSettings(KindSettings):
    """What can be set for the law of each image's own schedule."""

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
    check_choice(name, (*OWN_PARAMETERS, *filter(from_spectrum, KINDS)), "law", "--law")
    if name in OWN_PARAMETERS:
        return read_settings(name, OWN_PARAMETERS[name], texts, noun="law")
    return parse_kind_settings(name, texts)


def parse_law(name: str | None, texts: Sequence[str]) -> tuple[str, dict[str, Setting]]:
    """Return a law and its settings: those asked for, else the usual ones.

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
    data_set: DataSet,
    powers: Callable[[], Iterable[RingPowers]],
) -> TrainingNoise:
    """Return the noise that a law's name stands for on a data set.

    Parameters
    ----------
    powers
        Gives the spectrum of each image, not centred; asked only if it is needed.
    """
    if name == OWN:
        bounds, field = data_set.bounds, data_set.power.field
        ends = (bounds.sigma_min, bounds.sigma_max)
        focused = settings_of(OwnSettings, settings).draws == "focused"
        sigma_data = field.sigma_data if focused else None
        return own_noise(powers(), field.shape, ends, sigma_data)
    request = TableRequest(settings=settings, num_steps=TRAINING_STEPS)
    return CommonNoise(training_schedule(data_set, name, request))
