"""Lines to type, run by a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from spectral_sched.analysis.shard import merge_line
from spectral_sched.system import shell
from spectral_sched.system.streams import printable
from tests.support.commands import specsched
from tests.support.helpers import write_pictures

NAMES = (
    *("plain.json", "two words.json", "-o.json", "--help", "it's.json", "näme.json"),
    *('"quoted".json', "$HOME.json", "a`b`.json", "back\\slash.json", "~.json"),
    *("line\nbreak.json", "bell\x07.json", "quote'and\ttab.json", "*.json"),
    os.fsdecode(b"broken\xff0.json"),
)


@pytest.mark.skipif(not shutil.which("bash"), reason="needs a shell")
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_shell_gives_the_file_that_was_meant(name: str, tmp_path: Path) -> None:
    said = shell.line("show", Path(name))
    assert printable(said) == said
    reads = f'specsched() {{ printf %s "$2"; }}; {said}'
    given = subprocess.run(
        ["bash", "-c", reads], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert not given.startswith(b"-")
    assert Path(os.fsdecode(given)) == Path(name)


@pytest.mark.parametrize("name", ["-x.json", "it's.json", "my tâble.json"])
def test_files_of_any_name_go_on_as_suggested(name: str, tmp_path: Path) -> None:
    """From each command to the next, as a user would who copies the line."""
    write_pictures(tmp_path / "images", 4)
    told = specsched("analyze", "images", f"-o{name}", cwd=tmp_path).stderr
    for command in ("export", "sample"):
        _, *words = shlex.split(told.partition("next: ")[2])
        assert words[0] == command
        if command == "export":
            more = ("--kind", "karras", "-o", f"./-{name}")
        else:
            more = ("--model", "wiener", "--seeds", "0")
        told = specsched(*words, *more, cwd=tmp_path).stderr
    _, *words = shlex.split(told.partition("next: ")[2])
    assert words[0] == "show"
    specsched(*words, cwd=tmp_path)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("spectrum.0-of-2.partial.json", "specsched merge *.partial.json"),
        ("a b/x.partial.json", "specsched merge 'a b'/*.partial.json"),
        ("-x.partial.json", "specsched merge ./*.partial.json"),
        ("-a/x.partial.json", "specsched merge ./-a/*.partial.json"),
        ("part.json", "specsched merge part.json"),
    ],
)
def test_shards_are_merged_by_the_names_that_they_have(path: str, line: str) -> None:
    assert merge_line(Path(path)) == line
