"""The flags of ``analyze`` for sources, preprocessing and bad images."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import Run, specsched
from tests.support.helpers import write_pictures
from tests.support.picture_files import encoded_picture, write_zip


def analyze(*arguments: object, cwd: Path, code: int = 0, given: str = "") -> Run:
    return specsched("analyze", *arguments, cwd=cwd, code=code, stdin=given)


def document(folder: Path) -> Any:
    return json.loads((folder / "spectrum.json").read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of six images and two that are none."""
    write_pictures(tmp_path / "a", 6)
    (tmp_path / "a" / "bad.png").write_bytes(b"bad")
    (tmp_path / "a" / "cut.png").write_bytes(
        (tmp_path / "a/0000.png").read_bytes()[:99]
    )
    return tmp_path


def test_bad_pictures_are_counted_and_named(folder: Path) -> None:
    run = analyze("a", cwd=folder)
    assert "2 skipped: 1 damaged, 1 not an image" in run.stdout
    assert "skipped: cut.png is damaged" in run.stderr
    assert "skipped: bad.png is damaged or not an image" in run.stderr
    source = document(folder)["source"]
    assert source["num_skipped"] == 2
    assert source["skipped_by_reason"] == {"damaged": 1, "not an image": 1}
    assert len(source["skipped"]) == 2


def test_bad_pictures_may_be_limited(folder: Path) -> None:
    run = analyze("a", "--strict", cwd=folder, code=3)
    assert run.stderr.endswith("; without --strict it would be skipped\n")
    run = analyze("a", "--max-errors", 1, cwd=folder, code=3)
    assert run.stderr.startswith("error: more than 1 image cannot be read (the last")
    analyze("a", "--max-errors", 2, cwd=folder)
    analyze("a", "--max-errors", -1, cwd=folder, code=2)


def test_lists(folder: Path) -> None:
    names = "\n".join(f"a/{number:04d}.png" for number in range(6))
    (folder / "list").write_text(names)
    for source, given in (("list", ""), ("-", names)):
        analyze("--files-from", source, cwd=folder, given=given)
        assert document(folder)["num_images"] == 6
    run = analyze("a", "--files-from", "list", cwd=folder, code=2)
    assert "either a source of images or a list of them" in run.stderr
    analyze(cwd=folder, code=2)


def test_settings_are_recorded(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).uniform(0, 1, (5, 20, 24, 3)).astype(np.float32)
    np.savez(tmp_path / "a.npz", first=stack, second=stack[..., 0])
    run = analyze("a.npz", "--array", "second", cwd=tmp_path, code=3)
    assert "float32 numbers" in run.stderr
    assert "--data-range" in run.stderr
    flags = ("--data-range", "0,1", "--window", "hann", "--background", "white")
    more = ("--resolution", 16, "--resize", "box", "--color", "luma", "--fast")
    analyze("a.npz", "--array", "first", *flags, *more, cwd=tmp_path)
    assert document(tmp_path)["preprocessing"] == {
        "resolution": 16,
        "crop": "center",
        "resize": "box",
        "color": "luma",
        "background": "white",
        "window": "hann",
        "data_range": [0.0, 1.0],
        "fast": True,
    }
    assert document(tmp_path)["shape"] == [1, 16, 16]


def test_mixed_sets_need_a_colour_mode(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (8, 8, 3), np.uint8)
    files = {"a.png": encoded_picture(color), "b.png": encoded_picture(color[..., 0])}
    write_zip(tmp_path / "a.zip", files)
    run = analyze("a.zip", cwd=tmp_path, code=3)
    assert "a.zip/a.png has 3 channels and a.zip/b.png has 1 channel" in run.stderr
    for mode, channels in (("rgb", 3), ("luma", 1)):
        analyze("a.zip", "--color", mode, "--force", cwd=tmp_path)
        assert document(tmp_path)["shape"][0] == channels


def test_warnings_are_said_once_and_kept(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 4, (32, 32))
    run = analyze("a", "--resolution", 64, cwd=tmp_path)
    warnings = [line for line in run.stderr.splitlines() if "warning: " in line]
    assert len(warnings) == 1
    assert document(tmp_path)["source"]["warnings"] == [
        warnings[0].removeprefix("warning: ")
    ]


def test_odd_names_do_not_stop_the_result(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 3)
    place = os.fsencode(tmp_path / "a") + b"/z\xfc"
    try:
        Path(os.fsdecode(place)).mkdir()
        (tmp_path / "a/0000.png").rename(os.fsdecode(place + b"/x.png"))
        Path(os.fsdecode(place + b"/bad.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes no such names")
    run = analyze("a", cwd=tmp_path)
    assert r"z\udcfc" in run.stderr
    assert document(tmp_path)["classes"] == {"": 2, r"z\udcfc": 1}


def test_mixed_shapes_need_a_crop(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 2, (32, 40))
    write_pictures(tmp_path / "a" / "b", 2, (40, 32))
    run = analyze("a", cwd=tmp_path, code=3)
    assert "; bring all to one size with --resolution" in run.stderr
    flags = ("a", "--resolution", 16)
    run = analyze(*flags, "--crop", "none", cwd=tmp_path, code=3)
    assert "; bring all to one shape with --crop center" in run.stderr
    analyze(*flags, cwd=tmp_path)
    assert document(tmp_path)["shape"] == [3, 16, 16]


def test_copies_are_counted_and_told(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "a", 4)
    analyze("a", cwd=tmp_path)
    assert "num_distinct" not in document(tmp_path)["source"]
    for number in range(3):
        copy = tmp_path / "a" / f"copy{number}.png"
        copy.write_bytes(paths[number % 2].read_bytes())
    told = "warning: 4 different images, 7 files: copies count as"
    assert told in analyze("a", "--workers", 2, "--force", cwd=tmp_path).stderr
    assert document(tmp_path)["source"]["num_distinct"] == 4
    for part in range(2):
        analyze("a", "--shard", f"{part}/2", cwd=tmp_path)
    names = [f"spectrum.{part}-of-2.partial.json" for part in range(2)]
    assert told in specsched("merge", *names, "--force", cwd=tmp_path).stderr


def test_several_sources_are_one_set(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "all" / "cat", 9)
    contents = [path.read_bytes() for path in paths]
    for number, content in enumerate(contents[:3]):
        place = tmp_path / "a" / "cat" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    write_zip(tmp_path / "b.zip", {f"cat/{n}.png": contents[n] for n in range(3, 6)})
    write_zip(tmp_path / "c.zip", {f"cat/{n}.png": contents[n] for n in range(6, 9)})
    analyze("all", cwd=tmp_path)
    whole = document(tmp_path)
    several = ("a", "b.zip", "c.zip")
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    run = analyze(*several, "--workers", 2, "--force", cwd=tmp_path)
    assert "skipped: a/bad.png is damaged" in run.stderr
    found = document(tmp_path)
    assert found["digest"] == whole["digest"]
    assert found["classes"] == {"cat": 9}
    assert found["source"]["sources"] == ["a", "b.zip", "c.zip"]
    for part in range(3):
        analyze(*several, "--shard", f"{part}/3", cwd=tmp_path)
    names = [f"spectrum.{part}-of-3.partial.json" for part in range(3)]
    specsched("merge", *names, "--force", cwd=tmp_path)
    merged = document(tmp_path)
    assert merged["digest"] == whole["digest"]
    assert merged["source"]["sources"] == ["a", "b.zip", "c.zip"]


def test_many_sources_are_counted(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "a", 23)
    analyze(*paths, cwd=tmp_path)
    names = document(tmp_path)["source"]["sources"]
    assert names == [*(path.name for path in paths[:20]), "and 3 more"]


def test_what_was_left_out_is_told_and_kept(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 4)
    (tmp_path / "a" / "x.dds").write_bytes(b"")
    (tmp_path / "a" / "dataset.json").write_text('{"labels": [["0000.png", "cat"]]}')
    run = analyze("a", "--strict", cwd=tmp_path)
    told = "left out 1 other file (1 .dds; the first: x.dds); --all-files tries each"
    assert f"{told}\n" in run.stderr
    assert "warning: 1 of 1 labels in a/dataset.json are not a name" in run.stderr
    source = document(tmp_path)["source"]
    assert source["left_out"] == [told]
    assert len(source["remarks"]) == 1
    run = analyze("a", "--strict", "--all-files", cwd=tmp_path, code=3)
    assert "x.dds is damaged or not an image" in run.stderr
