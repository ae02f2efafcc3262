"""Output where there are few characters, or no stream at all."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from spectral_sched.console.output import show
from spectral_sched.system.streams import in_ascii, ready_streams


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
