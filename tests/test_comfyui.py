"""The node for ComfyUI, loaded and run as its host does.

ComfyUI cannot be installed as a package. The host here does what its documentation of
custom nodes says: it imports each file of a folder, takes ``NODE_CLASS_MAPPINGS``,
checks inputs against ``INPUT_TYPES`` and calls ``FUNCTION``.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from numpy.testing import assert_allclose

import spectral_sched.comfyui
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import write_document
from spectral_sched.errors import SpecschedError
from spectral_sched.files.schedule import plan_document
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from tests.support.pink import pink_source

ONE_LINE = "from spectral_sched.comfyui import *\n"


class Host:
    """A stand-in for ComfyUI with one custom node."""

    def __init__(self, file: Path) -> None:
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.nodes: dict[str, Any] = module.NODE_CLASS_MAPPINGS
        assert module.NODE_DISPLAY_NAME_MAPPINGS.keys() <= self.nodes.keys()

    def execute(self, prompt: dict[str, Any], number: str) -> tuple[Any, ...]:
        """Run a node of a workflow in API format, after checking its inputs."""
        node, inputs = (
            self.nodes[prompt[number]["class_type"]],
            prompt[number]["inputs"],
        )
        types = node.INPUT_TYPES()
        widgets = {**types["required"], **types.get("optional", {})}
        assert types["required"].keys() <= inputs.keys() <= widgets.keys()
        for name, value in inputs.items():
            check_widget(widgets[name], value)
        wanted = inspect.signature(node.VALIDATE_INPUTS).parameters
        told = node.VALIDATE_INPUTS(**{key: inputs[key] for key in wanted})
        if told is not True:
            raise ValueError(told)
        outputs = getattr(node(), node.FUNCTION)(**inputs)
        assert len(outputs) == len(node.RETURN_TYPES)
        return tuple(outputs)


def check_widget(widget: tuple[Any, ...], value: object) -> None:
    kind, *options = widget
    if isinstance(kind, list):
        assert value in kind
        return
    if kind == "STRING":
        assert isinstance(value, str)
    else:
        assert kind == "INT"
        assert isinstance(value, int)
        assert options[0]["min"] <= value <= options[0]["max"]


@pytest.fixture(params=["one line", "a copy"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    file = tmp_path / "custom_nodes" / "specsched_nodes.py"
    file.parent.mkdir()
    if request.param == "one line":
        file.write_text(ONE_LINE)
    else:
        shutil.copy(spectral_sched.comfyui.__file__, file)
    return Host(file)


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    plan = make_plan(pink_source(), "optimal", TableRequest.of("dpmpp-2m", 6, "zero"))
    write_document(plan_document(plan, provenance({})), tmp_path / "tight.json")
    return tmp_path / "tight.json"


def workflow(schedule: Path, **inputs: object) -> dict[str, Any]:
    given: dict[str, object] = {
        "file": str(schedule),
        "steps": 0,
        "sampler": "as planned",
        "model": "sigma",
    } | inputs
    node = {"class_type": "SpecschedScheduler", "inputs": given}
    prompt: dict[str, Any] = json.loads(json.dumps({"5": node}))
    return prompt


def test_the_node_gives_the_sigmas_of_the_file(host: Host, schedule: Path) -> None:
    (sigmas,) = host.execute(workflow(schedule), "5")
    plan = make_plan(pink_source(), "optimal", TableRequest.of("dpmpp-2m", 6, "zero"))
    assert (sigmas.dtype, sigmas.device.type, sigmas.ndim) == (torch.float32, "cpu", 1)
    assert_allclose(sigmas, plan.table.sigmas, rtol=1e-6)
    node: Any = host.nodes["SpecschedScheduler"]
    assert node.RETURN_TYPES == ("SIGMAS",)


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun"])
@pytest.mark.parametrize("steps", [1, 6, 13])
def test_other_steps_and_solvers_are_planned_from_the_file(
    host: Host, schedule: Path, steps: int, sampler: str
) -> None:
    (sigmas,) = host.execute(workflow(schedule, steps=steps, sampler=sampler), "5")
    plan = make_plan(pink_source(), "optimal", TableRequest.of(sampler, steps, "zero"))
    assert len(sigmas) - 1 == steps  # as SamplerCustomAdvanced counts steps
    assert_allclose(sigmas, plan.table.sigmas, rtol=1e-6)


def test_flow_models_get_flow_times(host: Host, schedule: Path) -> None:
    (sigmas,) = host.execute(workflow(schedule), "5")
    (times,) = host.execute(workflow(schedule, model="flow"), "5")
    assert_allclose(times, sigmas / (1 + sigmas), rtol=1e-5)


def test_a_file_that_is_missing_or_changed_is_noticed(
    host: Host, schedule: Path
) -> None:
    with pytest.raises(ValueError, match=r"none.json does not exist; make one with"):
        host.execute(workflow(schedule.with_name("none.json")), "5")
    node: Any = host.nodes["SpecschedScheduler"]
    before = node.IS_CHANGED(str(schedule), steps=3)
    assert before == node.IS_CHANGED(str(schedule), steps=4)
    plan = make_plan(pink_source(), "karras", TableRequest.of("dpmpp-2m", 6, "zero"))
    write_document(plan_document(plan, provenance({})), schedule)
    assert before != node.IS_CHANGED(str(schedule), steps=3)


def test_a_start_about_the_mean_is_refused(host: Host, schedule: Path) -> None:
    plan = make_plan(pink_source(), "karras", TableRequest.of("dpmpp-2m", 6, "mean"))
    write_document(plan_document(plan, provenance({})), schedule)
    with pytest.raises(SpecschedError, match="plan it without --start mean"):
        host.execute(workflow(schedule), "5")
