"""ComfyUI: texts for its node ManualSigmas, KJNodes and RES4LYF, and a workflow node.

``ManualSigmas`` finds numbers wherever they stand but knows no exponents: 2e-3 is 2 and
-3 to it. KJNodes' ``CustomSigmas`` splits at a comma and a blank, and interpolates
unless ``interpolate_to_steps`` is the number of steps. Positional decimals with a comma
and a blank suit both, and ``Sigmas From Text`` of RES4LYF, which takes either.

Flow networks whose noise is not of unit variance have it from the node
``ModelNoiseScale``; ComfyUI starts them from the first level exactly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.checks import below_clamp
from spectral_sched.targets.formats import joined
from spectral_sched.targets.target import (
    ANY_MODEL,
    FLOW_MODEL,
    FLOW_NOISE,
    MODEL_RANGE,
    Alias,
    Job,
    Target,
    flow_of,
    flows,
    option,
    outside_model,
    said_range,
)
from spectral_sched.words import number_of


def _sigmas(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "ComfyUI")
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        start_scale=float(values[0]),
        warnings=outside_model(job),
        usage="paste it into ManualSigmas, SIGMAS goes to SamplerCustomAdvanced",
    )


def _flow(job: Job) -> Artifact:
    flow = job.flow
    wanted = np.append(flow.time(np.array(job.table.levels)), 0.0)
    values = float32_levels(wanted, "ComfyUI")
    return Artifact(
        values,
        coordinate="flow_time",
        wanted=wanted,
        played=values,
        played_in="flow_time",
        start_scale=job.table.levels[0],
        remarks=_scaled(job),
        warnings=below_clamp(job.table.sigmas, flow),
        usage="paste it into ManualSigmas; these are final values, no shift follows",
    )


def _scaled(job: Job) -> tuple[str, ...]:
    """Return what a network needs beside the text, if its noise is not of unit size."""
    scale = job.flow.noise_scale
    if scale == 1:
        return ()
    return (f"the text is for noise of {scale:g}: set ModelNoiseScale to {scale:g}",)


def _any(job: Job) -> Artifact:
    flow_of(job.settings)
    return _flow(job) if flows(job.settings) else _sigmas(job)


def _kjnodes(job: Job) -> Artifact:
    given, count = _any(job), job.table.num_steps
    usage = f"paste it into CustomSigmas and set interpolate_to_steps to {count}"
    return replace(given, usage=usage)


def _res4lyf(job: Job) -> Artifact:
    return replace(_any(job), usage="paste it into Sigmas From Text of RES4LYF")


def _workflow(job: Job) -> Artifact:
    given = _any(job)
    number = str(int(job.number("id") or 0))
    node = {
        "class_type": "ManualSigmas",
        "inputs": {"sigmas": joined(given)},
        "_meta": {"title": f"specsched, {number_of(job.table.num_steps, 'step')}"},
    }
    usage = f'link ["{number}", 0] to the input sigmas of SamplerCustomAdvanced'
    return replace(given, fields={number: node}, usage=usage)


TARGETS = (
    Target(
        "comfy",
        "text for ComfyUI's ManualSigmas, models of sigma, the final 0 included",
        _sigmas,
        parameters=MODEL_RANGE,
        knows=said_range,
    ),
    Target(
        "comfy-flow",
        "text for ComfyUI's ManualSigmas, flow models: final flow times and 0",
        _flow,
        parameters=FLOW_MODEL,
        aliases=(Alias("chroma-radiance", ("model=chroma-radiance",)),),
    ),
    Target(
        "comfy-api",
        "ComfyUI's node ManualSigmas for a workflow in API format",
        _workflow,
        formats=("json",),
        parameters=(
            ANY_MODEL,
            *FLOW_NOISE,
            option("id", 100.0, 0, 1e9, "number of the node in the workflow"),
            *MODEL_RANGE,
        ),
        knows=said_range,
    ),
    Target(
        "kjnodes",
        "text for CustomSigmas of ComfyUI-KJNodes, the final 0 included",
        _kjnodes,
        parameters=(ANY_MODEL, *FLOW_NOISE, *MODEL_RANGE),
        knows=said_range,
    ),
    Target(
        "res4lyf",
        "text for Sigmas From Text of RES4LYF, the final 0 included",
        _res4lyf,
        parameters=(ANY_MODEL, *FLOW_NOISE, *MODEL_RANGE),
        knows=said_range,
    ),
)
