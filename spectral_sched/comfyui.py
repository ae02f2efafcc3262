"""A ComfyUI custom node that gives SIGMAS from a file of this project.

Copy this file to ``ComfyUI/custom_nodes/``, or put a file there with the one line
``from spectral_sched.comfyui import *``, where this package is installed. The node is
``SpecschedScheduler``, among the schedulers; it follows ComfyUI's protocol for nodes:
``INPUT_TYPES``, ``RETURN_TYPES``, ``FUNCTION`` and ``NODE_CLASS_MAPPINGS``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from spectral_sched.documents.strict_json import digest
from spectral_sched.errors import InputError
from spectral_sched.files.schedule import read_plan
from spectral_sched.planning.replan import replan
from spectral_sched.planning.request import MAX_STEPS
from spectral_sched.schedules.coordinates import convert
from spectral_sched.solvers.registry import FLOW_SAMPLERS
from spectral_sched.targets.checks import check_start

if TYPE_CHECKING:
    import torch

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

MODELS = {"sigma": "sigma", "flow": "flow_time"}
"""What the model knows noise by, and the coordinate of its SIGMAS."""

AS_PLANNED = "as planned"


class SpecschedScheduler:
    """Gives the SIGMAS of a schedule file, or of another number of steps from it."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("SIGMAS",)
    FUNCTION: ClassVar[str] = "get_sigmas"
    CATEGORY: ClassVar[str] = "sampling/custom_sampling/schedulers"
    DESCRIPTION: ClassVar[str] = "Noise levels measured from your own images."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:  # noqa: N802
        """Return the widgets: file, steps (0 for those of the file), solver, model."""
        steps = {"default": 0, "min": 0, "max": MAX_STEPS, "tooltip": "0: as planned"}
        return {
            "required": {
                "file": ("STRING", {"default": "tight.json", "multiline": False}),
                "steps": ("INT", steps),
                "sampler": ([AS_PLANNED, *FLOW_SAMPLERS],),
                "model": (list(MODELS),),
            }
        }

    @classmethod
    def IS_CHANGED(cls, file: str, **_others: Any) -> str:  # noqa: N802
        """Return what changes when the file does."""
        return digest(Path(file).read_text(encoding="utf-8"))

    @classmethod
    def VALIDATE_INPUTS(cls, file: str) -> bool | str:  # noqa: N802
        """Return whether the file can be read, or a sentence that says why not."""
        try:
            read_plan(Path(file))
        except InputError as error:
            return str(error)
        return True

    def get_sigmas(
        self, file: str, steps: int, sampler: str, model: str
    ) -> tuple[torch.Tensor]:
        """Return the levels and the final 0, (steps + 1,), float32 on the host."""
        import torch

        plan = read_plan(Path(file))
        check_start(plan.request, "ComfyUI")
        solver = None if sampler == AS_PLANNED else sampler
        table = replan(plan, steps or plan.table.num_steps, solver).table
        levels = convert(table.sigmas, "sigma", MODELS[model])
        return (torch.tensor(levels, dtype=torch.float32),)


NODE_CLASS_MAPPINGS = {"SpecschedScheduler": SpecschedScheduler}
NODE_DISPLAY_NAME_MAPPINGS = {"SpecschedScheduler": "Specsched Scheduler"}
