"""The house rules that tools alone do not hold."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import spectral_sched
from spectral_sched.commands import COMMANDS
from tests.support.helpers import ROOT, write_pictures

PACKAGE = ROOT / "spectral_sched"
MODULES = sorted(PACKAGE.rglob("*.py"))


def loaded_by(code: str, cwd: Path) -> set[str]:
    """Return the modules that are loaded after running code in a new process."""
    program = f"import sys\n{code}\nsys.stderr.write(' '.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stderr.split("\n")[-1].split())


def command(*arguments: str) -> str:
    return (
        f"sys.argv = ['specsched', *{list(arguments)!r}]\n"
        "from spectral_sched.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
    )


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    names = [each.__name__ for each in COMMANDS]
    asked = ["--help"], *([name, "--help"] for name in names)
    loaded = loaded_by("".join(command(*each) for each in asked), tmp_path)
    assert {f"spectral_sched.commands.{name}" for name in names} <= loaded
    assert not loaded & {"torch", "scipy", "numpy", "PIL"}


def test_analysis_and_planning_load_no_torch(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 4)
    for arguments in (
        ("analyze", "images"),
        ("export", "--steps", "4"),
        ("export", "--target", "diffusers-edm", "-o", "sigmas.safetensors"),
    ):
        loaded = loaded_by(command(*arguments), tmp_path)
        assert "numpy" in loaded
        # The statistics of scipy take longer to load than a table to plan.
        assert not loaded & {"torch", "diffusers", "scipy.stats"}
    assert (tmp_path / "tight.json").is_file()


def bodies(path: Path) -> list[tuple[int, str]]:
    """Return the length of every function's body, without its docstring."""
    lengths = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None and len(node.body) > 1
            first = node.body[1 if documented else 0].lineno
            name = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            lengths.append(((node.end_lineno or first) - first + 1, name))
    return lengths


def test_functions_are_short() -> None:
    lengths = [length for path in MODULES for length in bodies(path)]
    assert max(lengths)[0] <= 40, max(lengths)
    assert statistics.median(length for length, _ in lengths) <= 10


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_the_version_is_the_newest_in_the_changelog() -> None:
    headings = [
        line.split()[1]
        for line in (ROOT / "CHANGELOG.md").read_text().splitlines()
        if line.startswith("## ")
    ]
    assert headings[0] == spectral_sched.__version__
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{spectral_sched.__version__}"' in project
