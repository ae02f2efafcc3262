"""The lines of docs/how-to/targets.md, run one after the other in one folder."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.targets import TARGETS
from tests.support.documentation import blocks, pages, prepared, ran
from tests.support.released import released

PAGE = pages()["docs/how-to/targets.md"]
EXAMPLES = blocks(PAGE, "python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which all commands of the page have run."""
    path = prepared(tmp_path_factory.mktemp("page"))
    commands = blocks(PAGE, "sh")
    assert len(commands) > 12
    for block in commands:
        ran(block, path)
    return path


def test_every_target_is_on_the_page() -> None:
    for name in TARGETS:
        assert re.search(rf"\b{name}\b", PAGE), name


def mean(x: torch.Tensor, *_others: Any, **_more: Any) -> torch.Tensor:
    """Stand for a network."""
    return 0 * x


class Pipe:
    """Stands for a pipeline of diffusers, and steps through what it is given."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def __call__(self, *_prompt: str, **given: Any) -> Any:
        self.scheduler.set_timesteps(**given)
        x = torch.ones(1, 3, 8, 8) * self.scheduler.init_noise_sigma
        for time in self.scheduler.timesteps:
            held = self.scheduler.scale_model_input(x, time)
            x = self.scheduler.step(mean(held), time, x).prev_sample
        return SimpleNamespace(images=x)


class WithSteps(Pipe):
    """Counts steps, as pipelines do that take no table."""

    def __call__(self, *_prompt: str, **given: Any) -> Any:
        return super().__call__(num_inference_steps=given["num_inference_steps"])


class Small(torch.nn.Module):
    """Stands for a model of smalldiffusion."""

    def rand_input(self, count: int) -> torch.Tensor:
        return torch.ones(count, 3, 8, 8)

    def predict_eps_cfg(self, x: torch.Tensor, *_others: Any) -> torch.Tensor:
        return mean(x)


def names_for(heading: str) -> dict[str, Any]:
    """Return what the lines of a section take for granted."""
    names: dict[str, Any] = {"torch": torch, "np": np, "Path": Path, "model": mean}
    if heading == "k-diffusion":
        return names | {"K": released("k_diffusion")}
    if heading == "smalldiffusion":
        small = released("smalldiffusion")
        here = SimpleNamespace(device="cpu")
        names |= {"Schedule": small.Schedule, "samples": small.samples}
        return names | {"model": Small(), "accelerator": here}
    if heading == "prx-pixel":
        diffusers = pytest.importorskip("diffusers")
        return names | {"pipe": WithSteps(diffusers.FlowMatchEulerDiscreteScheduler())}
    if heading.startswith("diffusers"):
        diffusers = pytest.importorskip("diffusers")
        names |= {name: getattr(diffusers, name) for name in SCHEDULERS}
        kind = WithSteps if "without files" in heading else Pipe
        return names | {"pipe": kind(diffusers.DDPMScheduler())}
    return names


SCHEDULERS = (
    *("EulerDiscreteScheduler", "DPMSolverMultistepScheduler"),
    "FlowMatchEulerDiscreteScheduler",
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "heading", list(dict.fromkeys(block.heading for block in EXAMPLES))
)
def test_the_lines_of_a_section_run(
    folder: Path, heading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for block in (each.content for each in EXAMPLES if each.heading == heading):
        statements = ast.parse(block).body
        assert sum(not isinstance(each, ast.ImportFrom) for each in statements) <= 3
        names = names_for(heading)
        exec(block, names)
        for name in ("pictures", "x"):
            if name in names:
                assert torch.isfinite(names[name]).all()
        if "sigmas" in names:
            sigmas = json.loads((folder / "tight.json").read_text())["sigmas"]
            first, last = float(names["sigmas"][0]), float(names["sigmas"][-1])
            # A table of more steps starts higher.
            assert 0.7 * sigmas[0] < first < 1.6 * sigmas[0]
            assert last == 0
