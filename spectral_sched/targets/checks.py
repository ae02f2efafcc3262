"""What can go wrong with a table in a program: a sentence each, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from spectral_sched.planning.request import TableRequest
    from spectral_sched.schedules import FlowModel

ROUNDING = 1e-6

STARTS = {"mean": "the mean colour", "spectral": "an image of the measured spectrum"}
"""What sampling starts from noise about, where that is not zero."""

LEVELS_PER_UNIT = 127.5
"""8-bit levels per unit of pixels in [-1, 1]."""

VISIBLE = 2.0
"""Noise of so many 8-bit levels (standard deviation) is seen in smooth places."""


def check_start(request: TableRequest, program: str) -> None:
    """Raise `UsageError` if a table assumes a start that a program does not make.

    A table for images that are given noise starts from those, whatever it assumes.
    """
    if request.start == "zero" or request.limits.partial:
        return
    message = (
        f"{program} starts from noise about zero, and this table assumes a start about "
        f"{STARTS[request.start]}; plan it without --start {request.start}"
    )
    raise UsageError(message)


def outside(levels: Sequence[float], low: float, high: float) -> tuple[str, ...]:
    """Return a warning for each end of a table that is outside a model's range."""
    found = []
    if levels[0] > high * (1 + ROUNDING):
        found.append(
            f"sigma {levels[0]:.4g} is above the range of the model, which ends at "
            f"{high:.4g}: it was not trained there; plan with --sigma-max {high:.6g}"
        )
    if levels[-1] < low * (1 - ROUNDING):
        found.append(
            f"sigma {levels[-1]:.4g} is below the range of the model, which begins at "
            f"{low:.4g}: it was not trained there; plan with --sigma-min {low:.6g}"
        )
    return tuple(found)


def duplicates(timesteps: ArrayLike, last: float | None = None) -> tuple[str, ...]:
    """Return a warning if several levels fall onto one timestep.

    Parameters
    ----------
    last
        The highest timestep, if there is one that higher levels fall onto.
    """
    values: list[float] = list(timesteps)  # type: ignore[arg-type]
    repeated = sorted({each for each in values if values.count(each) > 1}, reverse=True)
    if not repeated:
        return ()
    shown = ", ".join(f"{each:g}" for each in repeated)
    return (
        f"several levels fall onto timestep {shown}: multistep solvers divide by the "
        f"distance of two steps; ask for {_apart(repeated, last)}",
    )


def _apart(repeated: Sequence[float], last: float | None) -> str:
    """Return what brings levels apart that fall onto the same timesteps."""
    cures = ["fewer --steps"]
    if repeated[0] == last:
        cures.append("a lower --sigma-max")
    if repeated[-1] == 0:
        cures.append("a higher --sigma-min")
    return " or ".join(cures)


def below_clamp(sigmas: Sequence[float], flow: FlowModel) -> tuple[str, ...]:
    """Return a warning if the last step of a table starts where none arrives."""
    last = sigmas[-2]
    if last >= flow.lowest_sigma * (1 - ROUNDING):
        return ()
    left = flow.residue(sigmas) * LEVELS_PER_UNIT
    return (
        f"the last level {last:.4g} is below {flow.lowest_sigma:.4g}, where the "
        f"program divides by t_eps={flow.t_eps:g} and steps do not arrive: noise of "
        f"{left:.2g} 8-bit levels stays; plan a table for it, without --schedule, "
        "--blend or --kind list",
    )


def noisy_end(level: float) -> tuple[str, ...]:
    """Return a warning if noise of a level can be seen, where sampling stops at it."""
    shown = level * LEVELS_PER_UNIT
    if shown <= VISIBLE:
        return ()
    return (
        f"sampling stops at sigma {level:.4g}, and noise of {shown:.2g} 8-bit levels "
        "stays visible; plan with a lower --sigma-min",
    )


def shifted_again(said: bool, flags: Iterable[str]) -> tuple[str, ...]:
    """Return a warning if nothing was said of the shift that a scheduler applies."""
    if said:
        return ()
    return (
        "a scheduler whose configuration has a shift would shift these values again; "
        f"say which with {' or '.join(flags)}, and it is taken out beforehand",
    )
