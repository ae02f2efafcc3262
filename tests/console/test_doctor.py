"""What ``specsched doctor`` says of this machine, and of ones with faults."""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from email.message import Message
from importlib import metadata
from pathlib import Path

import numpy
import pytest
import torch

from spectral_sched.console import doctor
from spectral_sched.documents.strict_json import Document
from spectral_sched.files.model import BUNDLED
from tests.support.commands import run, specsched
from tests.test_architecture import command, loaded_by

DECLARED = [
    "numpy>=2.0",
    "torch>=2.6",
    "no-such-package>=3; extra == 'parquet'",
    "numpy>=99; extra == 'fast'",
    "rich; extra == 'plot'",
    "never-there; extra == 'plot' and python_version < '3'",
    "spectral-sched[fast,parquet]; extra == 'dev'",
]


@pytest.fixture
def other_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the distribution declare other things."""
    found = Message()
    for name in ("dev", "fast", "parquet", "plot"):
        found["Provides-Extra"] = name
    monkeypatch.setattr("importlib.metadata.requires", lambda _: DECLARED)
    monkeypatch.setattr("importlib.metadata.metadata", lambda _: found)


@pytest.fixture(scope="session")
def probed() -> Document:
    """Return what the probe of torch says here, asked once."""
    return doctor._torch()


@pytest.fixture
def shared_probe(probed: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare tests of other things another start of torch."""
    monkeypatch.setattr(doctor, "_torch", lambda: probed)


@pytest.mark.usefixtures("shared_probe")
def test_versions_and_devices_are_those_of_this_machine(tmp_path: Path) -> None:
    document = json.loads(specsched("doctor", "--json", cwd=tmp_path).stdout)
    found = {each["name"]: each["found"] for each in document["required"]}
    assert found["numpy"] == numpy.__version__
    assert document["python"] == platform.python_version()
    assert document["torch"]["version"] == torch.__version__
    devices = {each["name"]: each["there"] for each in document["torch"]["devices"]}
    assert devices["cuda"] == torch.cuda.is_available()
    assert devices["cpu"]
    assert document["bundled_model"]["shape"] == [3, 64, 64]
    extras = metadata.metadata("spectral-sched").get_all("Provides-Extra")
    assert [each["name"] for each in document["extras"]] == sorted(extras or [])
    assert document["problems"] == []


@pytest.mark.usefixtures("shared_probe")
def test_neither_paths_nor_hosts_are_told(tmp_path: Path) -> None:
    for flags in ((), ("--json",)):
        told = specsched("doctor", *flags, cwd=tmp_path)
        for secret in (socket.gethostname(), sys.prefix, Path.home(), Path.cwd()):
            assert str(secret) not in told.stdout + told.stderr


def test_torch_is_tried_in_another_process(tmp_path: Path) -> None:
    loaded = loaded_by(command("doctor"), tmp_path)
    assert "spectral_sched.console.doctor" in loaded
    assert "torch" not in loaded


@pytest.mark.usefixtures("other_metadata", "shared_probe")
def test_what_is_missing_comes_with_the_line_that_installs_it(tmp_path: Path) -> None:
    document = json.loads(specsched("doctor", "--json", cwd=tmp_path).stdout)
    extras = {each["name"]: each for each in document["extras"]}
    assert extras["plot"]["installed"]
    assert extras["parquet"]["missing"] == ["no-such-package is not installed"]
    version = numpy.__version__
    assert extras["fast"]["missing"] == [f"numpy is {version}, and >=99 is needed"]
    both = extras["fast"]["missing"] + extras["parquet"]["missing"]
    assert extras["dev"]["missing"] == both
    told = specsched("doctor", cwd=tmp_path).stdout
    assert "pip install 'spectral-sched[parquet]'" in told
    assert "[plot]" not in told


def broken(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put another torch before the real one, for processes to come."""
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text(text)
    path = os.pathsep.join([str(folder), *sys.path])
    monkeypatch.setenv("PYTHONPATH", path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("raise OSError('libcudart.so.12: /opt/x')", r"cannot be loaded (OSError)"),
        ("import os; os.kill(os.getpid(), 11)", "cannot be loaded (exit -11)"),
    ],
)
def test_a_torch_that_is_broken_is_told(
    tmp_path: Path, text: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(tmp_path, text, monkeypatch)
    ended = run("doctor", cwd=tmp_path)
    assert ended.returncode == 1
    assert f"torch {problem}" in ended.stdout
    assert "numpy" in ended.stdout
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(
        f"error: torch {problem}; install it again with: pip install"
    )


@pytest.mark.usefixtures("shared_probe")
def test_a_bundled_model_that_is_damaged_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = BUNDLED.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
    monkeypatch.setattr(
        "spectral_sched.console.doctor.BUNDLED", tmp_path / "cut.safetensors"
    )
    ended = run("doctor", "--json", cwd=tmp_path)
    assert ended.returncode == 1
    problems = json.loads(ended.stdout)["problems"]
    assert problems == ["bundled model is missing or damaged"]


@pytest.mark.usefixtures("shared_probe")
def test_a_required_package_that_is_too_old_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["numpy>=99", "no-such-package", "torch>=2.6"]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: wanted)
    ended = run("doctor", cwd=tmp_path)
    assert ended.returncode == 1
    assert "and >=99 is needed; no-such-package is not installed" in ended.stderr
