"""ComfyUI: texts for its node ManualSigmas and for KJNodes, and a workflow node.

``ManualSigmas`` finds numbers wherever they stand but knows no exponents: 2e-3 is 2 and
-3 to it. KJNodes' ``CustomSigmas`` splits at a comma and a blank, and interpolates
unless ``interpolate_to_steps`` is the number of steps. Positional decimals with a comma
and a blank suit both.
"""

from __future__ import annotations

from dataclasses import replace

from spectral_sched.schedules.coordinates import convert
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.formats import joined
from spectral_sched.targets.target import (
    MODEL_RANGE,
    Job,
    Target,
    option,
    outside_model,
    said_range,
    word,
)

MODEL = word("model", ("sigma", "flow"), "what the model knows: sigma or flow time")


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
    wanted = convert(job.sigmas, "sigma", "flow_time")
    values = float32_levels(wanted, "ComfyUI")
    return Artifact(
        values,
        coordinate="flow_time",
        wanted=wanted,
        played=values,
        played_in="flow_time",
        start_scale=1 / (1 - float(wanted[0])),
        usage="paste it into ManualSigmas; these are final values, no shift follows",
    )


def _kjnodes(job: Job) -> Artifact:
    given = _sigmas(job) if job.settings["model"] == "sigma" else _flow(job)
    count = job.table.num_steps
    usage = f"paste it into CustomSigmas and set interpolate_to_steps to {count}"
    return replace(given, usage=usage)


def _workflow(job: Job) -> Artifact:
    given = _sigmas(job) if job.settings["model"] == "sigma" else _flow(job)
    number = str(int(job.number("id") or 0))
    node = {
        "class_type": "ManualSigmas",
        "inputs": {"sigmas": joined(given)},
        "_meta": {"title": f"specsched, {job.table.num_steps} steps"},
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
    ),
    Target(
        "comfy-api",
        "ComfyUI's node ManualSigmas for a workflow in API format",
        _workflow,
        formats=("json",),
        parameters=(
            MODEL,
            option("id", 100.0, 0, 1e9, "number of the node in the workflow"),
            *MODEL_RANGE,
        ),
        knows=said_range,
    ),
    Target(
        "kjnodes",
        "text for CustomSigmas of ComfyUI-KJNodes, the final 0 included",
        _kjnodes,
        parameters=(MODEL, *MODEL_RANGE),
        knows=said_range,
    ),
)
