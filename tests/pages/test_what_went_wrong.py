"""What goes wrong with networks of others: each cure of the page, tried.

The networks are Wiener's filter of the measured spectrum, called as others call theirs,
so that what a right call gives is known.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched import sample
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import read_spectrum
from tests.support.commands import sentence, specsched
from tests.support.documentation import pages
from tests.support.helpers import write_pictures

MODULE = '''
from pathlib import Path

import torch
from torch import nn

from spectral_sched.diffusion.models import Classes, WienerDenoiser, timesteps, wrap
from spectral_sched.files.any_format import read_data_set
from spectral_sched.schedules.betas import Betas

FIELD = read_data_set(Path("spectrum.json")).power.field


class Filter(nn.Module):
    """The filter, called as a network that predicts by a definition."""

    def __init__(self, predict):
        super().__init__()
        self.predict, self.dropout = predict, nn.Dropout(0.5)

    def forward(self, images, times, **classes):
        best = WienerDenoiser(FIELD, images.device, images.dtype)
        return self.predict(best, images, times, self.dropout)


def epsilon(best, images, steps, drop):
    """Return the noise of 1000 cosine timesteps, with an error where they are high."""
    if steps.dtype != torch.long:
        raise TypeError("timesteps are whole numbers")
    abar = torch.from_numpy(Betas("cosine").abar()).to(images)[steps]
    abar = abar.reshape(-1, 1, 1, 1)
    sigma = (1 / abar - 1).sqrt()
    x = images / abar.sqrt()
    wrong = torch.linspace(-1, 1, x[0].numel()).reshape(x[:1].shape).to(x)
    return (x - best(x, sigma.flatten())) / sigma + wrong * (sigma > 2)


def velocity(best, images, time, drop):
    share = time.reshape(-1, 1, 1, 1)
    clean = best(images / (1 - share), time / (1 - time))
    return (images - clean) / share


def whole():
    how = timesteps("cosine", whole="nearest")
    return wrap(Filter(epsilon), time=how)


def ve():
    def score(best, x, sigma, drop):
        return (best(x, sigma) - x) / sigma.reshape(-1, 1, 1, 1) ** 2

    network = Filter(score)
    return wrap(network, predicts="score", time="sigma", sigma_range=(0.05, 50))


def flow(**how):
    settings = {"predicts": "velocity", "time": "flow"} | how
    return wrap(Filter(velocity), **settings)


def backwards():
    return flow(time="flow-reversed")


def bytes_like():
    def clean(best, images, sigma, drop):
        return (best(2 * images - 1, 2 * sigma) + 1) / 2

    return Filter(clean)


def mistaken():
    return wrap(bytes_like(), predicts="x0", time="sigma")


def told():
    return wrap(bytes_like(), predicts="x0", time="sigma", pixels="0,1")


def classes(null=None):
    return wrap(
        Filter(lambda best, x, sigma, drop: best(x, sigma)),
        predicts="x0", time="sigma", classes=Classes(3, null=null, argument="y"),
    )


def with_null():
    return classes(2)


def training():
    network = Filter(lambda best, x, sigma, drop: drop(best(x, sigma))).train()
    return wrap(network, predicts="x0", time="sigma")
'''

PAGE = pages()["docs/how-to/your-own-network.md"]
SECTION = PAGE.partition("\n## If something goes")[2]
ROWS = re.findall(r"^\| (?!---|problem )(.*) \| (.*) \|$", SECTION, re.MULTILINE)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    write_pictures(folder / "images", 12, (8, 8))
    specsched("analyze", "images", cwd=folder)
    (folder / "networks.py").write_text(MODULE)
    return folder


@pytest.fixture
def folder(measured: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(measured)
    monkeypatch.setattr(sys, "path", [str(measured), *sys.path])
    monkeypatch.delitem(sys.modules, "networks", raising=False)
    for kept in measured.glob("*.audit.json"):
        kept.unlink()
    return measured


def named(function: str) -> tuple[str, str]:
    return ("--model", f"networks:{function}")


def exported(folder: Path, *flags: object) -> str:
    """Export a table of eight steps, and return what is said of it."""
    flags = ("--steps", 8, *flags, "-o", "table.json", "--force")
    return specsched("export", *flags, cwd=folder).stderr


def levels(folder: Path) -> tuple[float, ...]:
    return read_plan(folder / "table.json").table.levels


def spread(folder: Path, function: str) -> float:
    """Return the standard deviation of sampled pixels over that of the images."""
    with warnings.catch_warnings(action="ignore"):
        samples = sample(folder / "table.json", range(64), model=f"networks:{function}")
    return float(
        samples.std()
        / read_spectrum(folder / "spectrum.json").spectrum.field.sigma_data
    )


def audited(folder: Path, function: str, *flags: str) -> dict[str, Any]:
    shown = ("--data", "images", "--samples", "12", "--levels", "12", "--json")
    ended = specsched("audit", *named(function), *shown, *flags, cwd=folder)
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def suspects(folder: Path, function: str) -> str:
    return json.dumps(audited(folder, function)["findings"])


def burning(folder: Path) -> None:
    exported(folder)
    assert spread(folder, "whole") > 1.3
    audited(folder, "whole", "--write")
    exported(folder, *named("whole"))
    assert spread(folder, "whole") == pytest.approx(1, abs=0.1)


def unknown_levels(folder: Path) -> None:
    exported(folder, "--kind", "karras")
    assert levels(folder)[-1] < 0.01
    exported(folder, "--kind", "karras", *named("ve"))
    assert levels(folder)[-1] == pytest.approx(0.05)


def cosine(folder: Path) -> None:
    wide = ("--no-look", "--kind", "karras", "--sigma-max", 20000)
    assert "from 641.7 to" in exported(folder, *named("whole"), *wide)


def no_highest(folder: Path) -> None:
    wide = ("--kind", "karras", "--sigma-max", 20000)
    assert "from 999 to" in exported(folder, *named("flow"), *wide)


def whole(folder: Path) -> None:
    exported(folder, "--sigma-max", 1.9)
    assert np.isfinite(spread(folder, "whole"))


def pixels(folder: Path) -> None:
    assert "given pixels in [0, 1]" in suspects(folder, "mistaken")
    exported(folder)
    assert spread(folder, "told") == pytest.approx(1, abs=0.1)


def direction(folder: Path) -> None:
    assert "time that runs the other way" in suspects(folder, "backwards")
    assert audited(folder, "flow")["findings"] == []


def untold(folder: Path) -> None:
    exported(folder)
    played = ("--schedule", "table.json", "--seeds", "0", "-o", "samples", "--force")
    asked = sentence("sample", *named("classes"), *played, cwd=folder, code=2)
    assert "has 3 classes; choose with --class-label" in asked
    specsched("sample", *named("with_null"), *played, cwd=folder)


def dropped(folder: Path) -> None:
    exported(folder)
    assert spread(folder, "training") == pytest.approx(1, abs=0.1)


def by_hand(folder: Path) -> None:
    kept = ("--kind", "list", "--set", "levels=80/20/5/1")
    specsched("export", *kept, "-o", "table.json", "--force", cwd=folder)
    assert levels(folder) == (80, 20, 5, 1)


def native(folder: Path) -> None:
    exported(folder, "--kind", "native", *named("whole"))
    at = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    abar = np.cumprod(1 - np.minimum(1 - at[1:] / at[:-1], 0.999))
    trained = np.sqrt(1 / abar - 1)
    nearest = [np.abs(trained / level - 1).min() for level in levels(folder)]
    assert max(nearest) < 1e-6


CURES: dict[Callable[[Path], None], str] = {
    burning: "specsched audit --model M",
    unknown_levels: "specsched export --model M",
    cosine: "642",
    no_highest: "999",
    whole: 'whole="nearest"',
    pixels: 'pixels="0,1"',
    direction: 'time="flow-reversed"',
    untold: "null=10",
    dropped: "evaluated",
    by_hand: "--kind list --set levels=80/20/5/1",
    native: "--kind native --model M",
}
"""What is tried, and what the page's row of the same place names for it."""


def test_every_row_is_tried() -> None:
    assert len(ROWS) == len(CURES)
    for (_, cure), words in zip(ROWS, CURES.values(), strict=True):
        assert words in cure


@pytest.mark.parametrize("tried", CURES, ids=lambda tried: tried.__name__)
def test_cures_help(tried: Callable[[Path], None], folder: Path) -> None:
    tried(folder)
