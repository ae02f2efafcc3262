"""Output where there are few characters, or no stream at all."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spectral_sched.console.output import show
from spectral_sched.console.tables import text_table
from spectral_sched.system.streams import in_ascii, printable, ready_streams, say


def narrow(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="cp1252", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    ready_streams()
    return written


def test_json_is_escaped_where_characters_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = narrow(monkeypatch)
    document = {"classes": {"日本": 2, "😀": 1, "café": 3}}
    show([], document, json=True)
    assert written.getvalue().isascii()
    assert json.loads(written.getvalue()) == document
    assert json.loads(in_ascii('"😀"')) == "😀"


def test_blocks_become_question_marks_there(monkeypatch: pytest.MonkeyPatch) -> None:
    written = narrow(monkeypatch)
    show(["▁▂▃ 0.5"], {}, json=False)
    assert written.getvalue().split() == [b"???", b"0.5"]


def test_without_streams_output_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    ready_streams()
    show(["told"], {}, json=False)
    assert sys.stdout is not None
    assert Path(sys.stdout.name) == Path("/dev/null") or sys.platform == "win32"
    sys.stdout.close()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b-é日.png", "a b-é日.png"),
        ("a\nerror: b", "a\\nerror: b"),
        ("a\x1b[2K\rb", "a\\x1b[2K\\rb"),
        ("a\u202egnp.b", "a\\u202egnp.b"),
        ("a\u2028b\x9b", "a\\u2028b\\x9b"),
        ("a\udc80b", "a\\udc80b"),
    ],
)
def test_names_are_shown_without_what_they_would_do(
    name: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printable(name) == shown
    say(name)
    table = text_table("name", "text")
    table.add_row(name, name)
    show([name.replace("\n", " "), table], {}, json=False)
    told = capsys.readouterr()
    assert told.err == f"{shown}\n"
    unseen = [c for c in told.out if not c.isprintable() and c != "\n"]
    assert not unseen
    assert f"{shown}  {shown}" in told.out


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["kinds"], ["kinds", "--json"], ["--help"]])
def test_a_full_standard_output_is_one_sentence(arguments: list[str]) -> None:
    with FULL.open("w") as full:
        ended = program(*arguments, stdout=full)
    assert ended.returncode == 2
    sentence = "error: cannot write to standard output: no space left on device; "
    assert ended.stderr == f"{sentence}send it elsewhere\n"


def test_a_reader_that_is_gone_ends_the_program_without_a_word() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as gone:
        ended = program("kinds", stdout=gone)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_standard_error_stops_nothing() -> None:
    with FULL.open("w") as full:
        ended = program("kinds", stderr=full)
    assert ended.returncode == 0
    assert "karras" in ended.stdout


def program(*arguments: str, **streams: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spectral_sched", *arguments]
    captured = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Where output is buffered, it fails at the very end.
    buffered = {key: os.environ[key] for key in os.environ if key != "PYTHONUNBUFFERED"}
    return subprocess.run(
        command, check=False, text=True, env=buffered, **(captured | streams)
    )
