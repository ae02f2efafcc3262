"""One law of noise to train with, in the words of every program.

The law is normal in ln sigma, as most programs draw it: of a law of another form, the
nearest normal one. Flow programs draw the logit of a time, and

    ln(t / (1 - t)) = ln sigma - ln noise_scale

for the time ``t`` that is 1 at noise. Where time is 1 at the image the sign is the
other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.documents.summary import Summed
from spectral_sched.errors import check_choice

from .law_fits import lognormal_fit
from .training_law import law_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.schedules import Schedule

MOST = 1.959964
"""Standard deviations from the mean that 95 % of a normal law are within."""


@dataclass(frozen=True)
class NormalLaw:
    """A normal law of ln sigma.

    Attributes
    ----------
    mean, std
        Of ln sigma, images in [-1, 1].
    """

    mean: float
    std: float

    @property
    def most(self) -> tuple[float, float]:
        """Levels that 95 % of the draws are between."""
        low, high = self.mean - MOST * self.std, self.mean + MOST * self.std
        return math.exp(low), math.exp(high)


COPIED: Mapping[str, NormalLaw] = {
    "EDM": NormalLaw(-1.2, 1.2),
    "EDM2": NormalLaw(-0.4, 1.0),
    "SD3, PixNerd, DeCo": NormalLaw(0.0, 1.0),
    "DeCo T2I at 512": NormalLaw(math.log(4), 1.0),
    "PixelDiT at 512": NormalLaw(math.log(3), 1.0),
    "JiT at 256, PixelGen": NormalLaw(0.8, 0.8),
    "JiT at 512, MiniT2I": NormalLaw(0.8 + math.log(2), 0.8),
    "pMF-H/16": NormalLaw(math.log(2), 0.8),
}
"""Laws that are copied from one training to another, as they were published."""


@dataclass(frozen=True, repr=False)
class TrainingAdvice(Summed):
    """A law to train with, and the range that it is drawn from.

    Attributes
    ----------
    law
        The normal law of ln sigma.
    sigma_min, sigma_max
        Range of the images, which programs that know one draw from.
    sigma_data
        Standard deviation of the images.
    noise_scale
        Standard deviation of a flow network's noise at time 1.
    """

    law: NormalLaw
    sigma_min: float
    sigma_max: float
    sigma_data: float
    noise_scale: float = 1.0

    @property
    def logit_mean(self) -> float:
        """Mean of the logit of the flow time that is 1 at noise."""
        return self.law.mean - math.log(self.noise_scale)

    def words(self, program: str) -> Document:
        """Return what a program is told, by the names that it has for it.

        Parameters
        ----------
        program
            One of `PROGRAMS`.

        Raises
        ------
        UsageError
            If there is no such program.
        """
        check_choice(program, PROGRAMS, "program", "program=")
        return PROGRAMS[program](self)

    def _facts(self) -> Mapping[str, str]:
        most, ends = self.law.most, (self.sigma_min, self.sigma_max)
        return {
            "ln sigma": f"mean {self.law.mean:.4g}, std {self.law.std:.4g}",
            "95 % of the draws": "sigma {:.4g} to {:.4g}".format(*most),
            "range of the images": "sigma {:.4g} to {:.4g}".format(*ends),
            **{name: told(self.words(name)) for name in PROGRAMS},
        }


def told(words: Document) -> str:
    """Return what a program is told on one line."""
    return ", ".join(f"{name} {_short(value)}" for name, value in words.items())


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "{" + told(value) + "}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def training_advice(
    schedule: Schedule, sigma_data: float, noise_scale: float = 1.0
) -> TrainingAdvice:
    """Return the advice of a schedule's law.

    Parameters
    ----------
    sigma_data
        Standard deviation of the images.
    noise_scale
        Standard deviation of a flow network's noise at time 1.
    """
    fit = lognormal_fit(law_sample(schedule)).parameters
    law = NormalLaw(fit["mean"], fit["std"])
    ends = schedule.sigma_min, schedule.sigma_max
    return TrainingAdvice(law, *ends, sigma_data, noise_scale)


def _edm(advice: TrainingAdvice) -> Document:
    law = advice.law
    return {"P_mean": law.mean, "P_std": law.std, "sigma_data": advice.sigma_data}


def _k_diffusion(advice: TrainingAdvice) -> Document:
    density = {"type": "lognormal", "mean": advice.law.mean, "std": advice.law.std}
    return {
        "sigma_data": advice.sigma_data,
        "sigma_min": advice.sigma_min,
        "sigma_max": advice.sigma_max,
        "sigma_sample_density": density,
    }


def _jit(advice: TrainingAdvice) -> Document:
    return {
        "P_mean": -advice.logit_mean,
        "P_std": advice.law.std,
        "noise_scale": advice.noise_scale,
    }


def _pmf(advice: TrainingAdvice) -> Document:
    return {
        "P_mean": advice.logit_mean,
        "P_std": advice.law.std,
        "noise_scale": advice.noise_scale,
    }


def _diffusers(advice: TrainingAdvice) -> Document:
    # Its u counts the scheduler's timesteps, which begin with noise.
    return {
        "weighting_scheme": "logit_normal",
        "logit_mean": -advice.logit_mean,
        "logit_std": advice.law.std,
    }


def _kohya(advice: TrainingAdvice) -> Document:
    return {
        "timestep_sampling": "shift",
        "sigmoid_scale": advice.law.std,
        "discrete_flow_shift": math.exp(advice.logit_mean),
    }


def _simpletuner(advice: TrainingAdvice) -> Document:
    return {
        "flow_sigmoid_scale": advice.law.std,
        "flow_schedule_shift": math.exp(advice.logit_mean),
    }


def _onetrainer(advice: TrainingAdvice) -> Document:
    return {
        "timestep_distribution": "LOGIT_NORMAL",
        "noising_weight": advice.law.std - 1,
        "noising_bias": advice.logit_mean,
        "timestep_shift": 1.0,
    }


PROGRAMS: Mapping[str, Callable[[TrainingAdvice], Document]] = {
    "edm": _edm,
    "k-diffusion": _k_diffusion,
    "jit": _jit,
    "pmf": _pmf,
    "diffusers": _diffusers,
    "kohya": _kohya,
    "simpletuner": _simpletuner,
    "onetrainer": _onetrainer,
}
"""What programs are told, by their names: EDM's serves EDM2, and JiT's its kin."""
