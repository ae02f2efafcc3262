"""Dask: the same bits from any cluster, also from one that loses a worker."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_sched.analysis.cluster import (
    client_executor,
    cluster_executor,
    merge_chunks,
)
from spectral_sched.analysis.run import analyse_items
from spectral_sched.errors import InputError, UnavailableError
from spectral_sched.sources import Item, items
from tests.support.data_sets import SETTINGS, analysed, sums_digest
from tests.support.helpers import write_pictures

needs_dask = pytest.mark.usefixtures("distributed")


@pytest.fixture(scope="module")
def distributed() -> Any:
    return pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder / "a", 40)
    (folder / "a" / "bad.png").write_bytes(b"bad")
    return list(items(folder)) * 5


@pytest.fixture(scope="module")
def client(distributed: Any) -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_cluster_gives_the_same_bits(client: Any, found: list[Item]) -> None:
    here = analysed(found)
    there = analyse_items(found, SETTINGS, executor=client_executor(client))
    assert sums_digest(there) == sums_digest(here)
    assert there.manifest == here.manifest
    assert there.skipped == here.skipped


def test_a_worker_may_die_half_way(client: Any, found: list[Item]) -> None:
    killed: list[str] = []

    def progress(done: int, _skipped: int) -> None:
        if not killed and done > 20:
            (address, number) = next(iter(pids(client).items()))
            killed.append(address)
            subprocess.run(["kill", "-9", str(number)], check=True)

    executor = client_executor(client)._replace(seconds_per_task=0.005)
    there = analyse_items(found, SETTINGS, executor=executor, progress=progress)
    assert killed
    assert sums_digest(there) == sums_digest(analysed(found))


def pids(client: Any) -> dict[str, int]:
    workers = client.scheduler_info(n_workers=-1)["workers"]
    found: dict[str, int] = client.run(os.getpid, workers=list(workers))
    return found


def test_the_first_mismatch_is_named(
    client: Any, found: list[Item], tmp_path: Path
) -> None:
    (odd,) = write_pictures(tmp_path, 1, shape=(16, 18))
    mixed = [*found[:90], Item("odd.png", "", odd), *found[90:]]
    with pytest.raises(InputError, match=r"is 16x16 and odd\.png is 18x16"):
        analyse_items(mixed, SETTINGS, executor=client_executor(client))


def test_merging_leaves_the_pieces_as_they_are(found: list[Item]) -> None:
    one, other = analysed(found[:5]), analysed(found[5:10])
    before = [sums_digest(one), sums_digest(other)]
    twice = {sums_digest(merge_chunks([one, other])) for _ in range(2)}
    assert len(twice) == 1
    assert [sums_digest(one), sums_digest(other)] == before


@needs_dask
def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spectral_sched.analysis.cluster.CONNECTING", "0.2s")
    with (
        pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127"),
        cluster_executor("tcp://127.0.0.1:9", 1),
    ):
        pass


def test_the_line_that_installs_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "distributed":
            raise ImportError(name)
        return genuine(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with (
        pytest.raises(UnavailableError, match=r"pip install 'spectral-sched\[dask\]'"),
        cluster_executor("local", 1),
    ):
        pass


@needs_dask
def test_the_command_works_on_a_local_cluster(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 30)
    digests = []
    for flags in ([], ["--dask", "local", "--workers", "2"]):
        command = [sys.executable, "-m", "spectral_sched", "analyze", "images", *flags]
        run = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        text = (tmp_path / "spectrum.json").read_text()
        digests.append(text[text.index('"digest": ') :])
    assert digests[0] == digests[1]
