"""Kinds of tables that are found by running a model, by their names.

What they look at is drawn from their own seed, never from the seeds that images are
sampled with, and every network call is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from spectral_sched.diffusion.models.denoiser import facts_of, tell_ends
from spectral_sched.diffusion.models.exact import FiniteSetDenoiser, WienerDenoiser
from spectral_sched.diffusion.models.limits import known_limits
from spectral_sched.diffusion.models.load import (
    load_denoiser,
    load_pictures,
    model_name,
)
from spectral_sched.diffusion.models.network import check_given
from spectral_sched.diffusion.sampling.noise import SeededNoise, starting_point
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.errors import UsageError
from spectral_sched.planning.kinds.given import NativeSettings
from spectral_sched.planning.kinds.kind import refuse_terminal, settings_of
from spectral_sched.planning.kinds.model_searches import (
    FittedSettings,
    GitsSettings,
    GridSettings,
    KlubSettings,
    Ld3Settings,
    OssSettings,
    SdmSettings,
    SearchSettings,
    SharpEulerSettings,
)
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.kinds.registry import check_runs_model, is_given
from spectral_sched.planning.plan import Spent, plan_with
from spectral_sched.planning.replan import ends_for_model, sized
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable

from .counting import CountingDenoiser
from .fitted import PlayedTables, fitted_table
from .gits import gits_table, teacher_path
from .grid import best_by_running, fine_reference, karras_grid, paired_error
from .klub import NUM_LEVELS, Klub, KlubSearch
from .ld3 import (
    TEACHER,
    Lessons,
    Student,
    Teaching,
    check_learnable,
    check_teachable,
    teacher_table,
)
from .oss import oss_table
from .rates import (
    bound_lengths,
    entropic_lengths,
    even_table,
    score_lengths,
    seen_levels,
    sharp_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.planning.request import TableRequest

    from .rates import Levels

    Pictures = Callable[[int, np.random.Generator], Tensor]

HELD_OUT = 32
"""Samples that decide when that search stops."""

FITTED_HELD_OUT = 16
"""Samples that decide between the fitted table and the optimal one."""

LD3_HELD_OUT = 16
"""Samples that decide which learned table is kept."""

HIGHEST_SEED = 2**62


@dataclass(frozen=True)
class Task:
    """What a search has to work with.

    Attributes
    ----------
    denoise
        The model, its calls counted.
    data_set, request
        The data set and what the table is for.
    ends
        The noise range.
    device
        Where the model is.
    known
        Lowest and highest level that the model knows and whose steps arrive.
    pictures
        Gives so many real images, (S, C, H, W), to kinds that look at some.
    """

    denoise: CountingDenoiser
    data_set: DataSet
    request: TableRequest
    ends: tuple[float, float]
    device: torch.device
    known: tuple[float, float]
    pictures: Pictures

    def seeds(self, count: int, seed: int) -> list[int]:
        """Return seeds of images that a search may look at."""
        drawn = np.random.default_rng(seed).integers(HIGHEST_SEED, size=count)
        return [int(number) for number in drawn]

    def noise(self, seeds: Sequence[int]) -> Tensor:
        """Return the starting noise of images, (S, C, H, W)."""
        shape = self.data_set.power.field.shape
        return SeededNoise(seeds, shape, self.device, torch.float32)()

    def starts(self, settings: SearchSettings) -> Tensor:
        """Return the starting noise that a search asks for, (S, C, H, W)."""
        return self.noise(self.seeds(settings.samples, settings.seed))

    def player(self, count: int, seed: int) -> Player:
        """Return what plays tables on the model for so many drawn seeds."""
        shape = self.data_set.power.field.shape
        return Player(self.denoise, shape, self.seeds(count, seed), self.device)


def klub_search(task: Task) -> SigmaTable:
    """Return the table that the search of Align Your Steps finds."""
    settings = settings_of(KlubSettings, task.request.settings)
    error = None
    if settings.stop == "held-out":
        player = task.player(HELD_OUT, settings.seed + 1)
        reference = fine_reference(player, task.ends)
        error = partial(
            paired_error, player, sampler=task.request.sampler, reference=reference
        )
    spread = task.data_set.power.field.sigma_data
    search = KlubSearch(
        Klub(task.denoise, task.pictures, spread),
        task.request.num_steps,
        error,
        settings.samples,
        settings.sweeps,
    )
    begun = Schedule(KarrasLaw(), *task.ends)
    levels = np.array(sigma_table(begun, NUM_LEVELS + 1).levels)
    return search(levels, np.random.default_rng(settings.seed))


def gits_search(task: Task) -> SigmaTable:
    """Return the table of geometry-inspired time scheduling."""
    settings = settings_of(GitsSettings, task.request.settings)
    noise = task.starts(settings)
    path = teacher_path(task.denoise, noise, task.ends)
    return gits_table(path, task.request.num_steps, settings.growth, settings.cost)


def oss_search(task: Task) -> SigmaTable:
    """Return the table of a student's optimal steps."""
    settings = settings_of(OssSettings, task.request.settings)
    noise = task.starts(settings)
    levels = sigma_table(Schedule(KarrasLaw(), *task.ends), settings.levels)
    return oss_table(task.denoise, noise, levels.sigmas, task.request.num_steps)


def entropic_search(task: Task) -> SigmaTable:
    """Return the table with equal rescaled entropy between its levels."""
    return _by_pictures(task, entropic_lengths)


def score_search(task: Task) -> SigmaTable:
    """Return the table with equal work of a corrector between its levels."""
    return _by_pictures(task, score_lengths)


def _by_pictures(task: Task, lengths: Callable[..., Levels]) -> SigmaTable:
    """Return the table that is even in lengths which are seen on real images."""
    settings = settings_of(SearchSettings, task.request.settings)
    rng = np.random.default_rng(settings.seed)
    pictures = task.pictures(settings.samples, rng)
    levels = seen_levels(task.ends)
    seen = lengths(task.denoise, pictures, task.starts(settings), levels)
    return even_table(levels, seen, task.request.num_steps)


def sdm_search(task: Task) -> SigmaTable:
    """Return the table with equal powers of the bounds on its steps' errors."""
    settings = settings_of(SdmSettings, task.request.settings)
    noise, levels = task.starts(settings), seen_levels(task.ends)
    power, tilt = settings.power, settings.tilt
    seen = bound_lengths(task.denoise, noise, levels, power, tilt)
    return even_table(levels, seen, task.request.num_steps)


def sharp_search(task: Task) -> SigmaTable:
    """Return the table of quantiles of the network's sharpness."""
    settings = settings_of(SharpEulerSettings, task.request.settings)
    noise = task.starts(settings)
    profile = settings.power, settings.smoothing
    return sharp_table(task.denoise, noise, task.request.num_steps, task.ends, profile)


def grid_search(task: Task) -> SigmaTable:
    """Return the best of 48 Karras tables on the model."""
    settings = settings_of(GridSettings, task.request.settings)
    limits = task.request.limits
    if limits.sigma_min is not None or limits.sigma_max is not None:
        message = "kind grid tries ends of its own; leave out --sigma-min, --sigma-max"
        raise UsageError(message)
    tables = karras_grid(
        task.data_set, task.request.sampler, task.request.num_steps, task.known
    )
    player = task.player(settings.samples, settings.seed)
    reference = fine_reference(player, task.ends)
    best = best_by_running(player, tables, task.request.sampler, reference)
    return tables[best]


def fitted_search(task: Task) -> SigmaTable:
    """Return the table fitted to the model, or the optimal one if that is better."""
    wanted, ends = task.request, task.ends
    settings = settings_of(FittedSettings, wanted.settings)
    near = optimal_table(task.data_set.power, wanted.sampler, wanted.num_steps, ends)
    learned, judged = (
        task.player(count, settings.seed + index)
        for index, count in enumerate((settings.samples, FITTED_HELD_OUT))
    )
    teacher = teacher_table(ends)
    taught = torch.from_numpy(learned.play_table(teacher, TEACHER)).to(task.device)
    noise = task.noise(learned.seeds)
    played = PlayedTables(task.denoise, wanted.sampler, noise, taught)
    tables = [near, fitted_table(played, near, ends, settings.iterations)]
    reference = judged.play_table(teacher, TEACHER)
    return min(
        tables,
        key=partial(paired_error, judged, sampler=wanted.sampler, reference=reference),
    )


def ld3_search(task: Task) -> SigmaTable:
    """Return the best table on held-out noise that is met while learning."""
    wanted, ends = task.request, task.ends
    settings = settings_of(Ld3Settings, wanted.settings)
    learned, judged = (
        task.player(count, settings.seed + index)
        for index, count in enumerate((settings.samples, LD3_HELD_OUT))
    )
    teacher = teacher_table(ends)
    pictures = torch.from_numpy(learned.play_table(teacher, TEACHER)).to(task.device)
    teaching = Teaching(settings.iterations, settings.rate, settings.radius)
    tables = teaching.tables(
        Student(task.denoise, wanted.sampler, ends),
        torch.zeros(wanted.num_steps, dtype=torch.float64),
        Lessons(task.noise(learned.seeds), pictures),
        np.random.default_rng(settings.seed),
    )
    reference = judged.play_table(teacher, TEACHER)
    return min(
        tables,
        key=partial(paired_error, judged, sampler=wanted.sampler, reference=reference),
    )


def native_levels(task: Task) -> SigmaTable:
    """Return the model's own levels."""
    settings = settings_of(NativeSettings, task.request.settings)
    native = facts_of(task.denoise.denoise).native
    if native is None:
        message = (
            "the model does not say how its own levels are spaced; kind native is for "
            "folders of diffusers, and networks that wrap() knows the times of"
        )
        raise UsageError(message)
    return SigmaTable.of(native(task.request.num_steps, settings.spacing))


class Search(NamedTuple):
    """How tables of a kind are searched for.

    Attributes
    ----------
    check
        Raises `UsageError` if there can be no table as wished.
    sees_pictures
        Whether images are looked at.
    """

    table: Callable[[Task], SigmaTable]
    check: Callable[[TableRequest], None] = lambda _: None
    sees_pictures: bool = False


SEARCHES: Mapping[str, Search] = {
    "klub": Search(klub_search, sees_pictures=True),
    "gits": Search(gits_search),
    "oss": Search(oss_search),
    "sharp-euler": Search(sharp_search),
    "sdm": Search(sdm_search),
    "score-optimal": Search(score_search, sees_pictures=True),
    "entropic-model": Search(entropic_search, sees_pictures=True),
    "grid": Search(grid_search),
    "ld3": Search(ld3_search, check_learnable),
    "fitted": Search(fitted_search, partial(check_teachable, "fitted")),
    "native": Search(native_levels),
}
"""Searches by the kind that they find."""


class ModelSearch:
    """Plans tables of the kinds that are found by running a model.

    Parameters
    ----------
    model
        Name of the model, as for ``--model``, or a denoiser itself.
    data
        Real images in any source, if the search shall see others than the model's.
    flag
        The option that they are named with, for messages.

    Attributes
    ----------
    messages
        What has to be said of the searches that were made.
    """

    def __init__(
        self,
        model: str | Denoiser,
        data: Path | None,
        device: torch.device,
        flag: str = "--data",
    ) -> None:
        self.model, self.data, self.device, self.flag = model, data, device, flag
        self.messages: list[str] = []

    def check(self, kind: str, request: TableRequest, model: Denoiser) -> None:
        """Raise `UsageError` if a table cannot be had, before anything is searched."""
        _check(kind, request)
        SEARCHES[kind].check(request)
        known = isinstance(model, FiniteSetDenoiser | WienerDenoiser)
        if self.data is None and not known and SEARCHES[kind].sees_pictures:
            message = (
                f"kind {kind} puts noise on real images; name some with {self.flag}, "
                "or take --model wiener or --model images:FOLDER"
            )
            raise UsageError(message)

    def __call__(self, data_set: DataSet, kind: str, request: TableRequest) -> Plan:
        """Return the plan of a table, with what it cost to find.

        Raises
        ------
        UsageError
            If the table cannot be had as wished.
        InputError
            If the model or the images cannot be read.
        """
        model = load_denoiser(self.model, data_set, self.device, torch.float32)
        check_given(model, given=False)
        self.check(kind, request, model)
        data_set, resized = sized(data_set, facts_of(model).shape)
        limits, said = known_limits(self.model, model, data_set)
        ends, told = ends_for_model(data_set, request, limits)
        self.messages += [*resized, *said, *(() if is_given(kind) else told)]
        denoise = CountingDenoiser(tell_ends(model, ends))
        low, high = limits.sigma_range or (0.0, np.inf)
        known = max(low, request.limits.floor), high
        pictures = self._pictures(model, data_set)
        task = Task(denoise, data_set, request, ends, self.device, known, pictures)
        plan = plan_with(_found(kind, task), data_set, kind, request)
        spent = Spent(model_name(self.model), denoise.num_calls)
        return replace(plan, ends=ends, spent=spent)

    def _pictures(self, model: Denoiser, data_set: DataSet) -> Pictures:
        """Return what gives real images: those named, or those the model knows."""
        if self.data is None and isinstance(model, FiniteSetDenoiser):
            return partial(_choose, model.pictures)
        if self.data is None:
            return partial(_draw, data_set, self.device)
        # Read when they are first looked at: most kinds look at none.
        named = cache(partial(_load, self.data, data_set, self.device))
        return lambda count, rng: _choose(named(), count, rng)


def _load(data: Path, data_set: DataSet, device: torch.device) -> Tensor:
    return torch.from_numpy(load_pictures(data, data_set)).float().to(device)


def _found(kind: str, task: Task) -> SigmaTable:
    """Return the table that a search finds, if all that it saw was finite."""
    try:
        table = SEARCHES[kind].table(task)
    except Exception:
        # Whatever it failed of then follows from that.
        task.denoise.check_finite()
        raise
    task.denoise.check_finite()
    return table


def _choose(pictures: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    return pictures[torch.from_numpy(rng.integers(len(pictures), size=count))]


def _draw(
    data_set: DataSet, device: torch.device, count: int, rng: np.random.Generator
) -> Tensor:
    """Return images of the Gaussian field."""
    field = data_set.power.field
    noise = torch.from_numpy(rng.standard_normal((count, *field.shape)))
    return starting_point(noise.float().to(device), 0.0, "spectral", field)


def _check(kind: str, request: TableRequest) -> None:
    refuse_terminal(kind, request)
    check_runs_model(kind)
    if request.start != "zero":
        message = f"kind {kind} starts from noise about zero; leave out --start"
        raise UsageError(message)
    if request.limits.partial:
        message = (
            f"kind {kind} starts from noise alone; leave out --start-sigma and "
            "--strength"
        )
        raise UsageError(message)
