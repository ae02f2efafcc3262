"""Runs that are cut short and taken up again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from spectral_sched.analysis.checkpoint import Checkpoint, checkpoint_path
from spectral_sched.analysis.chunk import AnalysisSettings, Chunk, Task
from spectral_sched.analysis.partial_file import read_partial
from spectral_sched.analysis.run import analyse_items
from spectral_sched.analysis.shard import WHOLE, Shard
from spectral_sched.analysis.tasks import Executor
from spectral_sched.errors import InputError, KilledError, UsageError
from spectral_sched.files.spectrum import payload_digest
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Item, items
from tests.support.data_sets import SETTINGS, local, sums_digest
from tests.support.helpers import write_pictures

NUM_REPEATS = 80
EAGER = (
    "from spectral_sched import cli; "
    "from spectral_sched.analysis import checkpoint; "
    "checkpoint.SECONDS_BETWEEN, checkpoint.SHARE_OF_TIME = 0.05, 0.5; "
    "cli.main()"
)


class StoppedError(Exception):
    pass


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spectral_sched.analysis.checkpoint.SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("spectral_sched.analysis.checkpoint.SHARE_OF_TIME", 1e9)


@pytest.fixture
def found(tmp_path: Path) -> list[Item]:
    write_pictures(tmp_path / "images", 40)
    (tmp_path / "images" / "bad.png").write_bytes(b"bad")
    return list(items(tmp_path / "images"))


def run(
    found: list[Item],
    path: Path,
    *,
    resume: bool,
    stop_after: int | None = None,
    settings: AnalysisSettings = SETTINGS,
    shard: Shard = WHOLE,
) -> Chunk:
    def progress(done: int, skipped: int) -> None:
        if stop_after is not None and done + skipped >= stop_after:
            raise StoppedError

    return analyse_items(
        found,
        settings,
        executor=local(1, seconds=0.001),
        checkpoint=Checkpoint(path, settings, shard, resume=resume),
        progress=progress,
    )


@pytest.fixture
def cut_short(found: list[Item], tmp_path: Path, eager: None) -> Path:
    del eager
    path = checkpoint_path(tmp_path / "spectrum.json")
    with pytest.raises(StoppedError):
        run(found, path, resume=False, stop_after=20)
    assert 20 <= read_partial(path).chunk.manifest.count < 41
    return path


def test_a_resumed_run_ends_as_if_it_had_not_been_cut_short(
    found: list[Item], cut_short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = read_partial(cut_short).chunk
    decoded = []

    def count(chunk: Chunk) -> None:
        decoded.append(chunk.manifest.count)

    monkeypatch.setattr(
        "spectral_sched.analysis.tasks.Tasks.learn", lambda _, p: count(p)
    )
    resumed = run(found, cut_short, resume=True)
    assert sum(decoded) == 41 - saved.manifest.count
    whole = run(found, cut_short.with_name("other.partial"), resume=False)
    assert sums_digest(resumed) == sums_digest(whole)
    assert resumed.manifest == whole.manifest
    assert resumed.skipped == whole.skipped
    assert resumed.recognised == saved.manifest


def test_work_that_cannot_be_saved_goes_on(
    found: list[Item], tmp_path: Path, eager: None
) -> None:
    del eager
    told: list[str] = []
    folder = tmp_path / "out"
    folder.mkdir()
    checkpoint = Checkpoint(
        folder / "x.partial", SETTINGS, WHOLE, resume=False, tell=told.append
    )
    folder.rmdir()
    executor = local(1, seconds=0.001)
    whole = analyse_items(found, SETTINGS, executor=executor, checkpoint=checkpoint)
    assert whole.num_images == 40
    (sentence,) = told
    assert sentence.startswith(f"warning: cannot write {folder / 'x.partial'}: no such")
    assert sentence.endswith("; the work continues unsaved")
    assert str(checkpoint.stopped(whole)) == ""


def test_work_whose_workers_are_killed_is_saved_and_says_how_to_go_on(
    found: list[Item], tmp_path: Path
) -> None:
    def mapper(function: Callable[[Task], Chunk], tasks: Iterable[Task]) -> Any:
        yield function(next(iter(tasks)))
        raise KilledError("workers were killed", "try again with fewer --workers")

    checkpoint = Checkpoint(tmp_path / "x.partial", SETTINGS, WHOLE, resume=False)
    with pytest.raises(KilledError, match=r"killed; .*fewer --workers and --resume$"):
        analyse_items(found, SETTINGS, executor=Executor(mapper), checkpoint=checkpoint)
    assert read_partial(checkpoint.path).chunk.manifest.count == 4
    resumed = run(found, checkpoint.path, resume=True)
    assert resumed.num_images == 40


def test_other_settings_and_shards_are_refused(
    found: list[Item], cut_short: Path
) -> None:
    other = AnalysisSettings(make_preprocessing(8), "float32")
    with pytest.raises(InputError, match=r"partial was begun with other settings"):
        run(found, cut_short, resume=True, settings=other)
    with pytest.raises(InputError, match="without --resume"):
        run(found, cut_short, resume=True, shard=Shard(0, 2))


@pytest.mark.parametrize(
    "change", ["renamed", "rewritten", "removed", "order", "fewer"]
)
def test_a_changed_source_is_refused(
    found: list[Item], cut_short: Path, change: str
) -> None:
    first = found[0]
    assert isinstance(first.data, Path)
    if change == "renamed":
        found[0] = Item("other.png", first.label, first.data)
    elif change == "rewritten":
        os.utime(first.data, (1, 1))
    elif change == "removed":
        del found[0]
    elif change == "order":
        found[:2] = found[1::-1]
    else:
        del found[10:]
    with pytest.raises(
        InputError, match=r"the images changed since .*without --resume"
    ):
        run(found, cut_short, resume=True)


def test_a_change_behind_what_was_done_is_no_matter(
    found: list[Item], cut_short: Path
) -> None:
    del found[-1]
    assert run(found, cut_short, resume=True).manifest.count == 40


def test_nothing_is_resumed_unasked(found: list[Item], cut_short: Path) -> None:
    assert run(found, cut_short, resume=False).recognised.count == 0


def test_a_file_of_others_is_not_replaced(found: list[Item], tmp_path: Path) -> None:
    path = tmp_path / ".spectrum.json.partial"
    path.write_text("mine")
    with pytest.raises(UsageError, match="not written by specsched"):
        run(found, path, resume=False)


def command(folder: Path, *flags: str) -> list[str]:
    listed = ["analyze", "--files-from", str(folder / "list.txt"), "--workers", "2"]
    output = ["-o", str(folder / "spectrum.json")]
    return [sys.executable, "-c", EAGER, *listed, *output, *flags]


def test_kill_9_at_random_moments_and_resume(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "images", 40)
    (tmp_path / "list.txt").write_text(
        "".join(f"{path}\n" for path in paths * NUM_REPEATS)
    )
    begun = time.monotonic()
    subprocess.run(command(tmp_path), check=True, capture_output=True)
    seconds = time.monotonic() - begun
    output = tmp_path / "spectrum.json"
    expected = payload_digest(json.loads(output.read_text()))
    output.unlink()
    assert not checkpoint_path(output).exists()
    counts = [0]
    for seed in range(5):
        wait = random.Random(seed).uniform(0.25, 0.55) * seconds
        with subprocess.Popen(
            command(tmp_path, "--resume"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(wait)
            process.kill()
        if checkpoint_path(output).exists():
            counts.append(read_partial(checkpoint_path(output)).chunk.manifest.count)
    # Where nothing else slows the machine down, no run comes to its end before.
    assert output.exists() or counts == sorted(counts)
    assert max(counts) > 0
    subprocess.run(command(tmp_path, "--resume"), check=True, capture_output=True)
    assert payload_digest(json.loads(output.read_text())) == expected
    assert not checkpoint_path(output).exists()


def test_an_empty_file_is_no_work_to_go_on_with(
    found: list[Item], tmp_path: Path
) -> None:
    path = checkpoint_path(tmp_path / "spectrum.json")
    path.touch()
    with pytest.raises(InputError, match=r"partial is empty, .*leave out --resume$"):
        run(found, path, resume=True)
    assert run(found, path, resume=False).num_images == 40


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"mine": 1}', "is not a specsched partial file;"),
        ('{"format": "specsched.spectrum"}', "partial file but holds a spectrum;"),
        ('{"format": "specsched.partial", "ver', "is damaged or not JSON"),
    ],
)
def test_foreign_work_is_replaced_only_with_force(
    found: list[Item], tmp_path: Path, text: str, told: str
) -> None:
    path = checkpoint_path(tmp_path / "spectrum.json")
    path.write_text(text)
    with pytest.raises(InputError, match=rf"{told}.* --force, without --resume$"):
        run(found, path, resume=True)
    if "format" not in text:
        with pytest.raises(UsageError, match=r"move it away, or replace it with --f"):
            run(found, path, resume=False)
    Checkpoint(path, SETTINGS, WHOLE, resume=False, force=True)


def test_settings_that_changed_are_named(found: list[Item], cut_short: Path) -> None:
    other = AnalysisSettings(make_preprocessing(8, window="hann"), "float64")
    told = r"\(other resolution, window, precision, shard\)"
    with pytest.raises(InputError, match=told):
        run(found, cut_short, resume=True, settings=other, shard=Shard(0, 2))
