"""The published tables of Align Your Steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from spectral_sched.schedules.curve import TableLaw
from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.parameters import choice

if TYPE_CHECKING:
    from spectral_sched.schedules.law import Terminal


AYS_TABLES = {
    "sd15": "14.615 6.475 3.861 2.697 1.886 1.396 .963 .652 .399 .152 .029",
    "sdxl": "14.615 6.315 3.771 2.181 1.342 .862 .555 .380 .234 .113 .029",
    "if": "160.41 8.081 3.315 1.885 1.207 .785 .553 .293 .186 .030 .006",
    "svd": "700 54.5 15.886 7.977 4.248 1.789 .981 .403 .173 .034 .002",
}
"""Published 10-step tables; each has 11 levels, the last of which stands for 0."""


@dataclass(frozen=True, kw_only=True)
class AysLaw(TableLaw):
    """Published Align Your Steps tables, resampled log-linearly.

    Sabour, Fidler & Kreis (arXiv 2404.14507), optimised for one network and sampler
    each. Programs end the 11 published levels in two ways. ``end=replace`` resamples to
    N + 1 levels and replaces the last by 0: with 10 steps, the levels as published.
    ``end=append`` resamples to N and appends 0.
    """

    formula: ClassVar[str] = "published levels, ln sigma linear in t between them"
    source: ClassVar[str] = "Sabour et al., arXiv 2404.14507"

    table: str = choice("sd15", tuple(AYS_TABLES), "network of the published table")
    end: str = choice("replace", ("replace", "append"), "how 0 joins the levels")
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = tuple(float(level) for level in AYS_TABLES[self.table].split())
        object.__setattr__(self, "levels", numbers)

    @property
    def terminal(self) -> Terminal:
        """Where the last step of a table starts from, if nobody says otherwise."""
        return "zero" if self.end == "replace" else "sigma-min"


FAMILIES = (FamilyInfo("ays", AysLaw),)
