from __future__ import annotations

import io
import itertools
import json
import os
import pickle
import struct
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spectral_sched.analysis.measurement import measure
from spectral_sched.documents.strict_json import digest
from spectral_sched.errors import (
    ImageError,
    InputError,
    UnavailableError,
    UsageError,
)
from spectral_sched.files.spectrum import payload_digest, spectrum_document
from spectral_sched.images.pixels import Pixels, load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Aside, Item, items
from spectral_sched.sources.folder import counted
from spectral_sched.sources.location import expand_braces
from spectral_sched.sources.zip import members
from tests.support.helpers import write_pictures
from tests.support.picture_files import encoded_picture, write_tar, write_zip

RNG = np.random.default_rng(2)
STACK = RNG.integers(0, 256, (12, 16, 16, 3), np.uint8)
FILES = {
    f"{number}.png": encoded_picture(picture) for number, picture in enumerate(STACK)
}


def keys(source: Any, **settings: Any) -> set[bytes]:
    """Return the keys of all images of a source."""
    return {pixels(item).key() for item in items(source, **settings)}


def pixels(item: Item) -> Pixels:
    return load_pixels(item.data, item.name, make_preprocessing())


def problems(source: Any, **settings: Any) -> list[str]:
    """Return what is said of the items that cannot be used."""
    return [
        str(item.data)
        for item in items(source, **settings)
        if isinstance(item.data, ImageError)
    ]


def labels(source: Any, **settings: Any) -> list[str]:
    return sorted(item.label for item in items(source, **settings))


EXPECTED = {
    load_pixels(data, name, make_preprocessing()).key() for name, data in FILES.items()
}


def write_kinds(folder: Path, files: dict[str, bytes], stack: Any) -> dict[str, Path]:
    """Write the same images in every kind of source."""
    places = {kind: folder / f"a.{kind}" for kind in ("zip", "tar", "npy", "npz")}
    places["folder"] = folder / "pictures"
    places["folder"].mkdir()
    for name, content in files.items():
        (places["folder"] / name).write_bytes(content)
    write_zip(places["zip"], files, zipfile.ZIP_DEFLATED)
    write_tar(places["tar"], files.items())
    places["tgz"] = folder / "a.tar.gz"
    write_tar(places["tgz"], files.items(), "w:gz")
    np.save(places["npy"], stack)
    np.savez_compressed(places["npz"], images=stack)
    return places


def test_kinds_with_the_same_pixels_have_the_same_payload(tmp_path: Path) -> None:
    stack = STACK.copy()
    places = write_kinds(tmp_path, FILES, stack)
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{path}\n" for path in places["folder"].iterdir()))
    streams = {kind: items(place) for kind, place in places.items()}
    streams["list"] = items(files_from=str(listing))
    digests = {}
    for kind, stream in streams.items():
        document = spectrum_document(measure(stream, make_preprocessing()), {})
        digests[kind] = document["digest"]
        assert digest(document["sample"])
        assert document["num_images"] == len(STACK)
    assert len(set(digests.values())) == 1, digests


def test_parquet_has_the_same_payload(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    place = write_parquet(tmp_path / "a.parquet", {"image": list(FILES.values())})
    structs = [{"bytes": content, "path": "x"} for content in FILES.values()]
    nested = write_parquet(tmp_path / "b.parquet", {"image": structs})
    folder = write_kinds(tmp_path, FILES, STACK)["folder"]
    documents = [
        spectrum_document(measure(items(source), make_preprocessing()), {})
        for source in (folder, place, nested)
    ]
    assert (
        len(
            {
                payload_digest(json.loads(json.dumps(d, default=np.ndarray.tolist)))
                for d in documents
            }
        )
        == 1
    )


def write_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, **options)
    return path


@pytest.mark.parametrize("channels", [(), (1,)])
def test_grey_stacks_equal_grey_pictures(
    channels: tuple[int, ...], tmp_path: Path
) -> None:
    grey = STACK[..., 0]
    np.save(tmp_path / "a.npy", grey.reshape(*grey.shape, *channels))
    (tmp_path / "png").mkdir()
    for number, picture in enumerate(grey):
        (tmp_path / "png" / f"{number}.png").write_bytes(encoded_picture(picture))
    assert keys(tmp_path / "a.npy") == keys(tmp_path / "png")


def test_items_can_be_sent_to_another_process(tmp_path: Path) -> None:
    for place in write_kinds(tmp_path, FILES, STACK).values():
        sent = [pickle.loads(pickle.dumps(item)) for item in items(place)]
        assert {pixels(item).key() for item in sent} == EXPECTED
    # An image of a stack is sent alone, not with the block it was read in.
    assert max(len(pickle.dumps(item)) for item in items(tmp_path / "a.npy")) < 1200


def test_patterns() -> None:
    assert list(expand_braces("{0..2}/{a,b}.tar")) == [
        f"{number}/{letter}.tar" for number in range(3) for letter in "ab"
    ]
    assert list(expand_braces("s{098..101}")) == ["s098", "s099", "s100", "s101"]
    assert list(expand_braces("plain {.zip")) == ["plain {.zip"]
    assert list(expand_braces("a\\b{1,2}")) == ["a\\b1", "a\\b2"]
    assert list(expand_braces("{0..2000000..1000000}")) == ["0", "1000000", "2000000"]
    assert list(expand_braces("{3..1}{,x{1,2}}"))[:3] == ["3", "3x1", "3x2"]


@pytest.mark.parametrize(
    "name", ["{" * 2000 + "}" * 2000, f"{{1..{'9' * 5000}}}", "}{", "{a", "{}", "b}"]
)
def test_odd_braces_are_part_of_the_name(name: str) -> None:
    assert list(expand_braces(name)) == [name]


def test_lists_may_be_longer_than_names(tmp_path: Path) -> None:
    stems = [f"{number:09d}" for number in range(30)]
    assert list(expand_braces(f"{tmp_path}/{{{','.join(stems)}}}.zip")) == [
        f"{tmp_path}/{stem}.zip" for stem in stems
    ]


def test_shards_by_pattern(tmp_path: Path) -> None:
    names = sorted(FILES)
    for number in range(3):
        part = [(name, FILES[name]) for name in names[4 * number : 4 * number + 4]]
        write_tar(tmp_path / f"s-{number:03d}.tar", part)
    assert keys(f"{tmp_path}/s-{{000..002}}.tar") == EXPECTED
    with pytest.raises(InputError, match=r"s-003.tar does not exist"):
        next(items(f"{tmp_path}/s-{{000..003}}.tar"))


def test_patterns_of_too_many_places_are_refused() -> None:
    for pattern in ("{0..1000000}.tar", "{0..999}/{00..99}/{0..10}.zip"):
        with pytest.raises(UsageError, match=r"more than 1,000,000 places"):
            next(expand_braces(pattern))


def test_a_name_with_braces_is_taken_as_it_is(tmp_path: Path) -> None:
    write_zip(tmp_path / "{a,b}.zip", FILES)
    assert keys(tmp_path / "{a,b}.zip") == EXPECTED


def test_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_kinds(tmp_path, FILES, STACK)["folder"]
    monkeypatch.chdir(tmp_path)
    lines = [f"pictures/{name}" for name in list(FILES)[:6]]
    lines += ["", "a.zip\r", "pictures", "pictures/gone.png"]
    Path("list.txt").write_text("\n".join(lines))
    found = list(items(files_from="list.txt"))
    assert len(found) == 6 + 12 + 12 + 1
    assert folder.is_dir()
    with pytest.raises(ImageError, match=r"gone.png does not exist"):
        pixels(found[-1])
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.npy\n"))
    assert keys(None, files_from="-") == EXPECTED
    with pytest.raises(InputError, match=r"cannot read the list no.txt: no such file"):
        next(items(files_from="no.txt"))
    with pytest.raises(UsageError, match="--files-from"):
        next(items("a.zip", files_from="list.txt"))
    with pytest.raises(UsageError, match="--files-from"):
        next(items())


def test_an_empty_list_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("\n")
    with pytest.raises(InputError, match=r"the list .*list holds no images"):
        list(items(files_from=str(tmp_path / "list")))


def test_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path / "cats" / "more", 2)
    write_pictures(tmp_path / "dogs", 1)
    write_pictures(tmp_path, 1)
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert labels(tmp_path) == ["", "cats", "cats", "dogs"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty is empty; name a folder"):
        list(items(tmp_path / "empty"))
    (tmp_path / "empty" / "a.txt").write_text("")
    with pytest.raises(InputError, match="holds no images, only 1 other file"):
        list(items(tmp_path / "empty"))
    with pytest.raises(InputError, match="gone does not exist; name a folder"):
        list(items(tmp_path / "gone"))


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = b"z\xfc.png".decode("utf-8", "surrogateescape")
    try:
        (tmp_path / name).write_bytes(FILES["0.png"])
    except OSError:
        pytest.skip("this file system takes no such names")
    (item,) = items(tmp_path)
    assert item.name.encode() == rb"z\udcfc.png"
    assert pixels(item).key() in EXPECTED


def test_the_first_picture_comes_before_the_listing_ends(tmp_path: Path) -> None:
    for number in range(3):
        write_pictures(tmp_path / str(number), 1)
    opened: list[Any] = []
    import os

    scandir = os.scandir

    def counted(place: Any) -> Any:
        opened.append(place)
        return scandir(place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", counted)
        next(items(tmp_path))
    assert len(opened) == 2


def test_zip_classes_are_folders(tmp_path: Path) -> None:
    names = {"cat/a.png": FILES["0.png"], "dog/b/c.png": FILES["1.png"]}
    names |= {"top.png": FILES["2.png"], "__MACOSX/cat/._a.png": b"x", "notes.txt": b""}
    write_zip(tmp_path / "a.zip", names)
    found = {item.name: item.label for item in items(tmp_path / "a.zip")}
    assert found == {
        "a.zip/cat/a.png": "cat",
        "a.zip/dog/b/c.png": "dog",
        "a.zip/top.png": "",
    }


def test_nvlabs_labels(tmp_path: Path) -> None:
    names = {f"00000/img{n:08d}.png": FILES[f"{n}.png"] for n in range(3)}
    for content, expected in (
        ({"labels": [[name, 7 - n] for n, name in enumerate(names)]}, ["5", "6", "7"]),
        ({"labels": None}, [""] * 3),
        ({"labels": [[name, [0.5, 0.5]] for name in names]}, [""] * 3),
        ([], [""] * 3),
    ):
        files = {**names, "dataset.json": json.dumps(content).encode()}
        write_zip(tmp_path / "a.zip", files)
        assert labels(tmp_path / "a.zip") == expected
    write_zip(tmp_path / "a.zip", {**names, "dataset.json": b"{"})
    assert labels(tmp_path / "a.zip") == [""] * 3


def test_large_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives of over 65535 members or 4 GB have their sizes elsewhere."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 5)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = b"a comment"
        for name, content in FILES.items():
            archive.writestr(name, content)
    data = path.read_bytes()
    assert b"PK\6\6" in data
    assert struct.pack("<L", 0xFFFFFFFF) in data
    assert keys(path) == EXPECTED


def test_zips_that_state_too_few_members_are_read_whole(tmp_path: Path) -> None:
    """Archive Utility of macOS counts its members modulo 65536."""
    path = tmp_path / "a.zip"
    write_zip(path, FILES)
    data = bytearray(path.read_bytes())
    struct.pack_into("<2H", data, data.rfind(b"PK\5\6") + 8, 2, 2)
    path.write_bytes(data)
    assert keys(path) == EXPECTED


def test_zips_after_other_bytes(tmp_path: Path) -> None:
    """An archive may follow a program that unpacks it, and offsets leave that out."""
    path = tmp_path / "a.zip"
    write_zip(path, FILES)
    path.write_bytes(b"#!/bin/sh\n" * 20 + path.read_bytes())
    assert keys(path) == EXPECTED


@pytest.mark.parametrize(("system", "label"), [(0, "cat"), (3, "")])
def test_backslashes_are_folders_where_windows_packed(
    system: int, label: str, tmp_path: Path
) -> None:
    path, aside = tmp_path / "a.zip", Aside()
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("cat\\0.png", "cat\\._0.png"):
            member = zipfile.ZipInfo(name)
            member.create_system = system
            archive.writestr(member, FILES["0.png"])
    found = list(items(path, aside=aside))
    assert found[0].label == label
    assert (len(found), aside.num_hidden) == ((1, 1) if system == 0 else (2, 0))


def test_zip_bombs_and_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_zip(path, {"a.png": b"\0" * 100_000, "b.png": FILES["0.png"]}, 8)
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\1\2", 0, data.rfind(b"PK\1\2"))
    for size, match in (((1 << 28) + 1, "has 268435457 bytes"), (10, "is damaged")):
        struct.pack_into("<L", data, place + 24, size)
        path.write_bytes(data)
        tracemalloc.start()
        (problem,) = problems(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 21
        tracemalloc.stop()
        assert match in problem
        assert "a.zip/a.png" in problem


def test_unusual_and_damaged_zips(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_zip(path, FILES, zipfile.ZIP_BZIP2)
    assert "packed in an unusual way; repack" in problems(path)[0]
    write_zip(path, FILES)
    data = path.read_bytes()
    broken = bytearray(data)
    broken[200] ^= 1
    path.write_bytes(broken)
    assert problems(path) == ["a.zip/0.png is damaged in the archive"]
    path.write_bytes(data[:-30])
    assert problems(path) == ["a.zip is damaged: it is no zip archive or cut short"]
    place = data.rfind(b"PK\1\2")
    path.write_bytes(data[:place] + b"XXXX" + data[place + 4 :])
    assert "a.zip is damaged: its directory is cut short" in problems(path)
    assert {pixels(item).key() for item in list(items(path))[:-1]} < EXPECTED
    assert len(list(items(path))) == len(FILES)


def test_zip_directories_are_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"

    def peak(count: int) -> int:
        tracemalloc.start()
        assert sum(1 for _ in items(path)) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    least = []
    for count in (4000, 12_000):
        write_zip(path, {f"{number}.png": b"x" for number in range(count)})
        # Threads that other tests have left may allocate at any moment.
        least.append(min(peak(count) for _ in range(3)))
    assert least[1] < least[0] + 20_000


def test_zip_members_are_those_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write_zip(path, {"ä.png": b"1", "a/b.png": b"22"}, zipfile.ZIP_DEFLATED)
    with path.open("rb") as file, zipfile.ZipFile(path) as archive:
        for member, info in itertools.zip_longest(members(file), archive.infolist()):
            assert member.name == info.filename
            assert member.offset == info.header_offset
            assert (member.size, member.packed) == (info.file_size, info.compress_size)


def test_webdataset_samples(tmp_path: Path) -> None:
    contents = [FILES[f"{number}.png"] for number in range(8)]
    write_tar(
        tmp_path / "a.tar",
        [
            # The class may come before or after, and other images are skipped.
            *(("0001.cls", b"3\n"), ("0001.png", contents[0]), ("0001.json", b"{}")),
            *(("0002.depth.png", contents[7]), ("0002.png", contents[1])),
            *(("0002.seg.png", contents[7]), ("0002.cls", b"5")),
            # The same number in another folder is another sample.
            *(("b/0002.png", contents[2]), ("b/0003.PNG", contents[3])),
            # No plain ending: every one is an image.
            *(("photo.1.png", contents[4]), ("photo.2.png", contents[5])),
            # Numbers are no kinds, and two kinds of file are two images.
            *(("both.png", contents[6]), ("both.1.png", contents[7])),
            *(("both.jpg", contents[6]), ("last.cls", b"9")),
        ],
    )
    stream = list(items(tmp_path / "a.tar"))
    left = [item.data for item in stream if isinstance(item.data, ImageError)]
    assert [error.reason for error in left] == ["beside an image"] * 2
    assert str(left[0]) == (
        "a.tar/0002.depth.png is beside a.tar/0002.png in its sample and not read"
    )
    found = [(it.name, it.label) for it in stream if it.data not in left]
    assert found == [
        ("a.tar/0001.png", "3"),
        ("a.tar/0002.png", "5"),
        ("a.tar/b/0002.png", "b"),
        ("a.tar/b/0003.PNG", "b"),
        ("a.tar/photo.1.png", ""),
        ("a.tar/photo.2.png", ""),
        ("a.tar/both.png", ""),
        ("a.tar/both.1.png", ""),
        ("a.tar/both.jpg", ""),
    ]


def test_long_series_are_not_held(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", [(f"film.{n}.png", b"x") for n in range(40)])
    assert len(list(items(tmp_path / "a.tar"))) == 40


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_cut_tars(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    mode = "w" + (f":{suffix[4:]}" if suffix != "tar" else "")
    write_tar(path, FILES.items(), mode)
    assert keys(path) == EXPECTED
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    found = list(items(path))
    assert isinstance(found[-1].data, ImageError)
    assert found[-1].data.reason == "damaged archive"
    if suffix == "tar":
        assert {pixels(item).key() for item in found[:-1]} < EXPECTED
        assert len(found) > 4
    path.write_bytes(b"nonsense" * 100)
    assert "is damaged or cut short" in problems(path)[0]


def test_a_damaged_tar_header_is_not_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    write_tar(path, FILES.items())
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as archive:
        data[archive.getmembers()[5].offset + 150] ^= 1
    path.write_bytes(data)
    found = list(items(path))
    assert len(found) == 6
    assert isinstance(found[-1].data, ImageError)


def test_large_tar_members_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectral_sched.images.pixels.MAX_ENCODED_BYTES", 5000)
    write_tar(tmp_path / "a.tar", [("a.png", b"x" * 5001), *FILES.items()])
    found = list(items(tmp_path / "a.tar"))
    assert len(found) == 13
    assert str(found[0].data) == "a.tar/a.png has 5001 bytes, more than 5000"


@pytest.mark.parametrize("target", ["a.png", "nowhere.png"])
def test_links_that_lead_nowhere_are_skipped_and_counted(
    target: str, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "images", 4)
    (tmp_path / "images" / "a.png").symlink_to(target)
    measured = measure(items(tmp_path / "images"), make_preprocessing())
    assert measured.spectrum.num_images == 4
    assert measured.skipped.total == 1
    assert "a.png" in measured.skipped.messages[0]


@pytest.mark.parametrize(
    ("encoding", "end"),
    [("utf-8", "\0"), ("utf-16", "\n"), ("utf-8-sig", "\r\n"), ("utf-8", "\n\n")],
)
def test_lists_as_other_programs_write_them(
    encoding: str, end: str, tmp_path: Path
) -> None:
    paths = [str(path) for path in write_pictures(tmp_path / "images", 3)]
    text = "".join(path + end for path in paths)
    (tmp_path / "list").write_bytes(text.encode(encoding))
    found = items(files_from=str(tmp_path / "list"))
    assert [item.data for item in found] == [Path(path) for path in paths]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_list_may_be_a_pipe(tmp_path: Path) -> None:
    # As with ``--files-from <(find ...)``.
    paths = [str(path) for path in write_pictures(tmp_path / "images", 3)]
    os.mkfifo(tmp_path / "list")
    text = "".join(f"{path}\n" for path in paths)
    writer = Thread(target=(tmp_path / "list").write_text, args=(text,), daemon=True)
    writer.start()
    found = items(files_from=str(tmp_path / "list"))
    assert [item.data for item in found] == [Path(path) for path in paths]
    writer.join()


def test_names_that_are_too_long_are_skipped_or_refused(tmp_path: Path) -> None:
    (path,) = write_pictures(tmp_path / "images", 1)
    (tmp_path / "list").write_text(f"{'a' * 300}.png\n{path}\n")
    long, fine = items(files_from=str(tmp_path / "list"))
    with pytest.raises(ImageError):
        load_pixels(long.data, long.name, make_preprocessing())
    assert load_pixels(fine.data, fine.name, make_preprocessing()).values.size
    with pytest.raises(InputError, match="does not exist"):
        next(items("a" * 300))
    assert counted("a" * 300)() is None


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_tar_links_are_not_followed(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = kind, "/etc/passwd"
        archive.addfile(link)
        member = tarfile.TarInfo("b.png")
        member.size = len(FILES["0.png"])
        archive.addfile(member, io.BytesIO(FILES["0.png"]))
    link_item, picture = items(tmp_path / "a.tar")
    assert isinstance(link_item.data, ImageError)
    assert "a.tar/a.png is a link to /etc/passwd and not read" in str(link_item.data)
    assert picture.name == "a.tar/b.png"


def test_stacks_in_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=STACK, labels=np.arange(12), other=STACK[:, :, :, 0])
    assert keys(path) == EXPECTED
    assert labels(path)[:3] == ["0", "1", "10"]
    assert next(items(path)).name == "a.npz:images[0]"
    assert pixels(next(items(path, array="other"))).values.shape == (1, 16, 16)
    with pytest.raises(UsageError, match=r"no array 'x'; .* \(images, labels, other\)"):
        list(items(path, array="x"))
    with pytest.raises(InputError, match=r"labels has the shape \(12,\); a stack"):
        list(items(path, array="labels"))
    np.savez(path, STACK, np.arange(3))
    assert keys(path) == EXPECTED
    np.savez(path, pictures=STACK, table=np.zeros((3, 3)))
    assert keys(path) == EXPECTED
    np.savez(path, one=STACK, two=STACK)
    with pytest.raises(UsageError, match=r"several stacks; .*--array \(one, two\)"):
        list(items(path))
    np.savez(path, table=np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"no stack of images: table has the shape"):
        list(items(path))


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((4, 5, 16, 16), np.uint8), r"has the shape \(4, 5, 16, 16\)"),
        (np.zeros((16, 16), np.uint8), r"has the shape \(16, 16\)"),
        (np.asfortranarray(STACK), "Fortran order; save it after"),
        (STACK.astype(np.complex64), "holds complex64 values"),
        (np.array([["a"]]), "values, not numbers"),
        (np.zeros((2, 0, 5), np.uint8), "has images of 5x0 pixels"),
    ],
)
def test_arrays_that_are_no_stacks(array: Any, match: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=match):
        list(items(tmp_path / "a.npy"))


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "executed",)

    array = np.empty((1, 2, 2), object)
    array[:] = Bomb()
    for place in (tmp_path / "a.npy", tmp_path / "a.npz"):
        save = np.save if place.suffix == ".npy" else np.savez
        save(place, array, allow_pickle=True)
        with pytest.raises(InputError, match="holds object values, not numbers"):
            list(items(place))
    assert not (tmp_path / "executed").exists()


def test_damaged_stacks(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, STACK)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert problems(path) == [
        "a.npy is damaged or cut short: it ends before entry 12 of 12"
    ]
    path.write_bytes(data[:40])
    assert "a.npy is damaged or no array file" in problems(path)[0]
    np.savez_compressed(tmp_path / "a.npz", STACK)
    packed = bytearray((tmp_path / "a.npz").read_bytes())
    packed[len(packed) // 2] ^= 255
    (tmp_path / "a.npz").write_bytes(packed)
    assert "is damaged or cut short" in problems(tmp_path / "a.npz")[-1]
    (tmp_path / "a.npz").write_bytes(packed[:-50])
    assert "is damaged or no npz file" in problems(tmp_path / "a.npz")[-1]


def test_forged_stacks_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((1, 8, 8), np.float64))
    data = path.read_bytes()
    for shape, match in (
        (b"(9223372036854775807, 8, 8)", "it ends before entry"),
        (b"(1, 8192, 8192)", "has images of 8192x8192 pixels"),
        (b"(1, 1, 2147483648)", "has images of 2147483648x1 pixels"),
    ):
        forged = data.replace(b"(1, 8, 8)", shape, 1)
        path.write_bytes(forged.replace(b" " * (len(shape) - 9) + b"\n", b"\n", 1))
        tracemalloc.start()
        try:
            message = problems(path)[0]
        except InputError as error:
            message = str(error)
        assert match in message
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
        tracemalloc.stop()


def test_float_stacks_need_a_range(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", STACK / 255)
    with pytest.raises(InputError, match=r"a.npy\[0\] holds float64 .*--data-range"):
        measure(items(tmp_path / "a.npy"), make_preprocessing())
    settings = make_preprocessing(data_range=(0.0, 1.0))
    measured = measure(items(tmp_path / "a.npy"), settings)
    plain = measure(
        iter([Item(n, "", d) for n, d in FILES.items()]), make_preprocessing()
    )
    assert measured.bounds.sigma_max == pytest.approx(plain.bounds.sigma_max, rel=1e-6)


def test_parquet_columns(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    contents = list(FILES.values())
    path = tmp_path / "a.parquet"
    columns = {"photo": contents, "label": list(range(12)), "text": ["a"] * 12}
    write_parquet(path, columns, row_group_size=5)
    assert keys(path) == EXPECTED
    assert labels(path)[:3] == ["0", "1", "10"]
    assert [item.name for item in items(path)][-1] == "a.parquet row 11"
    write_parquet(path, {"one": contents, "two": contents})
    assert keys(path, column="two") == EXPECTED
    with pytest.raises(UsageError, match=r"choose one with --column \(one, two\)"):
        list(items(path))
    with pytest.raises(UsageError, match=r"no column 'x' of images"):
        list(items(path, column="x"))
    write_parquet(path, {"text": ["a"]})
    with pytest.raises(InputError, match=r"no column of images \(columns: text\)"):
        list(items(path))
    write_parquet(path, {"image": [{"bytes": None, "path": "a.png"}, {"bytes": b"x"}]})
    named, _ = items(path)
    assert (named.name, named.data) == ("a.parquet row 0 (a.png)", tmp_path / "a.png")
    write_parquet(path, {"image": [{"bytes": None, "path": ""}, {"bytes": b"x"}]})
    assert problems(path) == ["a.parquet row 0 holds no image"]
    write_parquet(path, {"image": contents})
    path.write_bytes(path.read_bytes()[:-20])
    assert "a.parquet is damaged" in problems(path)[0]


def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(UnavailableError, match=r"pip install 'spectral-sched\[parquet"):
        list(items(tmp_path / "a.parquet"))
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UnavailableError, match=r"s3:// takes .* pip install s3fs"):
        list(items("s3://bucket/a.zip"))
    with pytest.raises(InputError, match=r"nowhere://a is no URL .* not known"):
        list(items("nowhere://a"))


def test_urls(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    places = write_kinds(tmp_path, FILES, STACK)
    for kind in ("zip", "tar", "npy", "npz"):
        memory.pipe(f"/set/a.{kind}", places[kind].read_bytes())
        assert keys(f"memory://set/a.{kind}") == EXPECTED
    for name, content in FILES.items():
        memory.pipe(f"/pictures/cats/{name}", content)
    memory.pipe("/pictures/readme.txt", b"")
    assert keys("memory://pictures") == EXPECTED
    assert set(labels("memory://pictures")) == {"cats"}
    assert keys("memory://pictures/cats/{0..11}.png") == EXPECTED
    (item,) = items("memory://pictures/gone.png")
    with pytest.raises(ImageError, match=r"gone.png: it does not exist"):
        pixels(item)
    with pytest.raises(InputError, match=r"cannot read memory://gone.zip"):
        list(items("memory://gone.zip"))
    with pytest.raises(InputError, match="memory://nothing holds no images"):
        list(items("memory://nothing"))


def test_a_single_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(STACK[0]).save(path)
    (item,) = items(path)
    assert (item.name, item.label, item.data) == ("a.png", "", path)


def test_nothing_is_written_beside_the_sources(tmp_path: Path) -> None:
    places = write_kinds(tmp_path, FILES, STACK)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for place in places.values():
        measure(items(place), make_preprocessing())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
