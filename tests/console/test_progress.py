"""What is shown while images are analysed and networks trained."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from spectral_sched.console import progress
from spectral_sched.console.progress import image_counter, training_progress
from spectral_sched.sources.folder import counted
from tests.support.helpers import write_pictures


class Length(NamedTuple):
    """How long it is."""

    num_steps: int = 400


class Run:
    """A training under way, as far as progress is concerned."""

    def __init__(self) -> None:
        self.step = 0
        self.last_loss: float | None = None
        self.settings = Length()


def lines_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    return said


def test_a_log_tells_step_loss_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    said, run = lines_of(monkeypatch), Run()
    with training_progress(shown=True) as update:
        update(run)
        for step in (50, 100):
            time.sleep(0.02)
            run.step, run.last_loss = step, 0.25
            update(run)
    assert said[0].startswith("step 0/400 0% loss none yet 0/s 0:00:00 elapsed,")
    assert re.fullmatch(
        r"step 100/400 +25% loss 0\.2500 \d+/s 0:00:00 elapsed, 0:00:0\d left",
        said[-1],
    )


def test_the_rate_of_slow_steps_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("rich.console.monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    said, run = lines_of(monkeypatch), Run()
    with training_progress(shown=True) as update:
        for run.step in range(4):
            update(run)
            now[0] += 40
    assert re.fullmatch(
        r"step +3/400 1% loss none yet 0\.025/s 0:02:\d\d elapsed, 4:24:40 left",
        said[-1],
    )


def test_logs_are_rare_and_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    said = lines_of(monkeypatch)
    with training_progress(shown=True) as update:
        update(Run())
    assert said == []
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    with training_progress(shown=False) as update:
        update(Run())
    assert said == []


def test_nothing_is_shown_on_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with image_counter("images", lambda: pytest.fail("counted in vain")) as update:
        update(3, 1)
    assert stream.getvalue() == ""


def test_folders_are_counted_aside(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images" / "a", 5)
    (tmp_path / "images" / "notes.txt").touch()
    total = counted(str(tmp_path / "images"))
    until = time.monotonic() + 10
    while total() is None and time.monotonic() < until:
        time.sleep(0.01)
    assert total() == 5


@pytest.mark.parametrize("source", [None, "no/such/folder", "s3://bucket/pictures"])
def test_other_sources_are_not_counted(source: str | None) -> None:
    assert counted(source)() is None


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_shows_the_rate(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "images", 20)
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in paths * 20))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "spectral_sched", "analyze"]
    with subprocess.Popen(
        [*command, "--files-from", "list.txt", "--workers", "1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    ) as run:
        os.close(theirs)
        shown = bytearray()
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # the terminal is gone when its last user is
            pass
        assert run.wait() == 0
    os.close(ours)
    plain = re.sub(rb"\x1b\[[\d;?]*\w", b"", shown)
    assert re.search(rb"[1-9]\d* images, 0 skipped, [1-9]\d*/s .*0:00:\d\d", plain)


def test_logs_are_lines_where_colours_are_forced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    with training_progress(shown=True) as update:
        update(Run())
    assert stream.getvalue().startswith("step 0/400")
    assert "\x1b" not in stream.getvalue()


def test_dumb_terminals_get_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    with training_progress(shown=True) as update:
        update(Run())
    assert stream.getvalue().startswith("step 0/400")
