"""What the README says is what happens."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spectral_sched.cli import app

from .commands import run
from .helpers import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_every_command_is_explained() -> None:
    result = CliRunner().invoke(app, ["--help"])
    listed = re.search(r"Commands:\n(.*)", result.stdout, flags=re.DOTALL)
    assert listed
    commands = re.findall(r"^  (\w+)", listed[1], flags=re.MULTILINE)
    assert {"analyze", "export", "sample"} <= set(commands)
    for command in commands:
        assert f"specsched {command}" in README


def test_the_lines_of_every_block_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_images", tmp_path / "sample_images")
    lines = [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith(("specsched ", "python -m spectral_sched"))
    ]
    assert len(lines) >= 5
    for line in lines:
        program, *arguments = line.removeprefix("python -m ").split()
        if program == "specsched":
            ended = run(*arguments, cwd=tmp_path)
            assert ended.returncode == 0, (line, ended.stderr)
        else:
            command = [sys.executable, "-m", program, *arguments]
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_the_lines_of_the_plot_block_run(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    shutil.copytree(ROOT / "sample_images", tmp_path / "sample_images")
    (block,) = blocks("sh plot")
    before = (
        "analyze ./sample_images",
        "export",
        "export --kind karras -o karras.json",
    )
    for line in (*before, *block.replace("specsched ", "").splitlines()):
        ended = run(*line.split(), cwd=tmp_path)
        assert ended.returncode == 0, (line, ended.stderr)
    made = {path.suffix for path in tmp_path.iterdir()}
    assert {".png", ".svg", ".html"} <= made


def test_python_blocks_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_images", tmp_path / "sample_images")
    for block in blocks("python"):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True)


def test_links_into_the_project_resolve() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
