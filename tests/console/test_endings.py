"""Outputs whose names promise something else, and lines that cannot be used."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("endings")
    write_pictures(place / "images", 6)
    specsched("analyze", "images", cwd=place)
    specsched("export", "--steps", 3, cwd=place)
    return place


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("export -o t.csv", "export -o t.csv --target plain"),
        ("export --output=t.npy", "export --output=t.npy --target plain"),
        ("export -o t.png", "export -o t.json"),
        ("export --for training -o t.csv", "export --for training -o t.json"),
        (
            "export --target k-diffusion --format npy -o t.csv",
            "export --target k-diffusion --format npy -o t.npy",
        ),
        ("export --target plain -o t.png", "export --target plain -o t.txt"),
        ("analyze images -ot.csv", "analyze images -ot.json"),
        ("merge a.partial.json -o t.npz", "merge a.partial.json -o t.json"),
        ("report -o t.pdf", "report -o t.html"),
        ("sample --seeds 0 -o t.png", "sample --seeds 0 -o t"),
        ("compare -o t.json", "compare -o t"),
        ("merge t.npz -o t.npz", "merge t.npz -o t.json"),
    ],
)
def test_the_line_to_type_is_told(folder: Path, line: str, cure: str) -> None:
    told = sentence(*line.split(), cwd=folder, code=2)
    assert told.endswith(f"type: specsched {cure}")
    assert not list(folder.glob("t*.*[!n]"))


def test_the_line_to_type_works(folder: Path) -> None:
    told = sentence("export", "--steps", 4, "-o", "a b.csv", cwd=folder, code=2)
    _, *line = shlex.split(told.partition("type: ")[2])
    specsched(*line, cwd=folder)
    header, *rows = (folder / "a b.csv").read_text().splitlines()
    assert header == "step,sigma"
    assert len(rows) == 5


def test_other_endings_promise_nothing(folder: Path) -> None:
    specsched("export", "--steps", 3, "-o", "table.v2", cwd=folder)
    specsched("export", "--steps", 3, "-o", "table", cwd=folder)


@pytest.mark.parametrize("also", [(), ("--json",)])
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("export --setps 3", "no such option: --setps"),
        ("export --steps few", "invalid value for '--steps'"),
        ("export --kind", "option '--kind' requires an argument"),
        ("compare --samples 3", "invalid value for '--samples'"),
        ("train", "missing argument 'source'"),
        ("train a b -o c", "got unexpected extra argument(s) (b)"),
        ("exporrt", "no such command 'exporrt'; did you mean 'export'"),
        ("export --kind karas", "there is no kind 'karas'"),
    ],
)
def test_all_mistakes_are_told_alike(
    folder: Path, line: str, told: str, also: tuple[str, ...]
) -> None:
    words = line.split()
    # Behind a flag without its value, another would be the value.
    words = [words[0], *also, *words[1:]] if words[0] != "exporrt" else words
    found = sentence(*words, cwd=folder, code=2)
    assert found.startswith(f"error: {told}")
    assert "Usage" not in found


@pytest.mark.parametrize("command", [(), ("export",), ("train",)])
def test_the_short_flag_for_help(folder: Path, command: tuple[str, ...]) -> None:
    short = specsched(*command, "-h", cwd=folder).stdout
    assert short == specsched(*command, "--help", cwd=folder).stdout
    assert short.startswith("Usage: specsched")
