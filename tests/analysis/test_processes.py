"""Worker processes: order, errors, and the same bits whatever their number."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from spectral_sched.analysis.chunk import Chunk, Skipped, Task, analyse_chunk
from spectral_sched.analysis.processes import ordered_map
from spectral_sched.analysis.run import analyse_items
from spectral_sched.analysis.tasks import Tasks
from spectral_sched.errors import InputError, KilledError, UsageError
from spectral_sched.sources import Item, items
from spectral_sched.system.cores import available_cores
from tests.support.data_sets import SETTINGS, analysed, local, payload, sums_digest
from tests.support.helpers import write_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures")
    for label in "ab":
        write_pictures(path / label, 25, seed=ord(label))
    (path / "a" / "broken.png").write_bytes(b"not a picture")
    return path


def slow_square(number: int) -> int:
    time.sleep(0.02 * (number % 3 == 0))
    return number**2


def fail_at_five(number: int) -> int:
    if number == 5:
        message = "five cannot be had; name another"
        raise UsageError(message)
    if number == 7:
        raise KeyError(number)
    return number


def end_itself(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def end_itself_at_first(folder: Path, num_kills: int, number: int) -> int:
    if number == 7 and len(list(folder.iterdir())) < num_kills:
        (folder / str(os.getpid())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def square_and_pid(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_tasks(workers: int) -> None:
    results = ordered_map(slow_square, range(30), workers, patience=-1.0)
    assert list(results) == [number**2 for number in range(30)]


def test_tasks_are_taken_only_a_little_ahead() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = ordered_map(slow_square, tasks(), 2, patience=-1.0)
    for _ in range(10):
        next(results)
    assert len(taken) <= 20
    results.close()  # type: ignore[attr-defined]


def test_errors_are_raised_in_the_order_of_tasks() -> None:
    results = ordered_map(fail_at_five, range(30), 2, patience=-1.0)
    seen: list[int] = []
    with pytest.raises(UsageError, match="five cannot be had"):
        seen.extend(results)
    with pytest.raises(KeyError, match="7") as caught:
        list(ordered_map(fail_at_five, [1, 2, 7], 2, patience=-1.0))
    assert "fail_at_five" in caught.value.__notes__[0]


def test_a_task_that_kills_its_workers_is_named() -> None:
    told = r"killed 3 times over 3, .*fewer --workers"
    with pytest.raises(KilledError, match=told):
        list(ordered_map(end_itself, range(30), 2, patience=-1.0))


@pytest.mark.parametrize("num_kills", [1, 2])
def test_the_task_of_a_killed_worker_is_done_again(
    tmp_path: Path, num_kills: int
) -> None:
    function = partial(end_itself_at_first, tmp_path, num_kills)
    results = ordered_map(function, range(30), 2, patience=-1.0)
    assert list(results) == [number**2 for number in range(30)]
    assert len(list(tmp_path.iterdir())) == num_kills


def test_workers_that_are_killed_while_idle_are_replaced() -> None:
    results = ordered_map(square_and_pid, range(40), 2, patience=-1.0)
    squares, killed = [], set()
    for square, pid in results:
        squares.append(square)
        if len(squares) in (5, 15):
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    assert squares == [number**2 for number in range(40)]
    assert len(killed) == 2


def test_a_task_is_named_by_its_items() -> None:
    items = [Item(f"{name}.png", "", Path(name)) for name in "abc"]
    assert str(Task(items, 0)) == "the images a.png to c.png"
    assert str(Task(items[1:2], 1)) == "b.png"


def test_there_is_a_core() -> None:
    assert available_cores() >= 1


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_bits(folder: Path, workers: int) -> None:
    alone, together = analysed(folder), analysed(folder, workers)
    assert payload(together) == payload(alone)
    assert together.skipped == alone.skipped
    assert together.manifest == alone.manifest
    assert alone.skipped.reasons == {"not an image": 1}


def test_any_order_of_items_gives_the_same_bits(folder: Path) -> None:
    found = list(items(folder))
    expected = payload(analysed(found))
    for seed in range(3):
        random.Random(seed).shuffle(found)
        assert payload(analysed(found)) == expected


def test_pieces_merge_in_any_grouping(folder: Path) -> None:
    found = list(items(folder))
    chunks = [
        analyse_chunk(SETTINGS, Task(found[i : i + 6], i))
        for i in range(0, len(found), 6)
    ]
    before = [sums_digest(chunk) for chunk in chunks if chunk.num_images]
    one_by_one, left, right = Chunk(), Chunk(), Chunk()
    for chunk in chunks:
        one_by_one.merge(chunk)
    for chunk in chunks[:3]:
        left.merge(chunk)
    for chunk in chunks[3:]:
        right.merge(chunk)
    left.merge(right)
    assert sums_digest(left) == sums_digest(one_by_one)
    assert left.manifest == one_by_one.manifest
    assert [sums_digest(chunk) for chunk in chunks if chunk.num_images] == before


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_mismatch_is_named(
    folder: Path, tmp_path: Path, workers: int
) -> None:
    found = list(items(folder))[:30]
    (odd, odder) = write_pictures(tmp_path, 2, shape=(16, 18))
    found[17:17] = [Item("odd.png", "", odd)]
    found += [Item("odder.png", "", odder)]
    expected = rf"{found[0].name} is 16x16 and odd.png is 18x16; .*--resolution"
    with pytest.raises(InputError, match=expected):
        analysed(found, workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_picture_beyond_the_limit_is_named(
    folder: Path, tmp_path: Path, workers: int
) -> None:
    found = list(items(folder / "b"))
    for number in (20, 12, 4):
        path = tmp_path / f"bad{number}.png"
        path.write_bytes(b"bad")
        found[number:number] = [Item(path.name, "", path)]
    with pytest.raises(InputError, match=r"more than 1 .*bad12\.png.*--max-errors"):
        analyse_items(found, SETTINGS, executor=local(workers), max_errors=1)
    with pytest.raises(InputError, match=r"bad4\.png.*without --strict"):
        analyse_items(found, SETTINGS, executor=local(workers), max_errors=0)


def test_a_source_without_pictures_has_nothing_to_find(tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(b"bad")
    chunk = analysed([Item("bad.png", "", path)])
    with pytest.raises(InputError, match=r"no image could be read \(first: bad.png"):
        chunk.found()


def test_few_messages_are_kept_and_all_are_counted() -> None:
    whole = Skipped()
    for start in range(0, 60, 20):
        part = Skipped()
        for number in range(start, start + 20):
            part.reasons["damaged"] += 1
            part.messages.append(f"{number}")
        whole.merge(part)
    assert whole.total == 60
    assert whole.messages == [f"{number}" for number in range(20)]


def test_tasks_grow_until_they_take_the_wanted_time() -> None:
    tasks = Tasks([Item("", "", b"x")] * 1000, num_known=0, seconds=1.0)
    sizes = []
    for task in tasks:
        sizes.append(len(task.items))
        chunk = Chunk(seconds=0.01 * sizes[-1])
        chunk.manifest.count = sizes[-1]
        tasks.learn(chunk)
    assert sizes[:4] == [4, 32, 100, 100]
    assert sum(sizes) == 1000


def test_tasks_hold_a_bounded_number_of_bytes() -> None:
    tasks = Tasks([Item("", "", bytes(3 << 20))] * 7, num_known=0, seconds=1.0)
    tasks.size = 100
    assert [len(task.items) for task in tasks] == [3, 3, 1]


def test_known_items_are_dealt_apart() -> None:
    tasks = list(Tasks([Item("", "", b"")] * 10, num_known=7, seconds=1.0))
    assert [(task.start, len(task.items), task.known) for task in tasks] == [
        (0, 7, True),
        (7, 3, False),
    ]


def children_of(number: int) -> list[int]:
    """Return the processes that a process started, and those that these started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = [number]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


def gone(number: int) -> bool:
    try:
        return (Path("/proc") / str(number) / "stat").read_text().split()[2] == "Z"
    except OSError:
        return True


SAVED = r"saved at item \d+; continue with --resume\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)],
)
def test_no_worker_outlives_its_parent(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    # A pipe that never ends is a manifest that never does.
    read_end, write_end = os.pipe()
    (path,) = write_pictures(tmp_path / "images", 1)
    command = [sys.executable, "-m", "spectral_sched", "analyze", "--workers", "2"]
    with subprocess.Popen(
        [*command, "--files-from", "-"],
        cwd=tmp_path,
        stdin=read_end,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        os.close(read_end)
        started: list[int] = []
        until = time.monotonic() + 60
        while len(started) < 4 and time.monotonic() < until:
            os.write(write_end, f"{path}\n".encode() * 100)
            time.sleep(0.02)
            started = children_of(run.pid)
        # The two workers, the server that forks them, and its tracker of resources.
        assert len(started) == 4
        run.send_signal(number)
        assert run.wait(20) == code
        while not all(map(gone, started)) and time.monotonic() < until:
            time.sleep(0.05)
        assert all(map(gone, started))
        if code == 130:
            assert run.stderr
            assert re.fullmatch(SAVED, run.stderr.read())
    os.close(write_end)


def test_results_are_made_here_while_there_is_patience() -> None:
    pids = set(ordered_map(partial(pid_for, "x"), range(5), 2, patience=60.0))
    assert pids == {os.getpid()}


def pid_for(_name: str, _number: int) -> int:
    return os.getpid()
