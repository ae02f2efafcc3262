"""How commands behave towards people and programs, whatever their files are called."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.commands import COMMANDS
from spectral_sched.commands.app import EXIT_STATUS
from spectral_sched.documents.strict_json import file_digest
from tests.support.commands import Run, run, sentence, specsched
from tests.support.helpers import ROOT, write_pictures

NAMES = tuple(command.__name__ for command in COMMANDS)

BOLD = "[bold]x[/bold]"
"""A name that a terminal library would take for markup; the slash makes it two."""


COMPLETING = "from spectral_sched.commands.app import app; app(prog_name='specsched')"
"""The program as it is installed."""


def refuse(name: str) -> float:
    message = f"{name} is not JSON"
    raise ValueError(message)


def strict(text: str) -> Any:
    """Return what one line of strict JSON says."""
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return json.loads(text, parse_constant=refuse)


def help_of(command: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    return specsched(command, "--help", cwd=ROOT).stdout


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("command", NAMES)
def test_help_is_a_page_with_an_example(
    command: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_of(command, columns, monkeypatch)
    assert max(map(len, text.splitlines())) <= columns
    assert "\x1b" not in text
    examples = re.findall(r"^  Example: (specsched .*)$", text, re.MULTILINE)
    assert examples
    options = re.findall(r"--[a-z-]+", text.partition("Options:")[2])
    for example in examples:
        program, name, *arguments = shlex.split(example)
        assert (program, name) == ("specsched", command)
        flags = [each for each in arguments if each.startswith("--")]
        assert set(flags) <= set(options)
    assert " ".join(EXIT_STATUS.split()) in " ".join(text.split())
    # First a sentence, then what is read and written.
    assert len(text.partition("Example:")[0].strip().split("\n\n")) >= 3


def test_the_list_of_commands_cuts_no_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = specsched("--help", cwd=ROOT).stdout.partition("Commands:")[2]
    lines = listed.strip().splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder where all commands ran on names with brackets."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "[bold]x[").mkdir()
    write_pictures(folder / f"{BOLD}images", 6)
    write_pictures(folder / f"{BOLD}more", 6, seed=1)
    (folder / f"{BOLD}more" / "[red]broken[red].png").write_bytes(b"no picture")
    return folder


LINES: tuple[tuple[str, ...], ...] = (
    ("analyze", f"{BOLD}more", "-o", f"{BOLD}.json"),
    ("analyze", f"{BOLD}images", "--shard", "0/1", "-o", f"{BOLD}.partial.json"),
    ("merge", f"{BOLD}.partial.json", "-o", f"{BOLD}.merged.json"),
    ("show", f"{BOLD}.json"),
    ("export", "--spectrum", f"{BOLD}.json", "--steps", "3",
     "-o", f"{BOLD}.tight.json"),
    ("export", "--spectrum", f"{BOLD}.tight.json", "--blend", f"{BOLD}.tight.json",
     "--kind", "karras", "-o", f"{BOLD}.blend.json"),
    ("export", "--schedule", f"{BOLD}.tight.json", "--target", "plain",
     "-o", f"{BOLD}.txt", "--force"),
    ("export", "--spectrum", f"{BOLD}.json", "--for", "training",
     "-o", f"{BOLD}.law.json"),
    ("sample", "--schedule", f"{BOLD}.tight.json", "--seeds", "0",
     "--model", f"images:{BOLD}images", "-o", f"{BOLD}.samples"),
    ("train", f"{BOLD}images", "--steps", "1", "--batch", "2",
     "-o", f"{BOLD}.safetensors"),
    ("show", f"{BOLD}.safetensors"),
    ("kinds",),
    ("export", "--list-targets"),
)  # fmt: skip


def paths(arguments: tuple[str, ...]) -> list[str]:
    return [each for each in arguments if BOLD in each and each.startswith("[")]


@pytest.fixture(scope="module")
def told(odd: Path) -> dict[tuple[str, ...], Run]:
    return {line: specsched(*line, cwd=odd) for line in LINES}


def test_names_with_brackets_are_shown_as_they_are(
    odd: Path, told: dict[tuple[str, ...], Run]
) -> None:
    for line, ended in told.items():
        if "-o" in line:
            written = line[line.index("-o") + 1]
            assert (odd / written).exists()
            assert written in ended.stdout + ended.stderr, line
    assert "[red]broken[red].png" in told[LINES[0]].stderr


def test_what_is_suggested_next_runs(
    odd: Path, told: dict[tuple[str, ...], Run]
) -> None:
    for line, ended in told.items():
        if "plain" in line:
            continue
        last = ended.stderr.strip().splitlines()[-1]
        following = re.search(r"next: (specsched .*)$", last)
        assert following, (line, last)
        program, *arguments = shlex.split(following[1])
        assert program == "specsched"
        if arguments[0] in ("export", "show"):
            arguments += ["-o", "-"] if arguments[0] == "export" else []
            if "--kind" not in arguments and "--target" not in arguments:
                specsched(*arguments, cwd=odd)
        else:
            assert arguments[0] in NAMES
            flags = [each for each in arguments if each.startswith("--")]
            described = specsched(arguments[0], "--help", cwd=odd).stdout
            assert all(flag in described for flag in flags)


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_json_is_one_strict_document(
    odd: Path, told: dict[tuple[str, ...], Run], line: tuple[str, ...]
) -> None:
    assert told
    again = ("--force",) if line[0] == "train" else ()
    document = strict(specsched(*line, *again, "--json", cwd=odd).stdout)
    assert document["format"].startswith("specsched.")
    assert document["version"] == (2 if line[0] == "sample" else 1)


MISSING: tuple[tuple[str, ...], ...] = (
    ("analyze", f"{BOLD}none"),
    ("analyze", "--files-from", f"{BOLD}none"),
    ("merge", f"{BOLD}none.json"),
    ("show", f"{BOLD}none.json"),
    ("export", "--spectrum", f"{BOLD}none.json", "-o", "a.json"),
    ("sample", "--schedule", f"{BOLD}none.json"),
    ("train", f"{BOLD}none"),
)


@pytest.mark.parametrize("line", MISSING, ids=" ".join)
def test_missing_names_with_brackets_are_shown_as_they_are(
    odd: Path, line: tuple[str, ...]
) -> None:
    assert paths(line)[0] in sentence(*line, cwd=odd, code=3)


@pytest.mark.parametrize(
    "line",
    [
        ("analyze", f"{BOLD}images", "-o", f"{BOLD}foreign.json"),
        ("analyze", f"{BOLD}images", "-o", f"{BOLD}none/x.json"),
        ("sample", "--schedule", f"{BOLD}.tight.json", "-o", f"{BOLD}images"),
        ("train", f"{BOLD}images", "-o", f"{BOLD}none/x.safetensors"),
    ],
    ids=" ".join,
)
def test_outputs_that_cannot_be_written_are_shown_as_they_are(
    odd: Path, told: dict[tuple[str, ...], Run], line: tuple[str, ...]
) -> None:
    assert told
    (odd / f"{BOLD}foreign.json").write_text("{}")
    assert line[-1] in sentence(*line, cwd=odd, code=2)


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_pipe_gets_whole_lines_without_colour(
    odd: Path, told: dict[tuple[str, ...], Run], columns: str
) -> None:
    assert told
    environment = os.environ | {"COLUMNS": columns, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "spectral_sched", "show", f"{BOLD}.json"]
    ended = subprocess.run(
        command, cwd=odd, env=environment, capture_output=True, text=True, check=True
    )
    assert "\x1b" not in ended.stdout + ended.stderr
    assert "…" not in ended.stdout
    assert "swamped at sigma" in ended.stdout


@pytest.mark.parametrize("line", [("--help",), ("analyze", "--help"), ("kinds",)])
def test_a_reader_that_has_gone_ends_a_command_well(line: tuple[str, ...]) -> None:
    nobody, theirs = os.pipe()
    os.close(nobody)
    command = [sys.executable, "-m", "spectral_sched", *line]
    ended = subprocess.run(
        command, stdout=theirs, stderr=subprocess.PIPE, cwd=ROOT, check=False
    )
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (0, b"")


Terminal = Callable[[list[str], int, Path], str]


@pytest.fixture
def terminal() -> Terminal:
    """Return what runs a command on a terminal of some columns."""
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")

    def on_terminal(arguments: list[str], columns: int, cwd: Path) -> str:
        ours, theirs = pty.openpty()
        size = (24).to_bytes(2, sys.byteorder) + columns.to_bytes(2, sys.byteorder)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size + bytes(4))
        environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
        environment.pop("COLUMNS", None)
        with subprocess.Popen(
            [sys.executable, "-m", "spectral_sched", *arguments],
            cwd=cwd,
            env=environment,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.close(theirs)
            seen = b""
            while chunk := _read(ours):
                seen += chunk
        os.close(ours)
        assert process.returncode == 0
        return seen.decode().replace("\r\n", "\n")

    return on_terminal


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end was closed
        return b""


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        (("show", f"{BOLD}.json"), 80),
        (("show", f"{BOLD}.json"), 200),
        (("kinds",), 80),
    ],
)
def test_a_terminal_of_80_columns_loses_nothing(
    odd: Path,
    told: dict[tuple[str, ...], Run],
    line: tuple[str, ...],
    columns: int,
    terminal: Terminal,
) -> None:
    assert told
    seen = terminal(list(line), columns, odd)
    shown = run(*line, cwd=odd).stdout
    assert "…" not in seen
    # Bold headings are no colours; what moves the cursor or paints would be.
    plain = re.sub(r"\x1b\[[01]?m", "", seen)
    assert "\x1b" not in plain
    if columns == 200:
        assert plain.split() == shown.split()
        return
    assert max(map(len, plain.splitlines())) <= columns
    if line == ("kinds",):  # rows as lines, with the names of columns in each
        headers = {"kind", "formula", "parameters", "source"}
        assert set(shown.split()) - set(plain.split()) == headers
    else:
        assert "".join(sorted("".join(plain.split()))) == "".join(
            sorted("".join(shown.split()))
        )


@pytest.mark.parametrize(
    ("words", "offered"),
    [("specsched an", "analyze"), ("specsched export --sig", "--sigma-max")],
)
def test_the_shell_completes_commands_and_flags(words: str, offered: str) -> None:
    place = str(len(words.split()) - 1)
    asked = {"_SPECSCHED_COMPLETE": "complete_bash", "COMP_WORDS": words}
    ended = subprocess.run(
        [sys.executable, "-c", COMPLETING],
        env=os.environ | asked | {"COMP_CWORD": place},
        capture_output=True,
        text=True,
        check=True,
    )
    assert offered in ended.stdout.split()


DESCRIPTORS = [
    pytest.param(
        folder, marks=pytest.mark.skipif(not folder.is_dir(), reason="no such names")
    )
    for folder in (Path("/dev/fd"), Path("/proc/self/fd"))
]
"""Where pipes have names; shells differ in which they hand over."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    write_pictures(folder / "images", 8)
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 2, cwd=folder)
    return folder


@contextlib.contextmanager
def piped(path: Path, descriptors: Path) -> Iterator[Path]:
    """Give the name of a pipe that a file comes out of, once."""
    reading, writing = os.pipe()
    os.write(writing, path.read_bytes())
    os.close(writing)
    yield descriptors / str(reading)
    os.close(reading)


@pytest.mark.parametrize("descriptors", DESCRIPTORS)
@pytest.mark.parametrize(
    "line",
    [
        ("show", "tight.json"),
        ("show", "spectrum.json"),
        ("sample", "--model", "wiener", "--seeds", 0, "--json", "--schedule"),
        *(
            ("export", "--kind", "karras", *purpose, "-o-", "--spectrum", name)
            for name in ("spectrum.json", "tight.json")
            for purpose in ((), ("--for", "training"))
        ),
    ],
)
def test_what_comes_out_of_a_pipe_is_read_like_a_file(
    line: tuple[object, ...], descriptors: Path, planned: Path, tmp_path: Path
) -> None:
    *words, name = line if line[-1] != "--schedule" else (*line, "tight.json")

    def said(file: Path) -> str:
        text = specsched(*words, file, cwd=tmp_path).stdout
        return re.sub(r'"(created|arguments)":("[^"]*"|{[^}]*})', "", text)

    with piped(planned / str(name), descriptors) as pipe:
        assert said(pipe) == said(planned / str(name))


def test_a_schedule_from_a_pipe_is_plotted(planned: Path) -> None:
    with piped(planned / "tight.json", Path("/dev/fd")) as pipe:
        plotted = specsched("plot", "--terminal", "--panel", "step", pipe, cwd=planned)
    assert "step" in plotted.stdout


def test_k_diffusion_takes_a_schedule_from_a_pipe(planned: Path) -> None:
    pytest.importorskip("torch")
    from spectral_sched.k_diffusion import get_sigmas_spectral

    with piped(planned / "tight.json", Path("/dev/fd")) as pipe:
        sigmas = get_sigmas_spectral(3, pipe)
    assert sigmas.equal(get_sigmas_spectral(3, planned / "tight.json"))


def test_a_report_tells_the_digest_of_a_piped_file(
    planned: Path, tmp_path: Path
) -> None:
    pytest.importorskip("jinja2")
    with piped(planned / "spectrum.json", Path("/dev/fd")) as pipe:
        line = (
            "--spectrum",
            pipe,
            "--schedule",
            planned / "tight.json",
            "--no-samples",
        )
        told = specsched("report", *line, "--json", "-o-", cwd=tmp_path)
    told_digest = json.loads(told.stdout)["files"][pipe.name]["digest"]
    assert told_digest == file_digest(planned / "spectrum.json")


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        (("--seeds", "0,2-3"), ("--seeds", "0", "--seeds", "2-3")),
        (("--seeds", "5"), ("--seeds", "5", "--seeds", "5")),
    ],
)
def test_a_list_of_seeds_may_be_given_in_parts(
    planned: Path, tmp_path: Path, whole: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    line = ("sample", "--model", "wiener", "--schedule", planned / "tight.json")
    pictures = []
    for name, given in (("whole", whole), ("parts", parts)):
        specsched(*line, *given, "-o", tmp_path / name, cwd=tmp_path)
        pictures.append(sorted(path.name for path in (tmp_path / name).glob("*.png")))
    assert pictures[0] == pictures[1]


def test_lists_of_compare_may_be_given_in_parts(planned: Path) -> None:
    """None of them is left out unseen: what is wrong with the first is told."""
    for flag in ("--kinds", "--samplers", "--calls", "--steps"):
        said = sentence("compare", flag, "none", flag, "8", cwd=planned, code=2)
        assert "none" in said


def test_bands_may_be_given_in_parts(tmp_path: Path) -> None:
    np.save(
        tmp_path / "a.npy",
        np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3), np.uint8),
    )
    told = specsched("analyze", "a.npy", "--bands", "3", "--bands", "1", cwd=tmp_path)
    document = json.loads((tmp_path / "spectrum.json").read_text())
    assert document["preprocessing"]["bands"] == [3, 1], told.stderr
