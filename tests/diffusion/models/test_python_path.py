"""Models that a user's own module makes, and what is told when it fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.load import load_denoiser
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.errors import InputError, UsageError
from tests.diffusion.sampling.test_sampler import CPU
from tests.diffusion.test_batches import PLAN, SHAPE
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

if TYPE_CHECKING:
    from spectral_sched.diffusion.models.denoiser import Denoiser

MODULE = """
import torch
from spectral_sched.diffusion.models import wrap, Classes
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.files.network_config import NetworkConfig


def halved(x, sigma):
    return x / 2


halved.sigma_range = (0.1, 9.0)


class Made:
    shape = (3, 8, 8)

    def __call__(self, x, sigma):
        return x / 4


def factory(device, dtype=torch.float64):
    assert device == torch.device("cpu")
    return wrap(torch.nn.Dropout(), predicts="x0", time="sigma") if 0 else Placed(dtype)


class Placed:
    def __init__(self, dtype):
        self.dtype = dtype

    def __call__(self, x, sigma):
        assert x.dtype == self.dtype
        return x / 8


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.batch = torch.nn.BatchNorm2d(3)

    def forward(self, x, time):
        return self.batch(x)


def network():
    return wrap(Net(), predicts="x0", time="sigma")


def classes():
    told = lambda x, time, y: x + y.reshape(-1, 1, 1, 1)
    return wrap(told, predicts="x0", time="sigma", classes=Classes(3, argument="y"))


def ours():
    return NetworkDenoiser(NetworkConfig(3, (16, 16), 1, 0.5))


class inner:
    deep = halved


def broken(x, sigma):
    return x[None] @ sigma["level"]


def narrow(x, sigma):
    return x[:, :1]


def refuses():
    raise RuntimeError("no\\nweights")


def nothing():
    return None
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder with a module `mine`, which is forgotten afterwards."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "wrong.py").write_text("import torch\n1 / 0\n")
    (tmp_path / "lacking.py").write_text("import not_there_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("mine", "wrong", "lacking"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def loaded(name: str) -> Denoiser:
    return load_denoiser(name, PLAN, CPU, torch.float32)


def images() -> torch.Tensor:
    return torch.rand(2, *SHAPE) + 1


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("mine:halved", 0.5),
        ("mine:inner.deep", 0.5),
        ("mine:Made", 0.25),
        ("mine:factory", 0.125),
    ],
)
@pytest.mark.usefixtures("place")
def test_functions_classes_and_factories(name: str, factor: float) -> None:
    x = images()
    assert torch.allclose(loaded(name)(x, 1.0), factor * x)


@pytest.mark.usefixtures("place")
def test_what_it_says_of_itself_is_heard() -> None:
    assert facts_of(loaded("mine:halved")).sigma_range == (0.1, 9.0)
    assert facts_of(loaded("mine:halved")).between is None
    assert facts_of(loaded("mine:Made")).shape == (3, 8, 8)
    told = loaded("mine:classes")
    facts = facts_of(told)
    assert facts.num_classes == 3
    x = images()
    assert torch.allclose(facts.of_class(2)(x, 1.0), x + 2)
    with pytest.raises(UsageError, match="has 3 classes"):
        told(x, 1.0)
    assert isinstance(loaded("mine:ours"), NetworkDenoiser)


@pytest.mark.usefixtures("place")
def test_networks_are_evaluated_not_trained() -> None:
    x = images()
    # In training, batch-norm would take the mean away.
    assert torch.allclose(loaded("mine:network")(x, 1.0), x, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine:other", "there is no other in the module mine"),
        ("hers:other", "there is no module hers for the model hers:other"),
        ("wrong:any", r"ZeroDivisionError: division by zero \(.*wrong.py:2\)"),
        ("lacking:any", r"No module named 'not_there_at_all' \(.*lacking.py:1\)"),
        ("mine:refuses", r"RuntimeError: no weights \(.*mine.py:\d+\)"),
        ("mine:nothing", "makes a NoneType"),
    ],
)
@pytest.mark.usefixtures("place")
def test_modules_that_fail_are_told_in_a_sentence(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        loaded(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine:broken", r"mine:broken failed with \w+Error: .* \(.*mine.py:\d+\)"),
        ("mine:narrow", r"returns \(2, 1, 8, 8\) for images \(2, 3, 8, 8\)"),
    ],
)
@pytest.mark.usefixtures("place")
def test_functions_that_fail_are_told_in_a_sentence(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        loaded(name)(torch.rand(2, 3, 8, 8), 1.0)


def test_memory_that_is_out_is_no_fault_of_the_model(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "mine.py").write_text(
        "import torch\n\n\ndef full(x, sigma):\n"
        "    raise torch.OutOfMemoryError('full')\n"
    )
    with pytest.raises(torch.OutOfMemoryError):
        loaded("mine:full")(images(), 1.0)
    del monkeypatch


def test_commands_take_it(place: Path) -> None:
    write_pictures(place / "images", 6, (8, 8))
    specsched("analyze", "images", cwd=place)
    specsched("export", "--steps", 3, cwd=place)
    specsched("sample", "--model", "mine:halved", "--seeds", "0-1", cwd=place)
    assert (place / "samples" / "0000000000.png").exists() or list(
        (place / "samples").glob("*.png")
    )
    told = sentence("sample", "--model", "mine:broken", "-o", "two", cwd=place, code=3)
    assert "mine.py" in told
