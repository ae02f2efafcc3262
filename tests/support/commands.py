"""Commands run in this process, as the shell would: output, errors and exit code."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from spectral_sched.cli import main


@dataclass(frozen=True)
class Run:
    """What a command printed and how it ended."""

    stdout: str
    stderr: str
    returncode: int


def run(*arguments: object, cwd: Path, stdin: str = "") -> Run:
    """Run ``specsched`` with arguments in a folder."""
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGINT)
    code = 0
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.object(sys, "argv", ["specsched", *map(str, arguments)]),
        patch.object(sys, "stdin", io.StringIO(stdin)),
    ):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            signal.signal(signal.SIGINT, handler)
    return Run(out.getvalue(), err.getvalue(), code)


def specsched(*arguments: object, cwd: Path, code: int = 0, stdin: str = "") -> Run:
    """Run ``specsched`` and hold it to an exit code."""
    ended = run(*arguments, cwd=cwd, stdin=stdin)
    assert ended.returncode == code, ended.stderr
    return ended


def sentence(*arguments: object, cwd: Path, code: int) -> str:
    """Return the one line that a failing command ends with."""
    ended = specsched(*arguments, cwd=cwd, code=code)
    assert ended.stdout == ""
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("error: ")
    return lines[0]
