"""The node for ComfyUI, loaded and run as its host does.

ComfyUI cannot be installed as a package. The host here does what its documentation of
custom nodes says: it imports each file of a folder, takes ``NODE_CLASS_MAPPINGS``,
checks inputs against ``INPUT_TYPES`` and calls ``FUNCTION``. What comes from another
node is None while it checks.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
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
from spectral_sched.planning.request import NoiseLimits, TableRequest
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
        known = {key: None if linked(each) else each for key, each in inputs.items()}
        for name, value in known.items():
            if widgets[name] != ("MODEL",) and value is not None:
                check_widget(widgets[name], value)
        wanted = inspect.signature(node.VALIDATE_INPUTS).parameters
        told = node.VALIDATE_INPUTS(**{key: known[key] for key in wanted})
        if told is not True:
            raise ValueError(told)
        node.IS_CHANGED(**known)
        inputs = {
            key: prompt[each[0]]["gives"] if linked(each) else each
            for key, each in inputs.items()
        }
        outputs = getattr(node(), node.FUNCTION)(**inputs)
        assert len(outputs) == len(node.RETURN_TYPES)
        return tuple(outputs)


def linked(value: object) -> bool:
    return isinstance(value, list)


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
    return {"5": node}


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


def test_the_file_may_come_from_another_node(host: Host, schedule: Path) -> None:
    (expected,) = host.execute(workflow(schedule), "5")
    prompt = workflow(schedule, file=["4", 0]) | {"4": {"gives": str(schedule)}}
    (sigmas,) = host.execute(prompt, "5")
    assert torch.equal(sigmas, expected)
    gone = prompt | {"4": {"gives": str(schedule.with_name("none.json"))}}
    with pytest.raises(SpecschedError, match=r"none.json does not exist; make one"):
        host.execute(gone, "5")


def test_a_start_about_the_mean_is_refused(host: Host, schedule: Path) -> None:
    plan = make_plan(pink_source(), "karras", TableRequest.of("dpmpp-2m", 6, "mean"))
    write_document(plan_document(plan, provenance({})), schedule)
    with pytest.raises(SpecschedError, match="plan it without --start mean"):
        host.execute(workflow(schedule), "5")


class CONST:
    """Stands for ComfyUI's mixture of noise and image, by its name."""


class FlowSampling(CONST):
    """Stands for the sampling of a flow network."""

    sigma_min, sigma_max = torch.tensor(0.05), torch.tensor(1.0)

    def __init__(self, noise_scale: float) -> None:
        self.noise_scale = noise_scale


class SigmaSampling:
    """Stands for the sampling of a network of sigma."""

    sigma_min, sigma_max = torch.tensor(0.5), torch.tensor(9.0)


class Network:
    """Stands for ComfyUI's MODEL."""

    def __init__(self, sampling: object) -> None:
        self.sampling = sampling

    def get_model_object(self, name: str) -> object:
        assert name == "model_sampling"
        return self.sampling


@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_a_flow_network_says_its_noise_and_its_range(
    host: Host, schedule: Path, scale: float
) -> None:
    network = Network(FlowSampling(scale))
    (times,) = host.execute(workflow(schedule, network=network), "5")
    assert times[-1] == 0
    assert times[-2] >= 0.05 * (1 - 1e-6)
    levels = scale * times[:-1] / (1 - times[:-1])
    floor = scale * 0.05 / 0.95
    request = TableRequest.of("dpmpp-2m", 6, "zero", limits=NoiseLimits(floor=floor))
    plan = make_plan(pink_source(), "optimal", request)
    assert_allclose(levels, plan.table.levels, rtol=1e-4)


def test_a_network_of_sigma_says_its_range(host: Host, schedule: Path) -> None:
    inputs = workflow(schedule, network=Network(SigmaSampling()), model="flow")
    (sigmas,) = host.execute(inputs, "5")
    assert 8 < sigmas[0] <= 9
    assert sigmas[-2] >= 0.5 * (1 - 1e-6)


def stub_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put what ComfyUI's documentation says of its later protocol in its place."""

    def made(**given: Any) -> SimpleNamespace:
        return SimpleNamespace(**given)

    def named(name: str, **given: Any) -> SimpleNamespace:
        return SimpleNamespace(id=name, **given)

    kinds = {
        name: SimpleNamespace(Input=named, Output=made)
        for name in ("String", "Int", "Combo", "Model", "Sigmas")
    }
    latest = ModuleType("comfy_api.latest")
    latest.ComfyExtension = object  # type: ignore[attr-defined]
    latest.io = SimpleNamespace(  # type: ignore[attr-defined]
        ComfyNode=object, Schema=made, NodeOutput=lambda *outputs: outputs, **kinds
    )
    monkeypatch.setitem(sys.modules, "comfy_api", ModuleType("comfy_api"))
    monkeypatch.setitem(sys.modules, "comfy_api.latest", latest)


def test_the_later_protocol_has_the_same_node(
    schedule: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_api(monkeypatch)
    extension = asyncio.run(spectral_sched.comfyui.comfy_entrypoint())
    (node,) = asyncio.run(extension.get_node_list())
    schema = node.define_schema()
    inputs = workflow(schedule)["5"]["inputs"]
    assert [each.id for each in schema.inputs] == [*inputs, "network"]
    assert schema.inputs[-1].optional
    assert node.validate_inputs(str(schedule)) is True
    assert "does not exist" in node.validate_inputs(str(schedule) + "x")
    assert node.validate_inputs(None) is True
    assert node.fingerprint_inputs(None) == ""
    before = node.fingerprint_inputs(str(schedule), steps=3)
    (sigmas,) = node.execute(**inputs)
    old = spectral_sched.comfyui.SpecschedScheduler
    assert before == old.IS_CHANGED(str(schedule))
    assert torch.equal(sigmas, old().get_sigmas(**inputs)[0])
