"""Where documents are written: files, links to files, and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from spectral_sched.documents.write import check_output, is_ours, write_atomically
from spectral_sched.errors import UsageError

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


@pipes
@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_is_neither_replaced_nor_waited_for(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    assert not is_ours(pipe)
    with pytest.raises(UsageError, match=r"pipe\.json: it is no regular file.*-o$"):
        check_output(pipe, force=force)
    assert pipe.is_fifo()


def test_a_name_that_is_too_long_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name too long; choose another place with -o"):
        check_output(tmp_path / f"{'x' * 300}.json")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_not_replaced() -> None:
    with pytest.raises(UsageError, match="/dev/null: it is no regular file"):
        check_output(Path("/dev/null"), force=True)


@pytest.mark.parametrize(
    ("flag", "cure"),
    [
        ("-o", "choose another place with -o"),
        ("--plot", "choose another place with --plot"),
        ("--write", "leave out --write"),
    ],
)
def test_a_full_disk_is_told_with_the_flag_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, cure: str
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=f"no space left on device; {cure}$"):
        write_atomically(tmp_path / "a.json", b"after", flag=flag)
    assert not list(tmp_path.iterdir())


def test_what_lies_in_the_way_is_told_with_the_flag_that_was_given(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=r"it is a folder; leave out --write$"):
        check_output(tmp_path, flag="--write")


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept" / "a.json", tmp_path / "a.json"
    kept.parent.mkdir()
    kept.write_text("before")
    link.symlink_to(kept)
    write_atomically(link, b"after")
    assert link.is_symlink()
    assert kept.read_text() == "after"
    assert [path.name for path in kept.parent.iterdir()] == ["a.json"]


def test_content_is_on_the_disk_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "a.json", []
    flush, rename = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        order.append(("flushed", os.fstat(handle).st_size))
        flush(handle)

    def replace(self: Path, target: Path) -> Path:
        order.append(("renamed", self.stat().st_size))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(path, b"content")
    assert order == [("flushed", 7), ("renamed", 7)]
    assert path.read_bytes() == b"content"


def test_a_folder_that_may_not_be_written_is_told_of_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, link = tmp_path / "closed", tmp_path / "a.json"
    closed.mkdir()
    link.symlink_to(closed / "a.json")
    # Root may write anywhere, so that the system is not asked.
    monkeypatch.setattr(os, "access", lambda place, _: Path(place) != closed)
    check_output(tmp_path / "b.json")
    for path in (closed / "a.json", link):
        with pytest.raises(UsageError, match=r"folder cannot be written .* with -o"):
            check_output(path, force=True)
