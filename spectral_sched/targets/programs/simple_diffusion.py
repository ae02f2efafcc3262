"""Simple diffusion: the nearest shifted cosine law, as ``noise_d``, and log_snr itself.

The constructor of ``simple_diffusion`` in denoising-diffusion-pytorch takes
``noise_d``, the side of the image that the noise is made for; Hoogeboom et al., arXiv
2301.11093.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.planning.law_fits import cosine_fit
from spectral_sched.planning.training_law import law_quantiles, law_sample
from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.target import LawJob, Target


def _law(law: LawJob) -> Artifact:
    fit = cosine_fit(law_sample(law.schedule))
    side = max(law.data_set.power.field.shape[1:])
    log_snr = -2 * law_quantiles(law.schedule)
    fields = {
        "image_size": side,
        "noise_d": side / fit.parameters["scale"],
        "divergence": fit.divergence,
        "kolmogorov": fit.kolmogorov,
        "time": np.linspace(0, 1, len(log_snr)).tolist(),
        "log_snr": log_snr.tolist(),
    }
    return Artifact(
        fields=fields,
        text=f"image_size={side}, noise_d={fields['noise_d']!r}",
        remarks=(
            f"the shifted cosine law is {fit.divergence:.2g} nats and a Kolmogorov "
            f"distance of {fit.kolmogorov:.2g} from the law asked for",
        ),
        usage="GaussianDiffusion(model, image_size=..., noise_d=...)",
    )


TARGETS = (
    Target(
        "simple-diffusion",
        "noise_d of the nearest shifted cosine law, and log_snr over time",
        law=_law,
        formats=("json", "text"),
    ),
)
