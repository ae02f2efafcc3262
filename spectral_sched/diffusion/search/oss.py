"""Optimal steps: where a student's steps land nearest to a teacher's states.

Pei et al. (arXiv 2503.21774). A teacher with many levels leaves a state at each of them
and at 0. After every step of a student, for each level that it may have come to, the
state nearest to the teacher's there is kept, of all levels that it may have come from;
the next step goes on from what was kept. The way to 0 in N steps is the table. Other
than down a teacher's path (`gits`), each step is judged with the errors before it.

The student's steps are Euler's. Ours: one table for all starts, by their mean square
distance, where the authors' program finds one for each and takes those; and each step
is a new one, where theirs may come to a level in fewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.errors import UsageError
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.recurrence import Play
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.words import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from .counting import CountingDenoiser

TEACHER = "euler"
"""Solver of the teacher, as of the student."""


@torch.inference_mode()
def teacher_states(
    denoise: CountingDenoiser, noise: Tensor, sigmas: Sequence[float]
) -> Tensor:
    """Return the states at the levels of a table and at 0, (P + 1, S, C, H, W).

    Parameters
    ----------
    noise
        Unit noise of the starts, (S, C, H, W).
    sigmas
        Falling levels and 0, (P + 1,).
    """
    play = Play(sigmas[0] * noise, lambda: noise)
    states = [play.state]
    for call in solver_calls(TEACHER, sigmas):
        play.take(call, denoise.many(play.point, call.sigma))
        states.append(play.state)
    return torch.stack(states)


class Students:
    """The nearest state that students have come to at every level.

    Attributes
    ----------
    states
        By the place of the level.
    origins
        Of each step, where the state at a level came from.
    """

    def __init__(self, teacher: Tensor, sigmas: Sequence[float]) -> None:
        self.teacher, self.sigmas = teacher, sigmas
        self.states = {0: teacher[0]}
        self.origins: list[dict[int, int]] = []

    @torch.inference_mode()
    def step(self, denoise: CountingDenoiser, *, last: bool) -> None:
        """Go one step on, to every lower level or, in the last step, to 0."""
        end = len(self.sigmas) - 1
        found: dict[int, tuple[float, int, Tensor]] = {}
        for place, state in self.states.items():
            seen = denoise.many(state, self.sigmas[place])
            for following in [end] if last else range(place + 1, end):
                ratio = self.sigmas[following] / self.sigmas[place]
                landed = torch.lerp(seen, state, ratio)
                cost = float((landed - self.teacher[following]).square().mean())
                if following not in found or cost < found[following][0]:
                    found[following] = cost, place, landed
        self.origins.append({place: kept[1] for place, kept in found.items()})
        self.states = {place: kept[2] for place, kept in found.items()}

    def places(self) -> list[int]:
        """Return the places of the levels on the way to 0."""
        way = [len(self.sigmas) - 1]
        for origins in reversed(self.origins):
            way.append(origins[way[-1]])
        return way[:0:-1]


def oss_table(
    denoise: CountingDenoiser, noise: Tensor, sigmas: Sequence[float], num_steps: int
) -> SigmaTable:
    """Return the table of the optimal steps among a teacher's levels.

    Parameters
    ----------
    noise
        Unit noise of the starts, (S, C, H, W).
    sigmas
        The teacher's levels and 0.

    Raises
    ------
    UsageError
        If the teacher has not so many levels.
    """
    most = len(sigmas) - 1
    if num_steps > most:
        message = (
            f"kind oss chooses among {number_of(most, 'level')} and cannot make "
            f"{number_of(num_steps, 'step')}; ask for --steps {most} at most"
        )
        raise UsageError(message)
    students = Students(teacher_states(denoise, noise, sigmas), sigmas)
    for number in range(num_steps):
        students.step(denoise, last=number == num_steps - 1)
    return SigmaTable.of(np.array(sigmas)[students.places()])
