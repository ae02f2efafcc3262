"""LD3: a table learned by backpropagation through the sampler.

Tong et al. (arXiv 2405.15506). A teacher with many steps plays some starting noise. The
student plays the same noise with the few steps that are wanted, and follows the
gradient of its distance from the teacher's images by its levels. Between the ends of
the noise range lie N + 1 levels, and their distances in ln sigma are shares of it: the
softmax of N numbers, equal at first. The first level stays at the upper end, and the
last one, at the lower end, is 0 here, so that N - 1 levels are free.

A few levels cannot match every image. So each noise may move inside a small ball
(soft teacher forcing in the paper): it is enough to match the image from nearby. The
radius is ``radius * D / N**2`` in unit noise, or sigma_max times that in the state, for
images of D numbers, as in the authors' programs. The table is kept that did best on
held-out noise.

Left out is the paper's second set of times, which the network is told in place of the
levels: a sigma table has one. Ours are the mean square as the distance (the paper's,
LPIPS, is a network trained for it), Polyak's step for the noise, which has no rate,
held-out noise that does not move, as the noise to be played will not, and Adam with a
rate that falls to 0 (the paper's RMSProp takes more gradients, one or two images
each).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.errors import NoAnswerError, UsageError
from spectral_sched.planning.search import COMPLEX_STEP
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.solvers.recurrence import Call, Weight

TEACHER, TEACHER_STEPS = "unipc-3", 32
"""Solver of the teacher, and its steps, on Karras levels."""


BATCH = 8
"""Starts that one gradient is the mean of."""

BETWEEN_TABLES = 5
"""Gradients followed from one table that is judged to the next."""

FLAT = 1e-30
"""Squared slope that counts as none."""


def check_teachable(kind: str, request: TableRequest) -> None:
    """Raise `UsageError` if the samples of a solver depend on more than their start."""
    if SAMPLERS[request.sampler].stochastic:
        message = (
            f"kind {kind} matches samples to a teacher's, and those of "
            f"{request.sampler} depend on more than their start; choose --sampler "
            "dpmpp-2m"
        )
        raise UsageError(message)


def check_learnable(request: TableRequest) -> None:
    """Raise `UsageError` if the levels of a sampler cannot be learned."""
    check_teachable("ld3", request)
    if request.num_steps < 2:
        message = (
            "kind ld3 learns all levels but the first, and one step has no other; "
            "ask for --steps 2 at least"
        )
        raise UsageError(message)


def teacher_table(ends: tuple[float, float]) -> SigmaTable:
    """Return the table that the teacher plays in a noise range."""
    return sigma_table(Schedule(KarrasLaw(), *ends), TEACHER_STEPS)


def learned_levels(logits: Tensor, ends: tuple[float, float]) -> Tensor:
    """Return the falling levels, (N,), that logits, (N,), stand for.

    Their softmax says how the noise range is shared out in ln sigma. The first level is
    the upper end, and the last is above the lower end by the last share.
    """
    low, high = ends
    shares = logits.softmax(dim=0)[:-1].cumsum(dim=0)
    free: Tensor = high * (low / high) ** shares
    return torch.cat([free.new_full((1,), high), free])


def differentiable_calls(sampler: str, levels: Tensor, like: Tensor) -> list[Call]:
    """Return the network calls of a solver with the derivatives of all their numbers.

    The numbers change with the levels as they do to first order, by complex steps
    through the solver's own coefficients. Weights are scalars, noise levels (B,).

    Parameters
    ----------
    levels
        Positive levels of a table, (N,), in double precision on the host.
    like
        Images, (B, C, H, W), for the number, device and type.
    """
    logs = levels.log()
    values = np.array([*levels.tolist(), 0.0])[:, None]
    steps = 1j * COMPLEX_STEP * np.eye(len(values), len(levels))
    calls = list(SAMPLERS[sampler].calls(list(values * (1 + steps))))
    weights: list[Weight] = []
    for call in calls:
        call.mapped(weights.append)
    rows = np.stack([np.broadcast_to(weight, len(levels)) for weight in weights])
    slopes, numbers = rows.imag / COMPLEX_STEP, rows.real[:, 0]
    changes = torch.from_numpy(slopes) @ (logs - logs.detach())
    tensors = iter((torch.from_numpy(numbers) + changes).to(like))
    placed = [call.mapped(lambda _: next(tensors)) for call in calls]
    return [call._replace(sigma=call.sigma.expand(len(like))) for call in placed]


class Lessons(NamedTuple):
    """Unit noise to start from and the teacher's images of it, (S, C, H, W) each."""

    noise: Tensor
    pictures: Tensor


class Slopes(NamedTuple):
    """Squared errors of images, and how they change.

    Attributes
    ----------
    errors
        Mean square over each image, (B,).
    by_logits
        Derivative of their mean, (N,).
    by_noise
        Derivative of each by its own noise, (B, C, H, W).
    """

    errors: Tensor
    by_logits: Tensor
    by_noise: Tensor


@dataclass(frozen=True)
class Student:
    """A sampler of few steps whose levels can be moved.

    Attributes
    ----------
    denoise, sampler
        The model, and a solver of the flow.
    ends
        The noise range.
    """

    denoise: Denoiser
    sampler: str
    ends: tuple[float, float]

    def slopes(self, logits: Tensor, lessons: Lessons) -> Slopes:
        """Return the errors of its images, by one backward pass of all its calls."""
        moving, noise = (
            values.detach().requires_grad_() for values in (logits, lessons.noise)
        )
        calls = differentiable_calls(
            self.sampler, learned_levels(moving, self.ends), noise
        )
        start = self.ends[1] * noise
        *_, made = sample(self.denoise, start, calls, lambda: noise)
        errors = (made - lessons.pictures).square().mean(dim=(1, 2, 3))
        by_logits, by_noise = torch.autograd.grad(errors.sum(), (moving, noise))
        return Slopes(errors.detach(), by_logits / len(errors), by_noise)

    def table(self, logits: Tensor) -> SigmaTable:
        """Return the table that logits stand for.

        Raises
        ------
        NoAnswerError
            If levels are not finite or so close that they are the same number.
        """
        try:
            return SigmaTable.of(learned_levels(logits, self.ends).tolist())
        except UsageError as error:
            message = f"the levels ran away ({error}); lower --set rate of kind ld3"
            raise NoAnswerError(message) from error


def forced(noise: Tensor, own: Tensor, slopes: Slopes, radius: float) -> Tensor:
    """Return noise moved down its slope, within a ball about its own place.

    It goes as far as would bring an error that falls in a straight line to 0.

    Parameters
    ----------
    noise, own
        Where it is and where it was drawn, (B, C, H, W).
    radius
        Of the ball, as the root of a sum of squares.
    """
    axes = (1, 2, 3)
    square = slopes.by_noise.square().sum(dim=axes, keepdim=True)
    step = slopes.errors.reshape(-1, 1, 1, 1) / square.clamp(min=FLAT)
    away = noise - step * slopes.by_noise - own
    length = torch.linalg.vector_norm(away, dim=axes, keepdim=True)
    inside: Tensor = own + away * (radius / length).clamp(max=1).nan_to_num(0.0)
    return inside


@dataclass(frozen=True)
class Teaching:
    """How a student is taught.

    Attributes
    ----------
    iterations
        Gradients that are followed.
    rate
        Step of the logits at first; it falls to 0 in a straight line.
    radius
        Of the balls that noise moves in, in units of ``D / N**2``.
    """

    iterations: int
    rate: float
    radius: float

    def tables(
        self,
        student: Student,
        logits: Tensor,
        lessons: Lessons,
        rng: np.random.Generator,
    ) -> Iterator[SigmaTable]:
        """Yield the table that is begun with, some on the way, and the last one."""
        logits, noise = logits.clone(), lessons.noise.clone()
        radius = self.radius * noise[0].numel() / len(logits) ** 2
        adam = torch.optim.Adam([logits], lr=self.rate)
        batches = itertools.islice(_batches(len(noise), rng), self.iterations)
        yield student.table(logits)
        for number, chosen in enumerate(batches):
            own, pictures = lessons.noise[chosen], lessons.pictures[chosen]
            slopes = student.slopes(logits, Lessons(noise[chosen], pictures))
            noise[chosen] = forced(noise[chosen], own, slopes, radius)
            for group in adam.param_groups:
                group["lr"] = self.rate * (1 - number / self.iterations)
            logits.grad = slopes.by_logits
            adam.step()
            done = number + 1
            if done % BETWEEN_TABLES == 0 or done == self.iterations:
                yield student.table(logits)


def _batches(count: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """Yield places of starts: each once, but for a rest, then in another order."""
    size = min(BATCH, count)
    while True:
        order = torch.from_numpy(rng.permutation(count))
        yield from order[: count - count % size].reshape(-1, size)
