"""What a source holds beside images is counted and named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.errors import ImageError, InputError
from spectral_sched.sources import Aside, items
from spectral_sched.sources.folder import files
from tests.support.picture_files import encoded_picture, write_tar, write_zip

RNG = np.random.default_rng(4)
PICTURES = [
    encoded_picture(picture) for picture in RNG.integers(0, 256, (4, 8, 8), np.uint8)
]


def write_folder(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_all(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Write files as a folder, a zip and a tar."""
    write_zip(folder / "a.zip", contents)
    write_tar(folder / "a.tar", contents.items())
    return [write_folder(folder / "a", contents), folder / "a.zip", folder / "a.tar"]


MIXED = {
    "cat/0.png": PICTURES[0],
    "cat/1.dds": b"x",
    "dog/2.DDS": b"x",
    "LICENSE": b"text",
    ".old/3.png": PICTURES[1],
    "__MACOSX/cat/._0.png": b"x",
    ".DS_Store": b"x",
}


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_other_files_are_counted_and_hidden_ones_left_out(
    kind: int, tmp_path: Path
) -> None:
    place, aside = write_all(tmp_path, MIXED)[kind], Aside()
    (found,) = items(place, aside=aside)
    assert (found.name.removeprefix(f"{place.name}/"), found.label) == (
        "cat/0.png",
        "cat",
    )
    assert aside.endings == {".dds": 2, "": 1}
    assert aside.num_hidden == 2
    others, hidden = aside.left_out()
    assert others.startswith("left out 3 other files (2 .dds, 1 without an ending; the")
    assert others.endswith("; --all-files tries each")
    assert hidden.startswith("left out 2 hidden images (the first: ")


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_files_of_any_ending_are_tried(kind: int, tmp_path: Path) -> None:
    place, aside = write_all(tmp_path, MIXED)[kind], Aside()
    names = [item.name.rpartition("/")[2] for item in items(place, all_files=True)]
    assert sorted(names) == ["0.png", "1.dds", "2.DDS", "LICENSE"]
    assert not aside.endings


def test_rare_endings_are_counted_together() -> None:
    aside = Aside()
    for number in range(8):
        aside.other(f"a.{number}")
    assert "1 .4, 3 of other endings; the first: a.0)" in aside.left_out()[0]


def labelled(content: Any) -> dict[str, bytes]:
    names = [f"0000{n // 2}/img{n}.png" for n in range(4)]
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {**dict(zip(names, PICTURES, strict=True)), "dataset.json": text}


RIGHT = [[f"0000{n // 2}/img{n}.png", n % 3] for n in range(4)]


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize(
    ("content", "expected", "told"),
    [
        ({"labels": RIGHT}, "0012", None),
        ({"labels": None}, "", None),
        ({"labels": [["00000/img0.png", 5]]}, "5", "3 images have no label in a"),
        ({"labels": [*RIGHT, ["no.png", 1]]}, "0012", "1 of 5 labels in a"),
        ({"labels": [[n, str(x)] for n, x in RIGHT]}, "", "4 of 4 labels in a"),
        ({"labels": [[n, 0.0] for n, _ in RIGHT]}, "", "not a name and an integer"),
        ({"labels": [[n, None] for n, _ in RIGHT]}, "", "not a name and an integer"),
        ({"labels": [[n] for n, _ in RIGHT]}, "", 'first: ["00000/img0.png"])'),
        ({"labels": "none"}, "", "holds no labels"),
        ([], "", "holds no labels"),
        (b'{"labels": [[],]}', "", "it is no JSON"),
        ({"name": "other"}, ["00000", "00000", "00001", "00001"], None),
    ],
)
def test_labels_are_those_of_the_list_or_told(
    kind: int, content: Any, expected: Any, told: str | None, tmp_path: Path
) -> None:
    place, aside = write_all(tmp_path, labelled(content))[kind], Aside()
    found = sorted(item.label for item in items(place, aside=aside))
    assert [label for label in found if label] == list(expected)
    if told is None:
        assert not aside.remarks
    else:
        assert any(told in remark for remark in aside.remarks), aside.remarks


def test_a_tar_says_that_its_list_is_not_read(tmp_path: Path) -> None:
    aside = Aside()
    list(items(write_all(tmp_path, labelled({"labels": RIGHT}))[2], aside=aside))
    assert aside.remarks == [
        "labels in dataset.json are not read; dataset.json must be at the top of a zip "
        "archive or a folder"
    ]


def test_classes_away_from_their_images_in_a_tar_are_told(tmp_path: Path) -> None:
    """Tar packs files as the folder has them, which is in no order."""
    apart = [("0.png", PICTURES[0]), ("1.png", PICTURES[1]), ("0.cls", b"3")]
    write_tar(tmp_path / "a.tar", [*apart, ("1.cls", b"4")])
    aside = Aside()
    found = list(items(tmp_path / "a.tar", aside=aside))
    assert [item.label for item in found] == ["", ""]
    assert aside.remarks == [
        "classes (.cls) in a.tar that are not next to an image of their name are lost: "
        "2; pack it with tar --sort=name"
    ]


def test_a_list_in_a_folder_of_a_zip_is_told(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"a/0.png": PICTURES[0], "a/dataset.json": b"{}"})
    aside = Aside()
    assert [item.label for item in items(tmp_path / "a.zip", aside=aside)] == ["a"]
    assert aside.remarks[0].startswith("labels in a/dataset.json are not read;")


def test_a_folder_of_hidden_pictures_is_not_called_empty(tmp_path: Path) -> None:
    write_folder(tmp_path, {".old/0.png": PICTURES[0], "notes.txt": b""})
    only = r"no images, only 1 hidden and 1 other file \(1 \.txt\);"
    with pytest.raises(InputError, match=only):
        list(items(tmp_path))


@pytest.mark.parametrize("name", ["a.tar.zst", "shard.00000.mds.zstd", "a.TAR.LZ4"])
def test_packed_archives_are_to_be_unpacked(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"(\xb5/\xfd")
    (item,) = items(tmp_path / name)
    assert str(item.data) == (
        f"{name} is packed in a way that is not read; unpack it first"
    )


def test_archives_without_pictures_say_what_they_hold(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"a.dds": b"", "b.psd": b""})
    with pytest.raises(
        InputError,
        match=r"a\.zip holds no images, only 2 other files \(1 \.dds, 1 \.psd\);",
    ):
        list(items(tmp_path / "a.zip"))


def test_a_table_of_other_things_among_archives_is_skipped(tmp_path: Path) -> None:
    write_zip(tmp_path / "b.zip", {"0.png": PICTURES[0]})
    np.save(tmp_path / "a.npy", np.zeros(3))
    bad, good = items(tmp_path)
    assert isinstance(bad.data, ImageError)
    assert bad.data.reason == "no images"
    assert good.name == "b.zip/0.png"


def test_folders_of_archives_are_one_set(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    (folder / "more").mkdir(parents=True)
    write_tar(folder / "b.tar", [("cat/0.png", PICTURES[0])])
    write_zip(folder / "more/a.zip", {"dog/1.png": PICTURES[1]})
    (folder / "state.json").write_text("{}")
    found = [(item.name, item.label) for item in items(folder)]
    assert found == [("b.tar/cat/0.png", "cat"), ("more/a.zip/dog/1.png", "dog")]


def test_archives_beside_pictures_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", {"0.png": PICTURES[0]})
    write_zip(tmp_path / "a/old.zip", {"1.png": PICTURES[1]})
    aside = Aside()
    assert [item.name for item in items(tmp_path / "a", aside=aside)] == ["0.png"]
    assert aside.endings == {".zip": 1}
    assert "(the first: old.zip); name them as sources too" in aside.remarks[0]


def test_patterns_with_stars(tmp_path: Path) -> None:
    for name in "ba":
        write_zip(tmp_path / f"{name}.zip", {"0.png": PICTURES[0]})
    found = [item.name for item in items(f"{tmp_path}/*.zip")]
    assert found == ["a.zip/0.png", "b.zip/0.png"]
    with pytest.raises(InputError, match=r"\*.tar matches no file"):
        list(items(f"{tmp_path}/*.tar"))
    write_zip(tmp_path / "[x].zip", {"9.png": PICTURES[0]})
    assert [item.name for item in items(tmp_path / "[x].zip")] == ["[x].zip/9.png"]


def test_several_sources_are_one_after_the_other(tmp_path: Path) -> None:
    write_folder(tmp_path / "b", {"cat/0.png": PICTURES[0]})
    write_zip(tmp_path / "a.zip", {"cat/0.png": PICTURES[1], "dog/1.png": b"x"})
    write_zip(tmp_path / "empty.zip", {"notes.txt": b""})
    aside = Aside()
    sources = [tmp_path / name for name in ("b", "a.zip", "empty.zip")]
    found = [(item.name, item.label) for item in items(sources, aside=aside)]
    assert found == [
        (f"{tmp_path}/b/cat/0.png", "cat"),
        (f"{tmp_path}/a.zip/cat/0.png", "cat"),
        (f"{tmp_path}/a.zip/dog/1.png", "dog"),
    ]
    assert aside.remarks == [f"{tmp_path}/empty.zip holds no images"]
    with pytest.raises(InputError, match="nowhere does not exist"):
        next(items([tmp_path / "b", tmp_path / "nowhere"]))


def test_folders_that_cannot_be_listed_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, {"a/0.png": PICTURES[0], "b/1.png": PICTURES[1]})
    scandir = os.scandir

    def failing(place: Path) -> Any:
        if place.name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", failing)
    bad, good = sorted(items(tmp_path), key=lambda item: item.name, reverse=True)
    assert good.name == "a/0.png"
    assert isinstance(bad.data, ImageError)
    assert str(bad.data).endswith("b: permission denied")
    assert bad.data.reason == "unreadable folder"


def test_a_folder_removed_under_way_is_skipped(tmp_path: Path) -> None:
    write_folder(tmp_path, {"0.png": PICTURES[0], "b/1.png": PICTURES[1]})
    stream = files(tmp_path)
    assert next(stream)[1] == "0.png"
    (tmp_path / "b/1.png").unlink()
    (tmp_path / "b").rmdir()
    ((error, name),) = stream
    assert name == "b"
    assert "no such file" in str(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_pipes_are_items_that_are_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (item,) = items(tmp_path)
    assert item.data == tmp_path / "a.png"
