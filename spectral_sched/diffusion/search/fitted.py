"""Fitted: the table of least error on a network, by least squares through the sampler.

The samples of a table differ from those of a fine teacher from the same noise, and that
difference depends smoothly on a few levels: Gauss-Newton steps in ln sigma, kept to a
box around the levels (`scipy.optimize.lsq_linear`), find the least sum of squares in a
handful of tables (ours). Few images make most of the error, so starts count for more
than exact slopes do: slopes are taken once, by forward differences, and then mended
with what each table that is tried tells of them (Broyden, Mathematics of Computation
19, 1965). A level that moves changes nothing before it, so those calls are not made
again, which leaves about half of them.

The search begins at the optimal table, and what it returns is the best on starts that
it was not fitted to: the optimal table itself, if nothing else is better.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.planning.search import PRECISION, SHORTEST_STEP
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.recurrence import Play
from spectral_sched.solvers.registry import solver_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.solvers.recurrence import Call

    from .counting import CountingDenoiser

STEP = 0.01
"""Difference in ln sigma that slopes are taken over."""


def fitted_table(
    played: PlayedTables,
    near: SigmaTable,
    ends: tuple[float, float],
    iterations: int,
) -> SigmaTable:
    """Return the table whose samples differ least from the teacher's.

    Parameters
    ----------
    near
        Table that the search begins at.
    ends
        Lowest and highest level allowed.
    iterations
        Tables that are tried at most.
    """
    share, table, wrong = 1.0, near, played.differences(near)
    slopes = played.slopes(table)
    for _ in range(iterations):
        tried = _step(table, wrong, slopes, level_reach(table, ends, share))
        if tried == table:
            break
        found = played.differences(tried)
        slopes = _mended(
            slopes, np.log(tried.levels) - np.log(table.levels), found - wrong
        )
        before, after = wrong @ wrong, found @ found
        if after < before:
            table, wrong, share = tried, found, min(1.0, 2 * share)
        else:
            share /= 4
        if share < PRECISION or abs(before - after) <= PRECISION * before:
            break
    return table


def _step(
    table: SigmaTable,
    wrong: NDArray[np.float64],
    slopes: NDArray[np.float64],
    reach: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> SigmaTable:
    """Return the table that linear differences would be least at, within reach."""
    from scipy.optimize import lsq_linear

    logs = np.log(table.levels)
    low, high = reach
    found = lsq_linear(slopes, -wrong, (low - logs, high - logs))
    return SigmaTable.of(np.exp(np.clip(logs + found.x, low, high)))


def _mended(
    slopes: NDArray[np.float64],
    step: NDArray[np.float64],
    change: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the nearest slopes that foretell a change over a step (Broyden)."""
    missed = change - slopes @ step
    found: NDArray[np.float64] = slopes + np.outer(missed, step / (step @ step))
    return found


def level_reach(
    table: SigmaTable, ends: tuple[float, float], share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how low and how high ln sigma of each level may go, (N,) each.

    Levels go up to nearly half the way to their neighbours, the first and the last to
    the ends, so they stay in order, and gaps shrink to `SHORTEST_STEP` of theirs.

    Parameters
    ----------
    share
        Of that way, from 0 to 1.

    Examples
    --------
    >>> low, high = level_reach(SigmaTable.of([8.0, 2.0]), (0.1, 80.0), 1.0)
    >>> np.exp(low).round(2).tolist(), np.exp(high).round(2).tolist()
    ([4.29, 0.1], [80.0, 3.73])
    """
    logs = np.log(table.levels)
    half = -np.diff(logs) * (1 - SHORTEST_STEP) / 2
    below = np.append(half, max(logs[-1] - np.log(ends[0]), 0))
    above = np.append(max(np.log(ends[1]) - logs[0], 0), half)
    return logs - share * below, logs + share * above


@dataclass(eq=False)
class PlayedTables:
    """Tables played on a model from some starts, beside the samples of a teacher.

    Attributes
    ----------
    denoise, sampler
        The model, which is asked in batches that it has the memory for, and a solver
        of the flow.
    noise, taught
        Unit noise of the starts and the teacher's samples of it, (S, C, H, W).
    """

    denoise: CountingDenoiser
    sampler: str
    noise: Tensor
    taught: Tensor
    _table: SigmaTable | None = None
    _calls: Sequence[Call] = ()
    _before: list[Play[Tensor]] = field(default_factory=list)
    _seen: list[Tensor] = field(default_factory=list)

    def differences(self, table: SigmaTable) -> NDArray[np.float64]:
        """Return what samples are wrong by, (S * C * H * W,), their squares a mean."""
        if table != self._table:
            self._play(table)
        return self._wrong(self._before[-1].state)

    def slopes(self, table: SigmaTable) -> NDArray[np.float64]:
        """Return how that changes with ln sigma of each level, (S * C * H * W, N)."""
        here, places = self.differences(table), range(table.num_steps)
        moved = np.stack([self._moved(table, place) for place in places], axis=1)
        return np.asarray((moved - here[:, None]) / STEP)

    @torch.inference_mode()
    def _play(self, table: SigmaTable) -> None:
        """Play a table, and keep what was seen and where the solver was."""
        calls = solver_calls(self.sampler, table.sigmas)
        run = self._start(table.sigmas[0])
        self._before, self._seen = [run], []
        for call in calls:
            run = copy.copy(run)
            self._seen.append(self.denoise.many(run.point, call.sigma))
            run.take(call, self._seen[-1])
            self._before.append(run)
        self._table, self._calls = table, calls

    def _start(self, first: float) -> Play[Tensor]:
        return Play(first * self.noise, self._no_noise)

    @torch.inference_mode()
    def _moved(self, table: SigmaTable, place: int) -> NDArray[np.float64]:
        """Return the differences with one level a step higher."""
        sigmas = np.array(table.sigmas)
        sigmas[place] *= np.exp(STEP)
        calls = solver_calls(self.sampler, [float(sigma) for sigma in sigmas])
        same = _num_equal(calls, self._calls) if place else 0
        run = copy.copy(self._before[same]) if place else self._start(sigmas[0])
        denoise = self.denoise.many
        for number, call in enumerate(calls[same:], same):
            # The first call that differs may do so only in what follows from it.
            known = number == same and call.sigma == self._calls[same].sigma
            run.take(
                call, self._seen[same] if known else denoise(run.point, call.sigma)
            )
        return self._wrong(run.state)

    def _wrong(self, samples: Tensor) -> NDArray[np.float64]:
        wrong = (samples - self.taught).double().flatten().cpu().numpy()
        return np.asarray(wrong / np.sqrt(wrong.size))

    @staticmethod
    def _no_noise() -> Tensor:
        message = "a solver of the flow asked for noise"
        raise TypeError(message)


def _num_equal(calls: Sequence[Call], others: Sequence[Call]) -> int:
    """Return how many calls at the beginning are the same."""
    pairs = zip(calls, others, strict=True)
    return next(
        (number for number, (one, other) in enumerate(pairs) if one != other),
        len(calls),
    )
