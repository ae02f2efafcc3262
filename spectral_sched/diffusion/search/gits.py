"""Geometry-inspired time scheduling: the cheapest way down a teacher's path.

Chen et al. (arXiv 2405.11326). A solver with many levels draws a path for each of some
starts. Euler's step from a point of the path to any later level costs what it is off
by; the denoised images that it needs are those of the path, so all costs together
take the calls of the path alone. Dynamic programming picks the levels of the cheapest N
steps, where what follows a step counts `growth` times over.

A step's cost is, as in the authors' programs, how much further from the straight line
between both ends of the path it lands than the path itself (`deviation`), or its
distance from the path (`distance`). Their last level is sigma_min; 0 takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from spectral_sched.errors import UsageError
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.recurrence import Play
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.words import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from .counting import CountingDenoiser

NUM_LEVELS = 61
TEACHER = "dpmpp-2m"
"""Solver of the path; it calls the network at points of the path only."""


class TeacherPath(NamedTuple):
    """Points of many paths, one per level, and what the network saw there.

    Attributes
    ----------
    levels
        Falling noise levels, (P,).
    points
        (P, S, D), flattened images.
    denoised
        At all levels but the last, (P - 1, S, D).
    """

    levels: NDArray[np.float64]
    points: Tensor
    denoised: Tensor


@torch.inference_mode()
def teacher_path(
    denoise: CountingDenoiser, noise: Tensor, ends: tuple[float, float]
) -> TeacherPath:
    """Return the paths from unit noise, (S, C, H, W), through 61 levels."""
    table = sigma_table(Schedule(KarrasLaw(), *ends), NUM_LEVELS)
    play = Play(table.sigmas[0] * noise, lambda: noise)
    points, seen = [play.state], []
    for call in solver_calls(TEACHER, table.sigmas)[:-1]:
        seen.append(denoise.many(play.point, call.sigma))
        play.take(call, seen[-1])
        points.append(play.state)
    return TeacherPath(
        np.array(table.levels),
        torch.stack(points).flatten(2),
        torch.stack(seen).flatten(2),
    )


def jump_costs(path: TeacherPath, cost: str) -> NDArray[np.float64]:
    """Return what Euler's step costs from each level to each later one, (P, P).

    Parameters
    ----------
    cost
        A name in `COSTS`.
    """
    size = len(path.levels)
    costs = np.full((size, size), np.inf)
    off_path = COSTS[cost]
    levels = torch.from_numpy(path.levels).to(path.points).reshape(-1, 1, 1)
    for start, (point, seen) in enumerate(
        zip(path.points, path.denoised, strict=False)
    ):
        ratio = levels[start + 1 :] / levels[start]
        landed = torch.lerp(seen, point, ratio)
        costs[start, start + 1 :] = off_path(path, landed).mean(dim=1).cpu()
    return costs


def _distance(path: TeacherPath, landed: Tensor) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(
        landed - path.points[-len(landed) :], dim=2
    )
    return distance


def _deviation(path: TeacherPath, landed: Tensor) -> Tensor:
    return _off_line(path, landed) - _off_line(path, path.points[-len(landed) :])


def _off_line(path: TeacherPath, points: Tensor) -> Tensor:
    """Return distances from the straight line between both ends of a path, (P, S)."""
    last = path.points[-1]
    along = torch.nn.functional.normalize(last - path.points[0], dim=1)
    left = last - points
    beside = left - (left * along).sum(dim=2, keepdim=True) * along
    distance: Tensor = torch.linalg.vector_norm(beside, dim=2)
    return distance


COSTS: Mapping[str, Callable[[TeacherPath, Tensor], Tensor]] = {
    "deviation": _deviation,
    "distance": _distance,
}
"""What landing at the last so many levels costs, (P, S), by the names in commands."""


def cheapest_path(
    costs: NDArray[np.float64], num_jumps: int, growth: float
) -> list[int]:
    """Return the places of the cheapest way from the first to the last in N jumps.

    The cost of a way is that of its first jump plus `growth` times that of the rest.

    Parameters
    ----------
    costs
        From each place to each later one, (P, P); what is not above the diagonal is
        not looked at.
    """
    allowed = np.where(np.triu(np.ones(costs.shape, dtype=bool), 1), costs, np.inf)
    rest, choices = allowed[:, -1], []
    for _ in range(num_jumps - 1):
        ways = allowed + growth * rest
        choices.append(ways.argmin(axis=1))
        rest = ways.min(axis=1)
    places = [0]
    for following in reversed(choices):
        places.append(int(following[places[-1]]))
    return [*places, len(costs) - 1]


def gits_table(
    path: TeacherPath, num_steps: int, growth: float, cost: str
) -> SigmaTable:
    """Return the table of the cheapest steps down a path.

    Raises
    ------
    UsageError
        If the path has not so many levels.
    """
    most = len(path.levels) - 1
    if num_steps > most:
        message = (
            f"kind gits chooses among {number_of(len(path.levels), 'level')} and "
            f"cannot make {number_of(num_steps, 'step')}; ask for --steps {most} at "
            "most"
        )
        raise UsageError(message)
    places = cheapest_path(jump_costs(path, cost), num_steps, growth)
    return SigmaTable.of(path.levels[places[:-1]])
