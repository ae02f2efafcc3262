"""``specsched plot`` as a user runs it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectral_sched.plots.marks import is_our_picture
from tests.support.commands import sentence, specsched


@pytest.fixture
def without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


def test_a_picture_of_two_schedules(files: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "two.png"
    run = specsched(
        "plot", "tight.json", "k.json", "--panel", "step", "-o", picture, cwd=files
    )
    assert run.stdout == "step: tight.json, k.json\n"
    assert run.stderr == f"wrote {picture}; next: specsched report\n"
    with Image.open(picture) as opened:
        assert opened.format == "PNG"


def test_the_picture_is_plot_png_if_not_named(files: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    specsched("plot", files / "training.json", cwd=tmp_path)
    assert (tmp_path / "plot.png").is_file()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_only_our_pictures_are_replaced(
    files: Path, tmp_path: Path, suffix: str
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"picture{suffix}"
    arguments = ("plot", files / "training.json", "-o", path)
    specsched(*arguments, cwd=tmp_path)
    made = path.read_bytes()
    assert is_our_picture(path)
    specsched(*arguments, cwd=tmp_path)
    path.write_bytes(made.replace(b"specsched", b"something"))
    assert not is_our_picture(path)
    text = sentence(*arguments, cwd=tmp_path, code=2)
    assert "was not written by specsched; name another file with -o" in text
    specsched(*arguments, "--force", cwd=tmp_path)
    assert path.read_bytes() == made


def test_places_that_cannot_be_written(files: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("plot.gif", "-"):
        text = sentence("plot", "tight.json", "-o", name, cwd=files, code=2)
        assert text.endswith(
            f"{name} names no image format; end it in one of .png, .svg, .pdf"
        )
    text = sentence(
        "plot", "tight.json", "--terminal", "-o", tmp_path / "a.png", cwd=files, code=2
    )
    assert "--terminal writes no file" in text


@pytest.mark.usefixtures("without_matplotlib")
def test_without_matplotlib_a_named_picture_is_refused(
    files: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    text = sentence("plot", "tight.json", "-o", path, cwd=files, code=4)
    assert text.endswith("install it: pip install 'spectral-sched[plot]'")
    assert not path.exists()


@pytest.mark.usefixtures("without_matplotlib")
def test_without_matplotlib_blocks_are_printed(files: Path) -> None:
    run = specsched("plot", "tight.json", cwd=files)
    assert run.stderr == "next: pip install 'spectral-sched[plot]', to draw images\n"
    blocks = specsched("plot", "tight.json", "--terminal", cwd=files)
    assert blocks.stdout == run.stdout
    assert "█" in run.stdout
    levels = json.loads((files / "tight.json").read_text())["sigmas"]
    assert all(f" {level:.5g}\n" in run.stdout for level in levels[:-1])
    assert not (files / "plot.png").exists()


def test_names_with_brackets_are_not_markup(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "[bold]x[red].json"
    path.write_bytes((files / "tight.json").read_bytes())
    run = specsched("plot", path, "--terminal", cwd=tmp_path)
    assert run.stdout.count("[bold]x[red].json") == 3
    assert "\x1b" not in run.stdout
    assert f"specsched plot '{path}' -o plot.png" in run.stderr


def test_json_is_strict(files: Path) -> None:
    run = specsched(
        "plot", "tight.json", "training.json", "--terminal", "--json", cwd=files
    )
    document = json.loads(run.stdout, parse_constant=pytest.fail)
    assert document["format"] == "specsched.plot"
    spectrum = document["panels"][0]["curves"][0]
    sigmas = json.loads((files / "tight.json").read_text())["sigmas"]
    assert spectrum["levels"] == sigmas[:-1]
    assert len(spectrum["swamped"]) == len(sigmas) - 1


def test_foreign_and_missing_files(files: Path, tmp_path: Path) -> None:
    text = sentence("plot", tmp_path / "none.json", "--terminal", cwd=files, code=3)
    assert "does not exist" in text
    notes = tmp_path / "notes.json"
    notes.write_text("{}")
    text = sentence("plot", notes, "--terminal", cwd=files, code=3)
    assert "is not a specsched file" in text


@pytest.mark.parametrize("shape", [(1, 1), (1, 8)])
def test_the_smallest_pictures(tmp_path: Path, shape: tuple[int, int]) -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for number in range(12):
        levels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / "images" / f"{number}.png")
    specsched("analyze", "images", "--workers", 1, cwd=tmp_path)
    specsched("export", "--steps", 1, cwd=tmp_path)
    blocks = specsched("plot", "tight.json", "--terminal", cwd=tmp_path).stdout
    assert "█" in blocks
    specsched("plot", "tight.json", cwd=tmp_path)
    with Image.open(tmp_path / "plot.png") as picture:
        picture.load()


def test_the_next_line_can_be_typed_with_any_name(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "a table's.json"
    path.write_bytes((files / "tight.json").read_bytes())
    run = specsched("plot", path, "--terminal", "--panel", "step", cwd=tmp_path)
    told = run.stderr.removeprefix("next: ")
    assert shlex.split(told) == ["specsched", "plot", str(path), "-o", "plot.png"]
