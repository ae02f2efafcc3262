"""Python lines for diffusers that several of its targets share.

A scheduler's configuration may hold options that replace any table that is passed to
it. The lines switch them off; a file of numbers cannot, so they are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.targets.target import Job

RESPACING = {
    "use_karras_sigmas": "False",
    "use_exponential_sigmas": "False",
    "use_beta_sigmas": "False",
}
"""Options of most schedulers that put levels of their own in a table's place."""

PICTURES = """

def play(pipe, noise):
    # For pipelines of pixels that take no VARIABLE, such as DDPMPipeline and
    # DDIMPipeline: noise is torch.randn(1, 3, side, side), pictures in [-1, 1] return.
    scheduler = pipe.scheduler
    scheduler.set_timesteps(VARIABLE=GIVEN)
    x = STARTED
    for t in scheduler.timesteps:
        answer = pipe.unet(SEEN, t, return_dict=False)[0].detach()
        x = scheduler.step(answer, t, x).prev_sample
    return x


# WITH"""


def loop(variable: str, comment: str, given: str = "", *, scaled: bool = True) -> str:
    """Return the loop that plays a table where a pipeline takes none.

    Parameters
    ----------
    variable
        What `set_timesteps` calls it.
    comment
        How it is passed to pipelines that do take it.
    given
        The table as it is passed, if not by its name.
    scaled
        Whether the scheduler scales the noise and the network's input; if not, NOISE
        stands in the lines for what sampling starts from.
    """
    words = {
        "VARIABLE": variable,
        "GIVEN": given or variable,
        "STARTED": "noise * scheduler.init_noise_sigma" if scaled else "NOISE",
        "SEEN": "scheduler.scale_model_input(x, t)" if scaled else "x",
        "WITH": comment,
    }
    text = PICTURES
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


def scheduler_lines(name: str, variable: str, options: Mapping[str, str]) -> str:
    """Return the lines that make a pipeline's scheduler one that plays a table."""
    said = "".join(f"    {option}={value},\n" for option, value in options.items())
    return (
        f"from diffusers import {name}\n"
        f"{variable} = {{values}}\n"
        f"pipe.scheduler = {name}.from_config(\n    pipe.scheduler.config,\n{said})"
    )


def named_options(job: Job, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence on the options that a file of numbers cannot switch off."""
    if job.form == "python":
        return ()
    said = ", ".join(f"{name}={value}" for name, value in options.items())
    return (
        f"the scheduler uses another table unless its configuration has {said}; "
        "--format python gives the lines that set them",
    )
