"""Programs that train flow networks, by the flags that shape their draws of noise.

All of them draw the logit of a flow time from a normal law, under names and signs of
their own (`planning.training_advice`).
"""

from __future__ import annotations

from functools import partial

from spectral_sched.planning.training_advice import told, training_advice
from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.target import FLOW_MODEL, LawJob, Target, flow_of


def trainer_law(law: LawJob, program: str, usage: str, dashes: str = "") -> Artifact:
    """Return what a program that trains a flow network is told of a law.

    Parameters
    ----------
    program
        Its name among those of `planning.training_advice`.
    dashes
        What its names begin with on a command line.
    """
    sigma_data = law.data_set.power.field.sigma_data
    scale = flow_of(law.settings).noise_scale
    advice = training_advice(law.schedule, sigma_data, scale)
    words = advice.words(program)
    return Artifact(
        fields=words,
        text=" ".join(f"{dashes}{name}={value}" for name, value in words.items()),
        remarks=(told(words), "the range is not told: draws beyond it are rare"),
        usage=usage,
    )


def _target(name: str, what: str, usage: str, dashes: str = "") -> Target:
    return Target(
        name,
        what,
        law=partial(trainer_law, program=name, usage=usage, dashes=dashes),
        formats=("text", "json"),
        parameters=FLOW_MODEL,
    )


TARGETS = (
    _target(
        "kohya",
        "timestep flags of sd-scripts for flow networks",
        "flags of the training script, beside those of the model",
        "--",
    ),
    _target(
        "simpletuner",
        "timestep options of SimpleTuner for flow networks",
        "options of the training, as flags or in its configuration",
        "--",
    ),
    _target(
        "onetrainer",
        "timestep settings of OneTrainer for flow networks",
        "settings of the training, in its configuration",
    ),
    _target(
        "pmf",
        "P_mean, P_std and noise_scale of pMF, whose time is 1 at noise",
        "keys of model in its configuration",
    ),
)
