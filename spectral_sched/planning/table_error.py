"""What a table gets wrong on the images of a data set: the objective of `optimal`.

Images are a scale mixture (`scale_mixture`). Every node is played from its start to the
end and compared with where the exact flow takes the same noise from the highest level
there is. That is what is measured on networks too: the distance of samples from those
of a fine reference that starts from the same noise.

A solver that adds fresh noise has no such reference, and is judged as what it is with
its noise turned off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.solvers.recurrence import Play
from spectral_sched.solvers.registry import SAMPLERS

from .scale_mixture import image_bands, scale_mixture

if TYPE_CHECKING:
    from spectral_sched.schedules.table import SigmaTable
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.power_distribution import PowerDistribution

    from .scale_mixture import Floats, Numbers, ScaleMixture


@dataclass(frozen=True, eq=False)
class TableError:
    """The error of tables of one solver on a data set.

    Attributes
    ----------
    mixture
        The images.
    sampler
        Name of the solver.
    start
        Where sampling starts; None for images that were given noise.
    top
        Highest level that sampling could start from.
    """

    mixture: ScaleMixture
    sampler: str
    start: Start | None
    top: float

    def __call__(self, sigmas: Numbers) -> Numbers:
        """Return the errors of nodes, (M, B), in units of the pixels.

        Their squares sum to the squared error of the table.

        Parameters
        ----------
        sigmas
            (N + 1, B) with the final 0, real or complex. Real parts are those of one
            table, imaginary parts small steps to differentiate along.
        """
        levels = list(np.asarray(sigmas))
        run: Play[Numbers] = Play(self._begun(levels[0]), _no_noise)
        solver = SAMPLERS[self.sampler]
        for call in (solver.flow or solver.calls)(levels):
            run.take(call, self.mixture.denoise(run.point, call.sigma))
        return (run.state - self._wanted[:, None]) * self._share[:, None]

    def _begun(self, first: Numbers) -> Numbers:
        mixture, unit = self.mixture, self.mixture.unit[:, None]
        if self.start is None:
            return mixture.exact(float(first[0].real))[:, None] + 0 * first
        if self.start == "spectral":
            size = unit * np.sqrt(mixture.power[:, None] + first**2)
            return mixture.mean[:, None] + size
        return unit * first

    @cached_property
    def _wanted(self) -> Floats:
        """Where the exact flow takes the nodes, (M,)."""
        if self.start in {None, "spectral"}:
            return self.mixture.exact(0.0)
        return self.mixture.end_from(self.top * self.mixture.unit, self.top)

    @cached_property
    def of_start(self) -> Floats:
        """What even the highest start gets wrong, (M,): no table can mend it."""
        return (self._wanted - self.mixture.exact(0.0)) * self._share

    @cached_property
    def _share(self) -> Floats:
        share: Floats = np.sqrt(self.mixture.weight / self.mixture.weight.sum())
        return share


def table_error(
    distribution: PowerDistribution, sampler: str, start: Start | None, top: float
) -> TableError:
    """Return the error of tables of a solver on a data set.

    The parameters are attributes of `TableError`.
    """
    bands = image_bands(distribution, about_mean=start == "mean")
    return TableError(scale_mixture(bands), sampler, start, top)


def errors_of(errors: TableError, table: SigmaTable) -> Floats:
    """Return the errors of a table, (M,)."""
    sigmas = np.array(table.sigmas, complex)[:, None]
    found: Floats = errors(sigmas)[:, 0].real
    return found


def total_error(errors: TableError, table: SigmaTable) -> float:
    """Return the root mean square error of a table over all modes, in pixel units."""
    return float(np.sqrt(np.sum(errors_of(errors, table) ** 2)))


def _no_noise() -> Numbers:
    message = "no call asks for noise here"
    raise TypeError(message)
