"""How many cores there are, and how many threads are used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spectral_sched.system import cores
from spectral_sched.system.cores import available_cores, cgroup_quota
from tests.support.helpers import ROOT


def group(root: Path, name: str, **files: str) -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (root / name / file.replace("_", ".", 1)).write_text(content)


def quota(tmp_path: Path, membership: str) -> float | None:
    (tmp_path / "cgroup").write_text(membership)
    return cgroup_quota(tmp_path / "fs", tmp_path / "cgroup")


def test_the_smallest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    group(tmp_path / "fs", "", cpu_max="max 100000\n")
    group(tmp_path / "fs", "batch", cpu_max="150000 100000\n")
    group(tmp_path / "fs", "batch/job", cpu_max="400000 100000\n")
    assert quota(tmp_path, "0::/batch/job\n") == 1.5
    assert quota(tmp_path, "0::/\n") is None
    # In a container the own group is the root of what is mounted.
    assert quota(tmp_path, "0::/elsewhere/batch\n") is None


def test_quotas_of_the_first_version(tmp_path: Path) -> None:
    place = tmp_path / "fs" / "cpu,cpuacct"
    for name, micros in (("", -1), ("docker", 250_000)):
        group(place, name)
        (place / name / "cpu.cfs_quota_us").write_text(f"{micros}\n")
        (place / name / "cpu.cfs_period_us").write_text("100000\n")
    membership = "3:memory:/docker\n2:cpu,cpuacct:/docker\n"
    assert quota(tmp_path, membership) == 2.5
    assert quota(tmp_path, "2:cpu,cpuacct:/\n") is None


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cgroup_quota(tmp_path, tmp_path / "none") is None


@pytest.mark.parametrize(
    ("allowed", "granted", "expected"),
    [(4, None, 4), (4, 1.5, 2), (1, 8.0, 1), (8, 0.25, 1)],
)
def test_no_more_than_affinity_and_quota(
    allowed: int, granted: float | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "cgroup_quota", lambda: granted)
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False
    )
    assert available_cores() == expected


COUNT = (
    "import sys, torch; from spectral_sched.diffusion.devices import use_threads; "
    "print(use_threads(*map(int, sys.argv[1:])), torch.get_num_threads())"
)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinities")
@pytest.mark.parametrize(
    ("asked", "given", "expected"),
    [((), "1", "1 1"), ((), "7", "1 1"), (("3",), "7", "3 3")],
)
def test_torch_gets_no_more_threads_than_cores(
    asked: tuple[str, ...], given: str, expected: str
) -> None:
    one = next(iter(os.sched_getaffinity(0)))
    ended = subprocess.run(
        [sys.executable, "-c", COUNT, *asked],
        env=os.environ | {"OMP_NUM_THREADS": given, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == expected


def test_processes_of_one_machine_share_its_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    from spectral_sched.diffusion import devices

    monkeypatch.setattr(devices, "available_cores", lambda: 6)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    told: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert devices.use_threads() == 1
    assert told == [1]
