"""For k-diffusion: a table planned from a spectrum, beside ``get_sigmas_karras``.

In k-diffusion's conventions: ``n`` levels and then 0, on the device of the noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import names_arguments
from .defaults import KIND, SAMPLER
from .files.any_format import read_source
from .planning.plan import Plan, make_plan
from .planning.replan import replan
from .planning.request import TableRequest
from .targets.checks import check_start

if TYPE_CHECKING:
    import torch

    from .schedules.table import SigmaTable


@names_arguments
def get_sigmas_spectral(
    n: int,
    spectrum: str | Path,
    sampler: str = SAMPLER,
    device: str | torch.device = "cpu",
) -> torch.Tensor:
    """Return the sigmas of the best table of `n` steps for a data set.

    Parameters
    ----------
    n
        Number of steps.
    spectrum
        A file of ``specsched analyze``, or a schedule file, which is planned anew.
    sampler
        The solver that will play them, by its name here; for k-diffusion's
        ``sample_dpmpp_2m``, ``sample_euler`` and ``sample_heun`` that is ``dpmpp-2m``,
        ``euler`` and ``heun``.

    Returns
    -------
    torch.Tensor
        Decreasing levels and a final 0, (n + 1,), float32.

    Raises
    ------
    InputError
        If the file is missing, damaged or foreign.
    UsageError
        If `n` is out of range, there is no such sampler, or the schedule assumes a
        start that k-diffusion does not make.
    """
    import torch

    table = _planned_table(Path(spectrum), n, sampler)
    return torch.tensor(table.sigmas, dtype=torch.float32, device=device)


def _planned_table(path: Path, num_steps: int, sampler: str) -> SigmaTable:
    source = read_source(path)
    if isinstance(source, Plan):
        check_start(source.request, "k-diffusion")
        return replan(source, num_steps, sampler).table
    request = TableRequest.of(sampler, num_steps, "zero")
    return make_plan(source, KIND, request).table
