"""Kinds that are found by running a model: what can be set for each search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from spectral_sched.errors import UsageError
from spectral_sched.schedules.parameters import choice, number

from .kind import KindInfo, KindSettings, parameters_of, refuse_terminal

if TYPE_CHECKING:
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest


@dataclass(frozen=True, kw_only=True)
class SearchSettings(KindSettings):
    """What can be set for all kinds that run a model.

    Attributes
    ----------
    samples
        Images or starts that an estimate is made from.
    seed
        Of everything drawn at random.
    """

    samples: int = number(64, 1, 65536, "images that each estimate is made from")
    seed: int = number(0, 0, 2**32 - 1, "of the noise of the search")


@dataclass(frozen=True, kw_only=True)
class FittedSettings(SearchSettings):
    """What can be set for the table fitted to a network."""

    samples: int = number(16, 1, 65536, "starts that it is fitted to")
    iterations: int = number(6, 1, 1000, "tables that are tried")


@dataclass(frozen=True, kw_only=True)
class KlubSettings(SearchSettings):
    """What can be set for the search of Align Your Steps."""

    sweeps: int = number(8, 1, 1000, "sweeps over the levels at 10, 20 and 40 steps")
    stop: str = choice("held-out", ("held-out", "converged"), "when the search ends")


@dataclass(frozen=True, kw_only=True)
class GitsSettings(SearchSettings):
    """What can be set for geometry-inspired time scheduling."""

    growth: float = number(1.15, 0.1, 10.0, "factor of later errors in a jump's cost")
    cost: str = choice("deviation", ("deviation", "distance"), "what a jump costs")


@dataclass(frozen=True, kw_only=True)
class OssSettings(SearchSettings):
    """What can be set for the optimal steps of a student."""

    samples: int = number(4, 1, 65536, "starts that the student samples from")
    levels: int = number(61, 2, 1000, "levels of the teacher")


@dataclass(frozen=True, kw_only=True)
class SharpEulerSettings(SearchSettings):
    """What can be set for steps even in a network's sharpness."""

    power: float = number(0.5, 0.0, 4.0, "exponent of the sharpness")
    smoothing: float = number(1.0, 0.0, 100.0, "levels that it is smoothed over")


@dataclass(frozen=True, kw_only=True)
class SdmSettings(SearchSettings):
    """What can be set for steps of bounded error."""

    power: float = number(0.5, 0.0, 4.0, "exponent of the bound on a step's error")
    tilt: float = number(0.25, 0.0, 4.0, "exponent of sigma_max / sigma beside it")


@dataclass(frozen=True, kw_only=True)
class GridSettings(SearchSettings):
    """What can be set for the tuned Karras table."""

    samples: int = number(24, 1, 65536, "images that each table is run on")


@dataclass(frozen=True, kw_only=True)
class Ld3Settings(SearchSettings):
    """What can be set for the learned table."""

    samples: int = number(32, 1, 65536, "starts that are learned from")
    iterations: int = number(100, 1, 1_000_000, "gradients that are followed")
    rate: float = number(0.1, 1e-6, 10.0, "first step of the logits, falling to 0")
    radius: float = number(0.001, 0.0, 1.0, "times D / N^2: how far noise may move")


def needs_model(kind: str, _: DataSet, request: TableRequest) -> NoReturn:
    """Raise `UsageError`, as kinds that take a model do without one."""
    refuse_terminal(kind, request)
    message = (
        f"kind {kind} is found by running a model: name one, as in "
        f"--kind {kind} --model bundled"
    )
    raise UsageError(message)


def _searched(
    name: str, formula: str, reference: str, settings: type[SearchSettings]
) -> KindInfo:
    """Return a kind that a search of `diffusion.search` finds."""
    table = partial(needs_model, name)
    parameters = parameters_of(settings)
    return KindInfo(name, formula, reference, parameters, table, runs_model=True)


KINDS = (
    _searched(
        "fitted",
        "least squares through the sampler from a fine teacher, begun at optimal",
        "ours; the teacher is that of LD3, Tong et al., arXiv 2405.15506",
        FittedSettings,
    ),
    _searched(
        "klub",
        "least sum over steps of the integral of E|D(x,t) - D(x_i,t_i)|^2 / t^3",
        "Align Your Steps, Sabour et al., arXiv 2404.14507",
        KlubSettings,
    ),
    _searched(
        "gits",
        "cheapest way down a teacher's 61 levels by Euler jumps, later ones grown",
        "GITS, Chen et al., arXiv 2405.11326",
        GitsSettings,
    ),
    _searched(
        "oss",
        "nearest states of a student of Euler's steps to a teacher's, step by step",
        "OSS, Pei et al., arXiv 2503.21774",
        OssSettings,
    ),
    _searched(
        "entropic-model",
        "integral of E|D(x, s) - image|^2 / s^2 ds linear in t",
        "rescaled entropic time, Stancevic et al., arXiv 2504.13612",
        SearchSettings,
    ),
    _searched(
        "score-optimal",
        "sum of s_i sqrt(E|score(x, s_i) - score(x, s_i+1)|^2) linear in t",
        "Williams et al., arXiv 2412.07877, work of the corrector",
        SearchSettings,
    ),
    _searched(
        "sharp-euler",
        "quantiles of |dv/dt|^power along Euler's paths, t = s / (1 + s)",
        "SharpEuler, Gupta et al., arXiv 2605.11547",
        SharpEulerSettings,
    ),
    _searched(
        "sdm",
        "sum of (h |change of slope| / 2)^power (s_max / s)^tilt linear in t",
        "SDM, Jo & Choi, arXiv 2602.12624, its resampling of steps",
        SdmSettings,
    ),
    _searched(
        "grid",
        "best of 48 Karras tables by the error of samples from the same noise",
        "hand tuning as anybody would do it",
        GridSettings,
    ),
    _searched(
        "ld3",
        "levels learned by gradients through the sampler from a fine teacher",
        "LD3, Tong et al., arXiv 2405.15506",
        Ld3Settings,
    ),
)
