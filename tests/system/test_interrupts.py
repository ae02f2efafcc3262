"""Ctrl-C and SIGTERM: what is saved, what is said, and what goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectral_sched.analysis import run as analysis_run
from spectral_sched.diffusion.evaluation.bench import Bench
from spectral_sched.diffusion.training.trainer import Trainer
from spectral_sched.images.png import save_picture
from spectral_sched.system import interrupts
from spectral_sched.system.interrupts import Interrupted, heeded, patience, saved_at
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def signalling(
    function: Callable[..., Any], number: signal.Signals, call: int
) -> Callable[..., Any]:
    """Return a function after whose call of some number a signal comes."""
    calls = iter(range(1, 1 << 30))

    def called(*arguments: Any, **named: Any) -> Any:
        made = function(*arguments, **named)
        if next(calls) == call:
            signal.raise_signal(number)
        return made

    return called


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "images", 12)
    return tmp_path


EARLY = """
import signal, sys
from spectral_sched.cli import main

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "spectral_sched.commands":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Impatient())
sys.argv = ["specsched", "kinds"]
main()
"""


def test_a_signal_while_commands_are_loaded_is_heeded() -> None:
    command = [sys.executable, "-c", EARLY]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "interrupted\n"


@BOTH
def test_a_signal_ends_what_cannot_be_saved_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted), heeded():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


@BOTH
def test_the_first_signal_asks_and_the_second_ends(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "SAME_REQUEST", 0.0)
    with heeded(), patience() as work:
        assert not work.asked
        signal.raise_signal(number)
        assert work.asked
        with pytest.raises(Interrupted):
            signal.raise_signal(number)


def test_signals_in_one_breath_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "SAME_REQUEST", 60.0)
    with heeded(), patience() as work:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert work.asked


def test_the_third_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "SAME_REQUEST", 0.0)
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    with heeded(), patience():
        signal.raise_signal(signal.SIGINT)
        for expected in ([], [130]):
            with pytest.raises(Interrupted):
                signal.raise_signal(signal.SIGINT)
            assert codes == expected


@BOTH
def test_train_saves_first(
    folder: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("train", "images", "--batch", 4, "--device", "cpu")
    specsched(*line, "--steps", 6, "-o", "whole.safetensors", cwd=folder)
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "advance", signalling(Trainer.advance, number, 4))
        ended = specsched(
            *(*line, "--steps", 6, "-o", "part.safetensors"), cwd=folder, code=130
        )
    said = "saved at step 4; continue with --resume"
    assert ended.stderr.splitlines()[-1] == said
    shown = specsched("show", "part.safetensors", cwd=folder).stdout
    assert "4 of 6 steps" in shown
    specsched(*line, "--resume", "-o", "part.safetensors", cwd=folder)
    whole, part = (folder / f"{name}.safetensors" for name in ("whole", "part"))
    assert tensors(whole) == tensors(part)


def tensors(path: Path) -> dict[str, bytes]:
    from safetensors.numpy import load_file

    return {name: array.tobytes() for name, array in load_file(path).items()}


def test_a_second_signal_in_train_saves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "SAME_REQUEST", 0.0)
    twice = signalling(signalling(Trainer.advance, signal.SIGINT, 2), signal.SIGINT, 2)
    monkeypatch.setattr(Trainer, "advance", twice)
    line = ("train", "images", "--steps", 6, "--batch", 4, "--device", "cpu")
    ended = specsched(*line, cwd=folder, code=130)
    assert ended.stderr.splitlines()[-1] == "interrupted"
    assert [path.name for path in folder.iterdir()] == ["images"]


@BOTH
def test_analyze_saves_first(
    folder: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    specsched("analyze", "images", "-o", "whole.json", cwd=folder)
    line = ("analyze", "images", "--workers", 1)
    with monkeypatch.context() as patched:
        merge = analysis_run._merge
        patched.setattr(analysis_run, "_merge", signalling(merge, number, 1))
        ended = specsched(*line, cwd=folder, code=130)
    assert ended.stderr == "saved at item 4; continue with --resume\n"
    refused = sentence(*line, cwd=folder, code=2)
    assert "continue with --resume, or start again with --force" in refused
    resumed = specsched(*line, "--resume", cwd=folder)
    assert "continuing after 4 items" in resumed.stderr
    assert digest_of(folder / "spectrum.json") == digest_of(folder / "whole.json")
    assert not list(folder.glob(".*"))


def digest_of(path: Path) -> Any:
    import json

    return json.loads(path.read_text())["digest"]


def test_analyze_begins_anew_when_forced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        merge = signalling(analysis_run._merge, signal.SIGINT, 1)
        patched.setattr(analysis_run, "_merge", merge)
        specsched("analyze", "images", "--workers", 1, cwd=folder, code=130)
    anew = specsched("analyze", "images", "--force", cwd=folder)
    assert "12 images" in anew.stdout
    assert "continuing" not in anew.stderr


def test_without_a_file_there_is_nothing_to_save(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = signalling(analysis_run._merge, signal.SIGINT, 1)
    monkeypatch.setattr(analysis_run, "_merge", merge)
    ended = specsched("analyze", "images", "-o", "-", cwd=folder, code=130)
    assert ended.stderr == "interrupted\n"


@BOTH
def test_compare_keeps_its_rows(
    folder: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    specsched("analyze", "images", cwd=folder)
    kinds = ("--kinds", "karras,exponential,cosine", "--calls", "3")
    line = ("compare", *kinds, "--samples", "40", "--reference-steps", "2")
    with monkeypatch.context() as patched:
        patched.setattr(Bench, "_row", signalling(Bench._row, number, 2))
        ended = specsched(*line, cwd=folder, code=130)
    assert ended.stderr.splitlines()[-1] == "saved at row 2; continue with --resume"
    measured = {
        path: path.read_bytes() for path in folder.glob("comparison/cells/row*")
    }
    assert len(measured) == 2
    specsched(*line, "--resume", cwd=folder)
    assert all(path.read_bytes() == kept for path, kept in measured.items())


@BOTH
def test_sample_leaves_a_folder_that_is_ours(
    folder: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 2, cwd=folder)
    line = ("sample", "--model", "wiener", "--seeds")
    with monkeypatch.context() as patched:
        stopping = signalling(save_picture, number, 2)
        patched.setattr("spectral_sched.files.samples.save_picture", stopping)
        ended = specsched(*line, "0-5", cwd=folder, code=130)
    said = "interrupted; 2 of 6 images are in samples"
    assert ended.stderr.splitlines()[-1] == said
    assert {"000000.png", "000001.png"} <= names(folder / "samples")
    specsched(*line, "7-9", cwd=folder)
    expected = {"000007.png", "000008.png", "000009.png"}
    assert names(folder / "samples") == {*expected, "contact_sheet.png", "samples.json"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_sentence_is_the_same_for_all() -> None:
    said = [str(saved_at(what, 3)) for what in ("step", "item", "row")]
    assert {line.partition("; ")[2] for line in said} == {"continue with --resume"}
