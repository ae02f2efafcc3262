"""What is shown while pictures are analysed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spectral_sched.console.progress import Pace, image_counter
from spectral_sched.sources.folder import counted
from tests.support.helpers import write_pictures


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_the_time_left_follows_from_the_rate(clock: list[float]) -> None:
    pace = Pace()
    clock[0] += 5
    assert pace.text("images", 90, 10, 4100) == (
        "90 images, 10 skipped, 0/s, 0:00:05 gone by"
    )
    clock[0] += 10
    # 1000 more in 10 seconds, and 3000 to go.
    assert pace.text("images", 1080, 20, 4100) == (
        "1080 images, 20 skipped, 100/s, 27%, 0:00:30 left"
    )


def test_slow_rates_are_told_with_their_decimals(clock: list[float]) -> None:
    pace = Pace()
    pace.text("steps", 0, 0, 100)
    clock[0] += 40
    assert pace.text("steps", 30, 0, 100).startswith("30 steps, 0 skipped, 0.75/s, 30%")


def test_without_a_total_the_time_gone_by_is_told(clock: list[float]) -> None:
    pace = Pace()
    pace.text("images", 0, 0, None)
    clock[0] += 3661
    assert pace.text("images", 3661, 0, None).endswith("1/s, 1:01:01 gone by")


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
    assert b"images, 0 skipped, " in shown
    assert b"gone by" in shown
