"""A ComfyUI custom node that gives SIGMAS from a file of this project.

Copy this file to ``ComfyUI/custom_nodes/``, or put a file there with the one line
``from spectral_sched.comfyui import *``, where this package is installed. The node is
``SpecschedScheduler``, among the schedulers; it follows ComfyUI's protocol for nodes:
``INPUT_TYPES``, ``RETURN_TYPES``, ``FUNCTION`` and ``NODE_CLASS_MAPPINGS``. For its
later protocol the line is ``from spectral_sched.comfyui import comfy_entrypoint``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from spectral_sched.documents.strict_json import digest
from spectral_sched.errors import InputError
from spectral_sched.files.schedule import read_plan
from spectral_sched.planning.replan import (
    Fitting,
    ModelLimits,
    fit_to_model,
    raise_floor,
    replan,
)
from spectral_sched.planning.request import MAX_STEPS
from spectral_sched.schedules import UNIT_FLOW, FlowModel
from spectral_sched.solvers.registry import FLOW_SAMPLERS
from spectral_sched.targets.checks import check_start

if TYPE_CHECKING:
    import torch

    from spectral_sched.planning.plan import Plan

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

MODELS = ("sigma", "flow")
"""What the model knows noise by."""

AS_PLANNED = "as planned"

NAME, TITLE = "SpecschedScheduler", "Specsched Scheduler"
CATEGORY = "sampling/custom_sampling/schedulers"
DESCRIPTION = (
    "Noise levels measured from your own images. A network that is connected says by "
    "itself what it knows noise by, how strong its noise is, and in which range."
)
DEFAULT_FILE = "tight.json"
STEPS_TIP = "0: as planned"


def sigmas_of(
    file: str, steps: int, sampler: str, model: str, network: Any = None
) -> torch.Tensor:
    """Return the levels of a schedule file and the final 0, float32 on the host.

    Parameters
    ----------
    file
        The schedule file.
    steps
        Number of steps, 0 for that of the file.
    sampler
        Name of the solver, or `AS_PLANNED`.
    model
        One of `MODELS`; what the network says comes before it.
    network
        ComfyUI's MODEL.

    Raises
    ------
    SpecschedError
        If the file cannot be read or used.
    """
    import torch

    plan = read_plan(Path(file))
    check_start(plan.request, "ComfyUI")
    flow = UNIT_FLOW if model == "flow" else None
    if network is not None:
        sampling = network.get_model_object("model_sampling")
        flow = flow_of_sampling(sampling)
        plan = _inside(plan, sampling, flow)
    solver = None if sampler == AS_PLANNED else sampler
    table = replan(plan, steps or plan.table.num_steps, solver).table
    levels = [flow.time(level) for level in table.levels] if flow else table.levels
    return torch.tensor([*levels, 0.0], dtype=torch.float32)


def flow_of_sampling(sampling: Any) -> FlowModel | None:
    """Return the noise of a network of flow time, None if it is one of sigma.

    Parameters
    ----------
    sampling
        ComfyUI's ``model_sampling``, which is a ``CONST`` where noise and image are
        mixed with weights that add up to 1.
    """
    if not any(each.__name__ == "CONST" for each in type(sampling).__mro__):
        return None
    return FlowModel(float(getattr(sampling, "noise_scale", 1.0)))


def _inside(plan: Plan, sampling: Any, flow: FlowModel | None) -> Plan:
    """Return a plan inside the range that a network says it knows."""
    low, high = float(sampling.sigma_min), float(sampling.sigma_max)
    if flow:
        return raise_floor(plan, float(flow.sigma(low)))
    limits = ModelLimits(sigma_range=(low, high if high else math.inf))
    return fit_to_model(plan, limits, Fitting(clip=True))[0]


def fingerprint(file: str | None) -> str:
    """Return what changes when a schedule file does.

    ComfyUI asks before it runs the workflow: what another node will give is None then,
    and a change of it is noticed by itself.
    """
    return digest(Path(file).read_text(encoding="utf-8")) if file else ""


def validated(file: str | None) -> bool | str:
    """Return whether a schedule file can be read, or a sentence that says why not.

    Of what another node will give, None, nothing is known yet.
    """
    if file is None:
        return True
    try:
        read_plan(Path(file))
    except InputError as error:
        return str(error)
    return True


class SpecschedScheduler:
    """Gives the SIGMAS of a schedule file, or of another number of steps from it."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("SIGMAS",)
    FUNCTION: ClassVar[str] = "get_sigmas"
    CATEGORY: ClassVar[str] = CATEGORY
    DESCRIPTION: ClassVar[str] = DESCRIPTION

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:  # noqa: N802
        """Return the widgets: file, steps (0 for those of the file), solver, model."""
        steps = {"default": 0, "min": 0, "max": MAX_STEPS, "tooltip": STEPS_TIP}
        return {
            "required": {
                "file": ("STRING", {"default": DEFAULT_FILE, "multiline": False}),
                "steps": ("INT", steps),
                "sampler": ([AS_PLANNED, *FLOW_SAMPLERS],),
                "model": (list(MODELS),),
            },
            "optional": {"network": ("MODEL",)},
        }

    @classmethod
    def IS_CHANGED(cls, file: str | None, **_others: Any) -> str:  # noqa: N802
        """Return what changes when the file does."""
        return fingerprint(file)

    @classmethod
    def VALIDATE_INPUTS(cls, file: str | None) -> bool | str:  # noqa: N802
        """Return whether the file can be read, or a sentence that says why not."""
        return validated(file)

    def get_sigmas(
        self, file: str, steps: int, sampler: str, model: str, network: Any = None
    ) -> tuple[torch.Tensor]:
        """Return the levels and the final 0, (steps + 1,), float32 on the host."""
        return (sigmas_of(file, steps, sampler, model, network),)


NODE_CLASS_MAPPINGS = {NAME: SpecschedScheduler}
NODE_DISPLAY_NAME_MAPPINGS = {NAME: TITLE}


def _schema(io: Any) -> Any:
    """Return what ComfyUI's later protocol is told of the node."""
    return io.Schema(
        node_id=NAME,
        display_name=TITLE,
        category=CATEGORY,
        description=DESCRIPTION,
        inputs=[
            io.String.Input("file", default=DEFAULT_FILE),
            io.Int.Input("steps", default=0, min=0, max=MAX_STEPS, tooltip=STEPS_TIP),
            io.Combo.Input("sampler", options=[AS_PLANNED, *FLOW_SAMPLERS]),
            io.Combo.Input("model", options=list(MODELS)),
            io.Model.Input("network", optional=True),
        ],
        outputs=[io.Sigmas.Output()],
    )


async def comfy_entrypoint() -> Any:
    """Return the extension that ComfyUI's later protocol asks a file for."""
    from comfy_api.latest import ComfyExtension, io

    class Scheduler(io.ComfyNode):  # type: ignore[misc]
        """The same node."""

        @classmethod
        def define_schema(cls) -> Any:
            return _schema(io)

        @classmethod
        def execute(cls, **inputs: Any) -> Any:
            return io.NodeOutput(sigmas_of(**inputs))

        @classmethod
        def fingerprint_inputs(cls, file: str | None, **_others: Any) -> str:
            return fingerprint(file)

        @classmethod
        def validate_inputs(cls, file: str | None) -> bool | str:
            return validated(file)

    class Extension(ComfyExtension):  # type: ignore[misc]
        """The node alone."""

        async def get_node_list(self) -> list[type]:
            return [Scheduler]

    return Extension()
