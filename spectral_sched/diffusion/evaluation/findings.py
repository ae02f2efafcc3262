"""What an audit found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.diffusion.models.python_path import networks_of
from spectral_sched.files.audit import Finding
from spectral_sched.spectra.rings import octaves

if TYPE_CHECKING:
    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.trust import LevelErrors
    from spectral_sched.spectra.gaussian_field import GaussianField

BatchNorm = torch.nn.modules.batchnorm._BatchNorm


def worse_findings(errors: LevelErrors, field: GaussianField) -> list[Finding]:
    """Return a sentence for each run of levels at which the filter is better."""
    found = []
    for first, last in errors.runs_worse():
        where = _span(errors, first, last)
        ratio = errors.ratio[first : last + 1]
        if not np.isfinite(ratio).all():
            found.append(Finding("worse", f"{where} its answers are no finite numbers"))
            continue
        most = first + int(ratio.argmax())
        band = _band(field, errors.worst_ring(first, last))
        text = (
            f"{where} it is worse than Wiener's filter, most of all {ratio.max():.3g} "
            f"times at {errors.sigmas[most]:.4g}, and in {band}"
        )
        found.append(Finding("worse", text))
    return found


def faulty_findings(errors: LevelErrors) -> list[Finding]:
    """Return a sentence for each run of levels at which a linear correction helps."""
    found = []
    for first, last in errors.runs_faulty():
        share = errors.correctable[first : last + 1].max()
        text = (
            f"{_span(errors, first, last)} a mere linear correction takes up to "
            f"{share:.0%} of its error away: its weights are damaged or not the "
            "averaged ones (EMA), or it is called wrongly"
        )
        found.append(Finding("faulty", text))
    return found


def lost_statistics(denoise: Denoiser) -> list[Finding]:
    """Return what is found where statistics of batch-norm were never loaded."""
    norms = [
        module
        for network in networks_of(denoise)
        for module in network.modules()
        if isinstance(module, BatchNorm) and module.running_mean is not None
    ]
    if not norms or any(map(_has_statistics, norms)):
        return []
    text = (
        "the statistics of batch-norm are those of a new network: load all of its "
        "state, its buffers too"
    )
    return [Finding("statistics", text)]


def _has_statistics(norm: BatchNorm) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    moved = mean is not None and bool((mean != 0).any())
    return moved or (variance is not None and bool((variance != 1).any()))


def _span(errors: LevelErrors, first: int, last: int) -> str:
    """Return where a run of levels is, for the start of a sentence."""
    high, low = errors.sigmas[first], errors.sigmas[last]
    return (
        f"at sigma {high:.4g}"
        if first == last
        else f"from sigma {high:.4g} to {low:.4g}"
    )


def _band(field: GaussianField, ring: int) -> str:
    """Return the octave of a ring, for the middle of a sentence."""
    (name,) = (name for name, band in octaves(field.frequency) if band[ring])
    return f"{name} cycles/pixel" if name[0].isdigit() else name
