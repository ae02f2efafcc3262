"""What 20 steps make of a two-Gaussian mixture, from 100 to 100 million dimensions.

Rewrites the tables of docs/reference/exact-models.md and draws
docs/pictures/dimension.png. Everything is exact and takes twenty seconds:
``python benchmarks/dimension.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.exact_models.interpolants import (
    VarianceExploding,
    VariancePreserving,
    dilated_levels,
    sigma_levels,
    uniform_levels,
)
from spectral_sched.exact_models.mixture import (
    GaussianMixture,
    Outcome,
    interpolated,
    tabulated,
)
from spectral_sched.planning.kinds.optimal import least_error_table
from spectral_sched.planning.scale_mixture import NUM_SCALES, Band, scale_mixture
from spectral_sched.planning.table_error import TableError
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spectral_sched.schedules.table import SigmaTable

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "reference" / "exact-models.md"
NUM_STEPS = 20
DECADES = range(2, 9)

CLOCKS = ("VP uniform", "VE uniform", "VP dilated", "VE dilated")
TABLES = ("karras to 80", "karras to 10 sqrt d", "VE dilated", "from the spectrum")


def along_path(name: str, dimension: int, dilation: float = 3.0) -> Outcome:
    """Return what Euler steps make under a clock of `CLOCKS`."""
    variance, clock = name.split()
    path = VariancePreserving() if variance == "VP" else VarianceExploding(dimension)
    levels = (
        uniform_levels(NUM_STEPS)
        if clock == "uniform"
        else dilated_levels(path, NUM_STEPS, dimension, dilation)
    )
    return interpolated(GaussianMixture(dimension), path, levels)


def table_of(name: str, model: GaussianMixture, sampler: str, steps: int) -> SigmaTable:
    """Return a sigma table of `TABLES` for a mixture."""
    root = float(np.sqrt(model.dimension))
    if name == "from the spectrum":
        return spectral_table(model, sampler, steps)
    if name == "VE dilated":
        path = VarianceExploding(model.dimension)
        return sigma_levels(path, dilated_levels(path, steps + 1, model.dimension))
    top = 80.0 if name == "karras to 80" else 10 * root
    return sigma_table(Schedule(KarrasLaw(), 0.002, top), steps)


def spectral_table(model: GaussianMixture, sampler: str, steps: int) -> SigmaTable:
    """Return the table of least predicted error, given two powers and nothing else.

    One direction has the variance of the two modes, all others that of one mode.
    """
    between = (1 - (2 * model.probability - 1) ** 2) * model.distance**2
    top = 100 * float(np.sqrt(model.dimension))
    bands = [
        Band(number, np.full(NUM_SCALES, power), num_modes)
        for number, power, num_modes in (
            (0, model.std**2 + between, 1.0),
            (1, model.std**2, model.dimension - 1.0),
        )
    ]
    errors = TableError(scale_mixture(bands), sampler, "mean", top)
    return least_error_table(errors, steps, (1e-3, top))


def over_table(name: str, dimension: int, sampler: str, steps: int) -> Outcome:
    """Return what a sampler makes over a table of `TABLES`, started at the mean."""
    model = GaussianMixture(dimension)
    return tabulated(model, sampler, table_of(name, model, sampler, steps))


def shown(outcome: Outcome) -> str:
    """Return both features for a table."""
    return f"{outcome.probability:.3f}, {outcome.std:.4f}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def clock_table() -> str:
    """Return the table of clocks by dimension."""
    rows = [
        [f"10^{decade}", *(shown(along_path(name, 10**decade)) for name in CLOCKS)]
        for decade in DECADES
    ]
    return markdown(["d", *CLOCKS], rows)


def dilation_table() -> str:
    """Return the table of dilations in a million dimensions."""
    rows = [
        [f"{dilation:g}"]
        + [shown(along_path(name, 10**6, dilation)) for name in CLOCKS[2:]]
        for dilation in (2.0, 3.0, 4.0, 5.0)
    ]
    return markdown(["dilation", *CLOCKS[2:]], rows)


def sigma_table_table() -> str:
    """Return the table of sigma tables by solver, steps and dimension."""
    rows = [
        [sampler, str(steps), f"10^{decade}"]
        + [shown(over_table(name, 10**decade, sampler, steps)) for name in TABLES]
        for sampler in ("euler", "dpmpp-2m", "heun")
        for steps in (8, NUM_STEPS)
        for decade in (2, 4, 8)
    ]
    return markdown(["solver", "steps", "d", *TABLES], rows)


def sections() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every generated part of the page."""
    yield "clocks", clock_table()
    yield "dilations", dilation_table()
    yield "tables", sigma_table_table()


def rewritten(page: str) -> str:
    """Return the page with its generated parts made anew."""
    for name, text in sections():
        opening, closing = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, rest = page.split(opening)
        _, after = rest.split(closing)
        page = before + opening + text + closing + after
    return page


def draw(path: Path) -> None:
    """Draw both errors against the dimension."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    dimensions = [round(10 ** (half / 2)) for half in range(4, 17)]
    lines = {name: [along_path(name, d) for d in dimensions] for name in CLOCKS}
    lines["table from the spectrum"] = [
        over_table("from the spectrum", d, "euler", NUM_STEPS) for d in dimensions
    ]
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharex=True, sharey=True)
    titles = ("mass of the larger mode (0.8)", "width of a mode (0.5)")
    for index, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        for (name, outcomes), style in zip(lines.items(), STYLES, strict=True):
            errors = [abs(got[index] - (0.8, 0.5)[index]) for got in outcomes]
            panel.loglog(dimensions, errors, label=name, **style)
        panel.set(title=title, xlabel="dimension")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel(f"error after {NUM_STEPS} Euler steps")
    handles, names = panels[0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.legend(handles, names, loc="lower center", ncols=len(names), frameon=False)
    figure.savefig(path, dpi=110)


STYLES = (
    {"color": "tab:red", "linestyle": "--", "marker": "o", "markersize": 4},
    {"color": "tab:blue", "linestyle": "--", "marker": "s", "markersize": 4},
    {"color": "tab:red", "marker": "o", "markersize": 4},
    {"color": "tab:blue", "marker": "s", "markersize": 4},
    {"color": "black", "marker": "^", "markersize": 4},
)


def main() -> None:
    """Rewrite the page and the image."""
    PAGE.write_text(rewritten(PAGE.read_text()))
    draw(DOCS / "pictures" / "dimension.png")


if __name__ == "__main__":
    main()
