"""What a target is: a program, what it takes, and how a table becomes that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.errors import UsageError, check_choice
from spectral_sched.schedules import (
    FLOW_MODELS,
    FlowModel,
    Parameter,
    Setting,
    flow_model,
    read_settings,
)

from .artifact import FORMS
from .checks import check_start, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules import Schedule
    from spectral_sched.schedules.table import SigmaTable

    from .artifact import Artifact

Settings = dict[str, Setting | None]

FLAG = "--with"
"""The option that sets what is known of the program and its model."""

PYTHON_FIRST = ("python", *(name for name in FORMS if name != "python"))
"""Formats of a target that is used from Python."""


class Job(NamedTuple):
    """One table on its way to a program.

    Attributes
    ----------
    table
        The table.
    settings
        What is known of the program and its model, by name, defaults included.
    form
        Name of the format that is asked for.
    sampler
        Solver that the table was planned for.
    """

    table: SigmaTable
    settings: Settings
    form: str
    sampler: str

    @property
    def sigmas(self) -> NDArray[np.float64]:
        """The levels and the final 0, (num_steps + 1,)."""
        return np.array(self.table.sigmas)

    @property
    def flow(self) -> FlowModel:
        """The noise of the flow network that plays the table."""
        return flow_of(self.settings)

    def number(self, name: str) -> float | None:
        """Return the setting of a number, or None if nothing is known."""
        value = self.settings[name]
        return None if value is None else float(value)


class LawJob(NamedTuple):
    """A law to train with on its way to a program.

    Attributes
    ----------
    schedule
        The law.
    data_set
        The data set it is for.
    settings
        What is known of the program and its model, by name, defaults included.
    """

    schedule: Schedule
    data_set: DataSet
    settings: Settings


@dataclass(frozen=True)
class Alias:
    """Another name of a target, as the program has it.

    Attributes
    ----------
    name
        The name.
    texts
        What it says of the program, as ``name=value``.
    sampler
        The solver that it names, where the target leaves that open.
    """

    name: str
    texts: tuple[str, ...] = ()
    sampler: str | None = None


def always(sampler: str) -> Callable[[Settings], str]:
    """Return the solver of a program that has one only, whatever is known of it."""
    return lambda _settings: sampler


@dataclass(frozen=True)
class Target:
    """A program, or one way into it.

    Attributes
    ----------
    name, what
        Its name, and what it is in one line.
    table, law
        How a sigma table, and a law to train with, become what it takes; None if it
        takes no such thing.
    formats
        Formats it can be had in, the default first.
    parameters
        What can be said of the program and its model.
    solver
        Solver that the program plays tables with, by what is known of it; None if that
        is chosen elsewhere.
    aliases
        Other names.
    knows
        Lowest and highest sigma of its model, by what is known of it: tables are
        planned inside; None, the function or what it returns, if that is open.
    """

    name: str
    what: str
    table: Callable[[Job], Artifact] | None = None
    law: Callable[[LawJob], Artifact] | None = None
    formats: tuple[str, ...] = FORMS
    parameters: tuple[Parameter, ...] = ()
    solver: Callable[[Settings], str] | None = None
    aliases: tuple[Alias, ...] = ()
    knows: Callable[[Settings], tuple[float, float] | None] | None = None

    def known_range(
        self, settings: Mapping[str, Setting]
    ) -> tuple[float, float] | None:
        """Return the range of sigma that its model knows, None if it is open."""
        return self.knows(_complete(self, settings)) if self.knows else None

    def implied(self, settings: Mapping[str, Setting]) -> str | None:
        """Return the solver that the program plays tables with, None if it is open."""
        return self.solver(_complete(self, settings)) if self.solver else None

    def lowest_sigma(self, settings: Mapping[str, Setting]) -> float:
        """Return the lowest level that a step arrives from; 0 if all do."""
        if T_EPS not in self.parameters:
            return 0.0
        complete = _complete(self, settings)
        return flow_of(complete).lowest_sigma if flows(complete) else 0.0

    @property
    def purposes(self) -> tuple[str, ...]:
        """What it serves, the default first."""
        takes = {"sampling": self.table, "training": self.law}
        return tuple(purpose for purpose, way in takes.items() if way)

    def form(self, name: str | None, artifact: Artifact | None = None) -> str:
        """Return the format of a name, or the first that an artefact has for None.

        Raises
        ------
        UsageError
            If it cannot be had in that format.
        """
        there = artifact.forms if artifact else frozenset(FORMS)
        names = [each for each in self.formats if each in there]
        if name is None:
            return names[0]
        check_choice(name, names, f"format of target {self.name}", "--format")
        return name


def option(
    name: str, default: float | None, low: float, high: float, what: str
) -> Parameter:
    """Return a number that can be said of a program."""
    return Parameter(name, what, default, low=low, high=high, flag=FLAG)


def whole(name: str, default: int, low: float, high: float, what: str) -> Parameter:
    """Return a count that can be said of a program."""
    return Parameter(name, what, default, whole=True, low=low, high=high, flag=FLAG)


def word(name: str, choices: Sequence[str], what: str) -> Parameter:
    """Return a word that can be said of a program, the default first."""
    return Parameter(name, what, choices[0], choices=tuple(choices), flag=FLAG)


NOISE_SCALE = option(
    "noise_scale", None, 1e-3, 1e3, "standard deviation of the noise at flow time 1"
)
T_EPS = option("t_eps", None, 0, 0.5, "flow time that the program divides by at least")
FLOW_NOISE = (NOISE_SCALE, T_EPS)
"""What is said of the noise of flow networks, beside their names."""

ANY_MODEL = word(
    "model",
    ("sigma", "flow", *FLOW_MODELS),
    "what the model knows, sigma or flow time, or which flow network it is",
)
"""What a program plays that plays others too."""

FLOW_MODEL = (
    word(
        "model", ("flow", *FLOW_MODELS), "flow network, for its noise_scale and t_eps"
    ),
    *FLOW_NOISE,
)
"""The same for programs that play nothing else."""


def flows(settings: Settings) -> bool:
    """Return whether a program plays a flow network, by what is known of it."""
    return settings["model"] == "flow" or settings["model"] in FLOW_MODELS


def flow_of(settings: Settings) -> FlowModel:
    """Return the noise of a flow network, by what is known of it.

    Raises
    ------
    UsageError
        If something is said of it, and the program plays no flow network.
    """
    name = settings["model"]
    for item in FLOW_NOISE:
        if not flows(settings) and settings.get(item.name) is not None:
            message = (
                f"{item.flag} {item.name} is of flow networks, and the model "
                f"is {name}; add {item.flag} model=flow"
            )
            raise UsageError(message)
    return flow_model(str(name) if name in FLOW_MODELS else None, settings)


def said_flow(texts: Sequence[str]) -> FlowModel:
    """Return the flow network that ``name=value`` texts tell of.

    Raises
    ------
    UsageError
        If there is nothing of that name to tell, or a value is none.
    """
    known = {item.name: item for item in FLOW_MODEL}
    said = read_settings("flow", known, texts, noun="network", flag=FLAG)
    settings: Settings = {item.name: item.default for item in FLOW_MODEL}
    settings.update(said)
    for item in FLOW_MODEL:
        item.check(settings[item.name])
    return flow_of(settings)


MODEL_RANGE = (
    option("model_min", None, 0, 1e9, "lowest sigma that the model knows"),
    option("model_max", None, 0, 1e9, "highest sigma that the model knows"),
)


def said_range(settings: Settings) -> tuple[float, float] | None:
    """Return the range of the model as it was said; None if nothing was."""
    low, high = settings["model_min"], settings["model_max"]
    if low is None and high is None:
        return None
    return float(low or 0.0), np.inf if high is None else float(high)


def outside_model(job: Job) -> tuple[str, ...]:
    """Return a warning for each end that is outside the model's range, if known."""
    low, high = job.number("model_min"), job.number("model_max")
    return outside(job.table.levels, low or 0.0, np.inf if high is None else high)


def table_artifact(
    target: Target, plan: Plan, settings: Mapping[str, Setting], form: str
) -> Artifact:
    """Return what a target is given to play the table of a plan.

    Raises
    ------
    UsageError
        If the target cannot represent it.
    """
    if target.table is None:
        message = (
            f"target {target.name} takes a law to train with, not a sigma table; "
            "add --for training"
        )
        raise UsageError(message)
    check_start(plan.request, f"target {target.name}")
    complete = _complete(target, settings)
    return target.table(Job(plan.table, complete, form, plan.request.sampler))


def law_artifact(
    target: Target,
    schedule: Schedule,
    data_set: DataSet,
    settings: Mapping[str, Setting],
) -> Artifact:
    """Return what a target is given to train with a schedule's law.

    Raises
    ------
    UsageError
        If the target cannot represent it.
    """
    if target.law is None:
        message = (
            f"target {target.name} takes a sigma table, not a law to train with; "
            "leave out --for training"
        )
        raise UsageError(message)
    return target.law(LawJob(schedule, data_set, _complete(target, settings)))


def _complete(target: Target, settings: Mapping[str, Setting]) -> Settings:
    """Return settings with the defaults of those that were not said, checked."""
    defaults = {item.name: item.default for item in target.parameters}
    complete: Settings = {**defaults, **settings}
    for item in target.parameters:
        item.check(complete[item.name])
    return complete
