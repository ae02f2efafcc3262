"""The bundled network, called in six ways, audited: rows of docs/how-to/audit.md.

    python benchmarks/audited.py [--plots docs/pictures]

Takes two minutes of one core. The images are of the kinds that the network knows, and
not those it was trained on. With --plots, two of the audits are drawn.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from spectral_sched.diffusion.evaluation.audit_run import AuditOptions, AuditRun
from spectral_sched.diffusion.evaluation.real_pictures import fresh_pictures
from spectral_sched.diffusion.models import timesteps, wrap
from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.load import load_denoiser
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.plots.audit import write_audit_picture
from spectral_sched.schedules.betas import Betas

if TYPE_CHECKING:
    from collections.abc import Callable

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.files.audit import Audit

CPU = torch.device("cpu")
DAMAGE = 0.9
"""What all weights of the damaged network are multiplied with."""

ERROR, ABOVE = 0.2, 20.0
"""Error of the epsilon network in the noise, rms, and the sigma that it is above."""

DRAWN = {"unchanged": "audit-bundled.png", "failing": "audit-epsilon.png"}


def bundled() -> Denoiser:
    """Return the bundled denoiser, told no class."""
    data_set = read_model_header(BUNDLED).data_set
    facts = facts_of(load_denoiser("bundled", data_set, CPU, torch.float32))
    assert facts.null_label is not None
    return facts.of_class(facts.null_label)


def damaged() -> Denoiser:
    """Return it with all weights a tenth too small."""
    denoise = bundled()
    for network in vars(denoise).values():
        if isinstance(network, nn.Module):
            for weights in network.parameters():
                weights.data *= DAMAGE
    return denoise


def other_pixels() -> Denoiser:
    """Return it given pixels in [0, 1], which it does not know."""
    return wrap(bundled(), predicts="x0", time="sigma", pixels="0,1")


def backwards() -> Denoiser:
    """Return it as a flow whose time runs the other way."""
    denoise = bundled()

    def velocity(z: Tensor, time: Tensor) -> Tensor:
        share = time.reshape(-1, 1, 1, 1)
        return (z - denoise(z / (1 - share), time / (1 - time))) / share

    return wrap(velocity, predicts="velocity", time="flow-reversed")


def turned() -> Denoiser:
    """Return it with the sign of the noise that it predicts turned."""
    denoise = bundled()
    return lambda x, sigma: 2 * x - denoise(x, sigma)


def failing() -> Denoiser:
    """Return it as an epsilon network of 1000 cosine steps that fails at high noise."""
    denoise, abar = bundled(), torch.from_numpy(Betas("cosine").abar()).float()

    def epsilon(z: Tensor, steps: Tensor) -> Tensor:
        kept = abar[steps].reshape(-1, 1, 1, 1)
        sigma = (1 / kept - 1).sqrt()
        x = z / kept.sqrt()
        wrong = torch.linspace(-1, 1, x[0].numel()).reshape(x[:1].shape) * 3**0.5
        noise = (x - denoise(x, sigma.flatten())) / sigma
        return noise + ERROR * wrong * (sigma > ABOVE)

    return wrap(epsilon, time=timesteps("cosine", whole="nearest"))


CASES: dict[str, Callable[[], Denoiser]] = {
    "unchanged": bundled,
    "damaged": damaged,
    "other pixels": other_pixels,
    "backwards": backwards,
    "turned": turned,
    "failing": failing,
}


def audited(denoise: Denoiser, *, brief: bool) -> tuple[AuditRun, Audit]:
    """Return the audit of a denoiser on images that it was not trained on."""
    size = (16, 32) if brief else (24, 64)
    options = AuditOptions(denoise, None, BUNDLED, *size)
    run = AuditRun(options, CPU)
    run.images = fresh_pictures(run.data_set.power.field.shape[1], size[1]), True
    return run, run.audit()


def main() -> None:
    """Audit, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plots", type=Path)
    folder = parser.parse_args().plots
    for name, make in CASES.items():
        run, audit = audited(make(), brief=name != "unchanged")
        low, high = audit.trusted_range or (0.0, 0.0)
        print(f"{name}: {audit.num_calls} calls, {audit.seconds:.0f} s")
        print(f"  trusted {low:.4g} - {high:.4g}")
        print(
            *(f"  {finding.text}" for finding in audit.findings), sep="\n", flush=True
        )
        if folder and name in DRAWN:
            write_audit_picture(run.document(audit), folder / DRAWN[name])


if __name__ == "__main__":
    main()
