"""All kinds of tables by name: the optimiser's and those of the families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .defaults import KIND
from .end_to_end import OBJECTIVES
from .errors import UsageError, known
from .schedules import SCHEDULES, Parameter, Setting, read_settings
from .schedules.parameters import check_values, choice, number, parameters
from .solvers.registry import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .documents.strict_json import Document


@dataclass(frozen=True)
class KindInfo:
    """What a kind of table is.

    Attributes
    ----------
    formula, source
        One line of mathematics, and where it was published.
    parameters
        What can be set, by name.
    runs_model
        Whether it is found by running a model, at the cost of network calls.
    """

    name: str
    formula: str
    source: str
    parameters: Mapping[str, Parameter]
    runs_model: bool = False


OPTIMAL = KindInfo(
    name=KIND,
    formula="least error that the steps of the sampler make, over single-image spectra",
    source="ours; cf. Benita, Elad & Keshet, arXiv 2502.00180",
    parameters={},
)


@dataclass(frozen=True, kw_only=True)
class KindSettings:
    """What can be set for a kind that is no family.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """

    def __post_init__(self) -> None:
        check_values(self)


@dataclass(frozen=True, kw_only=True)
class GaussianSettings(KindSettings):
    """What can be set for tables that are best end to end on Gaussian data."""

    objective: str = choice("w2", tuple(OBJECTIVES), "distance to the Gaussian field")


@dataclass(frozen=True, kw_only=True)
class DmnSettings(KindSettings):
    """What can be set for tables of DM-NonUniform."""

    exponent: float = number(1.0, 0.0, 4.0, "of the error that a network is taken for")


@dataclass(frozen=True, kw_only=True)
class SearchSettings(KindSettings):
    """What can be set for all kinds that run a model.

    Attributes
    ----------
    samples
        Pictures or starts that an estimate is made from.
    seed
        Of everything drawn at random.
    """

    samples: int = number(64, 1, 65536, "pictures that each estimate is made from")
    seed: int = number(0, 0, 2**32 - 1, "of the noise of the search")


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
class GridSettings(SearchSettings):
    """What can be set for the tuned Karras table."""

    samples: int = number(24, 1, 65536, "pictures that each table is run on")


@dataclass(frozen=True, kw_only=True)
class Ld3Settings(SearchSettings):
    """What can be set for the learned table."""

    samples: int = number(32, 1, 65536, "starts that are learned from")
    iterations: int = number(100, 1, 1_000_000, "gradients that are followed")
    rate: float = number(0.1, 1e-6, 10.0, "first step of the logits, falling to 0")
    radius: float = number(0.001, 0.0, 1.0, "times D / N^2: how far noise may move")


def _by_name(settings: type[KindSettings]) -> Mapping[str, Parameter]:
    return {item.name: item for item in parameters(settings)}


GAUSSIAN = KindInfo(
    name="gaussian",
    formula="least W2 or KL from the sampled to the true Gaussian of the mean spectrum",
    source="Benita, Elad & Keshet, arXiv 2502.00180, with free ends",
    parameters=_by_name(GaussianSettings),
)

DMN = KindInfo(
    name="dmn",
    formula="least sum of abs(solver weight) * sigma_vp^exponent / alpha_vp, no model",
    source="DM-NonUniform, Xue et al., arXiv 2402.17376",
    parameters=_by_name(DmnSettings),
)

KLUB = KindInfo(
    name="klub",
    formula="least sum over steps of the integral of E|D(x,t) - D(x_i,t_i)|^2 / t^3",
    source="Align Your Steps, Sabour et al., arXiv 2404.14507",
    parameters=_by_name(KlubSettings),
    runs_model=True,
)

GITS = KindInfo(
    name="gits",
    formula="cheapest way down a teacher's 61 levels by Euler jumps, later ones grown",
    source="GITS, Chen et al., arXiv 2405.11326",
    parameters=_by_name(GitsSettings),
    runs_model=True,
)

GRID = KindInfo(
    name="grid",
    formula="best of 48 Karras tables by the error of samples from the same noise",
    source="hand tuning as anybody would do it",
    parameters=_by_name(GridSettings),
    runs_model=True,
)

LD3 = KindInfo(
    name="ld3",
    formula="levels learned by gradients through the sampler from a fine teacher",
    source="LD3, Tong et al., arXiv 2405.15506",
    parameters=_by_name(Ld3Settings),
    runs_model=True,
)

KINDS: Mapping[str, KindInfo] = {
    **{kind.name: kind for kind in (OPTIMAL, GAUSSIAN, DMN, KLUB, GITS, GRID, LD3)},
    **{
        name: KindInfo(name, family.formula, family.source, family.parameters)
        for name, family in SCHEDULES.items()
    },
}
"""Kinds by the names used in commands and files, the default first."""


def check_kind(kind: str) -> None:
    """Raise `UsageError`, with the nearest name, if there is no such kind."""
    known(kind, KINDS, "kind", "--kind")


def kind_settings(kind: str, texts: Sequence[str]) -> dict[str, Setting]:
    """Return the settings that ``name=value`` texts stand for.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.
    """
    check_kind(kind)
    return read_settings(kind, KINDS[kind].parameters, texts)


def check_runs_model(kind: str) -> None:
    """Raise `UsageError` if a kind is found without running a model."""
    check_kind(kind)
    if not KINDS[kind].runs_model:
        message = f"kind {kind} spends no network call; leave out --model"
        raise UsageError(message)


def from_spectrum(kind: str) -> bool:
    """Return whether tables of a kind follow from a spectrum alone.

    Blends do not, nor do tables that are found by running a model.
    """
    return kind in KINDS and not KINDS[kind].runs_model


Settings = TypeVar("Settings", bound=KindSettings)


def settings_of(form: type[Settings], values: Mapping[str, Setting]) -> Settings:
    """Return settings as what a kind can be set to.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """
    return form(**values)


def checked_settings(kind: str, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return settings that a kind takes, given as values.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.
    """
    return kind_settings(kind, [f"{name}={value}" for name, value in settings.items()])


def kinds_document() -> Document:
    """Return all kinds with their parameters, and the samplers, for programs."""
    return {
        "format": "specsched.kinds",
        "version": 1,
        "kinds": [
            {
                "name": kind.name,
                "parameters": [_described(item) for item in kind.parameters.values()],
                "formula": kind.formula,
                "source": kind.source,
                "runs_model": kind.runs_model,
            }
            for kind in KINDS.values()
        ],
        "samplers": list(SAMPLERS),
    }


def _described(parameter: Parameter) -> Document:
    limits: Document = {"low": parameter.low, "high": parameter.high}
    if parameter.choices:
        limits = {"choices": parameter.choices}
    about = {"name": parameter.name, "default": parameter.default}
    return about | limits | {"what": parameter.what}
