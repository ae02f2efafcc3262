"""Numbers that nobody means, in every option that takes one."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

from spectral_sched.commands import COMMANDS
from tests.support.commands import run, specsched
from tests.support.helpers import write_pictures

LINES = {
    "analyze": ("images", "-o-"),
    "merge": ("part.json", "-o-"),
    "export": ("--kind", "karras", "-o-"),
    "sample": ("--model", "wiener", "--seeds", "0"),
    "train": ("images",),
    "compare": ("--spectrum", "spectrum.json", "--kinds", "karras"),
    "audit": ("--model", "wiener", "--spectrum", "spectrum.json"),
}
"""What else is typed; without the absurd number it would run."""

HARMLESS = {
    ("analyze", "--max-errors"),
    ("analyze", "--workers"),
    ("train", "--minutes"),
    ("train", "--save-every"),
    ("compare", "--seed"),
    ("audit", "--seed"),
    ("train", "--seed"),
    ("audit", "--null-label"),
    ("sample", "--null-label"),
}
"""Options of which a large number is as good as any other number."""


def options(number: type) -> list[tuple[str, str]]:
    """Return the options of all commands that take a number of a type."""
    found = []
    for command in COMMANDS:
        hints = get_type_hints(command, include_extras=True)
        for name in inspect.signature(command).parameters:
            kind, *said = get_args(hints[name])
            types = {kind, *get_args(kind)}
            if number in types and isinstance(said[0], typer.models.OptionInfo):
                flags = said[0].param_decls or (f"--{name.replace('_', '-')}",)
                found.append((command.__name__, flags[-1]))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("numbers")
    write_pictures(place / "images", 4)
    specsched("analyze", "images", cwd=place)
    specsched("analyze", "images", "--shard", "0/1", "-o", "part.json", cwd=place)
    specsched("export", "--steps", 2, cwd=place)
    return place


def refused(command: str, flag: str, value: Any, folder: Path) -> None:
    ended = run(command, *LINES[command], f"{flag}={value}", cwd=folder)
    lines = ended.stderr.splitlines()
    assert ended.returncode in (1, 2, 3), ended
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("error: ")
    assert ended.stdout == ""


def test_options_with_numbers_are_found() -> None:
    whole, broken = options(int), options(float)
    assert ("sample", "--threads") in whole
    assert ("merge", "--epsilon") in broken
    assert {*whole, *broken} > HARMLESS
    assert {command for command, _ in (*whole, *broken)} == set(LINES)


@pytest.mark.parametrize(
    ("command", "flag"), [each for each in options(int) if each not in HARMLESS]
)
def test_numbers_that_are_too_large_end_in_one_sentence(
    command: str, flag: str, folder: Path
) -> None:
    refused(command, flag, 10**11, folder)


@pytest.mark.parametrize(("command", "flag"), options(float))
@pytest.mark.parametrize("value", [math.nan, -math.inf, 1e300])
def test_numbers_that_are_none_end_in_one_sentence(
    command: str, flag: str, value: float, folder: Path
) -> None:
    if value > 1 and (command, flag) in HARMLESS:
        pytest.skip("a run of so many minutes is one that is stopped by hand")
    refused(command, flag, value, folder)


@pytest.mark.parametrize("digits", [21, 5000])
@pytest.mark.parametrize(
    ("command", "flag", "text"),
    [
        ("sample", "--seeds", "{}"),
        ("sample", "--seeds", "0-{}"),
        ("analyze", "--shard", "{}/2"),
        ("analyze", "--shard", "0/{}"),
        ("analyze", "--bands", "{}"),
        ("compare", "--calls", "{}"),
        ("compare", "--steps", "{}"),
        ("train", "--restore", "box={}"),
        ("export", "--set", "rho={}"),
    ],
)
def test_numbers_of_many_digits_end_in_one_sentence(
    command: str, flag: str, text: str, digits: int, folder: Path
) -> None:
    refused(command, flag, text.format("9" * digits), folder)
