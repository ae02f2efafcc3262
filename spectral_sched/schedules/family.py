"""What a family of schedules is, and what it may take from a data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .parameters import Parameter, Setting, parameters, quantities
from .schedule import Schedule, check_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.gaussian_field import GaussianField

    from .law import Law


@dataclass(frozen=True, eq=False)
class Basis:
    """What families may take from a data set.

    Attributes
    ----------
    field
        The mean colour and spectrum of the images.
    sigma_min, sigma_max
        Its noise range.
    start
        Whether sampling starts from noise about zero or about the mean colour.
    """

    field: GaussianField
    sigma_min: float
    sigma_max: float
    start: Start = "zero"

    def __post_init__(self) -> None:
        check_range(self.sigma_min, self.sigma_max)

    @property
    def sigma_data(self) -> float:
        """Standard deviation of the pixels."""
        return self.field.sigma_data

    @property
    def side(self) -> float:
        """Longer side of the images in pixels."""
        return float(max(self.field.shape[1:]))

    @property
    def num_values(self) -> int:
        """Numbers per image."""
        return self.field.shape[0] * self.field.num_pixels

    @property
    def frequency(self) -> NDArray[np.float64]:
        """Frequency per ring, (K,)."""
        return self.field.frequency

    @property
    def num_modes(self) -> NDArray[np.int64]:
        """Modes per ring, (K,)."""
        return self.field.num_modes

    @property
    def power(self) -> NDArray[np.float64]:
        """Power per ring about the point where sampling starts, (K,)."""
        about_zero = self.start == "zero"
        return self.field.power_about_zero if about_zero else self.field.power

    @property
    def centred_power(self) -> NDArray[np.float64]:
        """Power per ring about the mean colour, (K,)."""
        return self.field.power


@dataclass(frozen=True)
class FamilyInfo:
    """One family: its name, its law, and which of its parameters are free.

    Attributes
    ----------
    law
        Class of the law.
    preset
        Parameters that the name fixes.
    special_formula
        One line of mathematics, where the name says more than the law.
    """

    name: str
    law: type[Law]
    preset: Mapping[str, Setting] = field(default_factory=dict)
    special_formula: str = ""

    @property
    def formula(self) -> str:
        """One line of mathematics."""
        return self.special_formula or self.law.formula

    @property
    def source(self) -> str:
        """Where it was published."""
        return self.law.source

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Parameters that can be set, by name."""
        return {
            item.name: item
            for item in parameters(self.law)
            if item.name not in self.preset
        }

    def of(self, basis: Basis, settings: Mapping[str, Setting] | None = None) -> Law:
        """Return the law for a data set.

        Raises
        ------
        UsageError
            If a setting is outside its limits.
        """
        values = {
            name: getattr(basis, quantity)
            for name, quantity in quantities(self.law).items()
        }
        return self.law(**values | dict(self.preset) | dict(settings or {}))

    def schedule(
        self, basis: Basis, settings: Mapping[str, Setting] | None = None
    ) -> Schedule:
        """Return the schedule over the law's own range, or that of the data set."""
        law = self.of(basis, settings)
        low, high = law.ends or (basis.sigma_min, basis.sigma_max)
        return Schedule(law, *cut(law, low, high))


def cut(law: Law, low: float, high: float) -> tuple[float, float]:
    """Return the part of a noise range that a law reaches."""
    return (max(low, law.reach[0]), min(high, law.reach[1]))
