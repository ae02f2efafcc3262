"""The examples of the page about models, on networks that are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.diffusion.models.load import MODELS
from spectral_sched.schedules.coordinates import timestep_coordinate, trained_abar
from tests.support.commands import specsched
from tests.support.documentation import blocks, pages
from tests.support.helpers import write_pictures

PAGE = pages()["docs/how-to/models.md"]
EXAMPLES = [block.content for block in blocks(PAGE, "python")]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    write_pictures(folder / "images", 6)
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 8, cwd=folder)
    return folder


def pictures() -> Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.uniform(-1, 1, (12, 3, 16, 16)))


class KDiffusion:
    """The interface of k-diffusion's Denoiser: levels are one per image."""

    sigma_data = 0.5

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        assert sigma.shape == (len(x),)
        return FiniteSetDenoiser(pictures().to(x))(x, sigma)


def edm_net(x: Tensor, sigma: Tensor, class_labels: Tensor | None = None) -> Tensor:
    """Denoise images 3 and on, or only the image of a class."""
    assert sigma.shape == (len(x),)
    if class_labels is None:
        return FiniteSetDenoiser(pictures()[3:5].to(x))(x, sigma)
    assert class_labels.shape == (len(x), 10)
    label = int(class_labels.argmax(dim=1)[0])
    return pictures().to(x)[[label] * len(x)]


def epsilon(x: Tensor, timesteps: Tensor) -> Tensor:
    levels = timestep_coordinate(trained_abar("linear"), "")
    sigma = float(levels.to_sigma(np.array(float(timesteps[0]))))
    noisy = x * (1 + sigma**2) ** 0.5
    noise: Tensor = (noisy - FiniteSetDenoiser(pictures().to(x))(noisy, sigma)) / sigma
    return noise


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_examples_find_the_pictures(
    planned: Path, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    *wrappings, playing = EXAMPLES
    assert len(wrappings) == 3
    monkeypatch.chdir(planned)
    names: dict[str, Any] = {"model": KDiffusion(), "net": edm_net, "network": epsilon}
    exec(wrappings[index], names)
    exec(playing, names)
    found = names["pictures"]
    assert found.shape == (4, 3, 16, 16)
    distances = (found[:, None] - pictures()).square().mean(dim=(2, 3, 4)).sqrt()
    assert distances.min(dim=1).values.max() < 0.02
    if index == 1:
        assert set(distances.argmin(dim=1).tolist()) == {3}
    else:
        assert len(set(distances.argmin(dim=1).tolist())) > 1


def test_the_page_names_every_model() -> None:
    for name in MODELS.split(", "):
        assert f"| `{name}` |" in PAGE
