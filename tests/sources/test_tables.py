"""Parquet and Arrow files, and the folders that datasets saves."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Aside, Item, items
from tests.support.picture_files import encoded_picture

pyarrow = pytest.importorskip("pyarrow")

RNG = np.random.default_rng(5)
PICTURES = [
    encoded_picture(picture) for picture in RNG.integers(0, 256, (4, 8, 8), np.uint8)
]


def write_parquet(path: Path, table: Any) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path)


def write_stream(path: Path, table: Any) -> None:
    new = pyarrow.ipc.new_stream
    with pyarrow.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table)


def write_file(path: Path, table: Any) -> None:
    new = pyarrow.ipc.new_file
    with pyarrow.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


WRITERS = {
    "a.parquet": write_parquet,
    "a.arrow": write_stream,
    "b.arrow": write_file,
    "a.feather": write_file,
}
KINDS = pytest.mark.parametrize(("name", "write"), WRITERS.items())
Writer = Callable[[Path, Any], None]


def key(item: Item) -> bytes:
    return load_pixels(item.data, item.name, make_preprocessing()).key()


EXPECTED = [key(Item("a", "", content)) for content in PICTURES]


@KINDS
def test_columns_of_pictures(name: str, write: Writer, tmp_path: Path) -> None:
    structs = [{"bytes": content, "path": "x.png"} for content in PICTURES]
    kinds = pyarrow.array(["cat", "dog", "cat", "dog"]).dictionary_encode()
    write(tmp_path / name, pyarrow.table({"image": structs, "labels": kinds}))
    found = list(items(tmp_path / name))
    assert [key(item) for item in found] == EXPECTED
    assert [item.label for item in found] == ["cat", "dog", "cat", "dog"]
    assert found[3].name == f"{name} row 3"


@KINDS
def test_columns_of_lists(name: str, write: Writer, tmp_path: Path) -> None:
    structs = [{"bytes": content, "path": None} for content in PICTURES]
    lists = [structs[:3], [], structs[3:]]
    write(tmp_path / name, pyarrow.table({"images": lists, "label": [7, 8, 9]}))
    found = list(items(tmp_path / name))
    assert [item.label for item in found] == ["7", "7", "7", "", "9"]
    assert str(found[3].data) == f"{name} row 1 holds no image"
    assert [key(item) for item in found if isinstance(item.data, bytes)] == EXPECTED
    assert found[2].name == f"{name} row 0[2]"


@KINDS
@pytest.mark.parametrize("nested", [False, True])
def test_columns_of_paths(
    name: str, write: Writer, nested: bool, tmp_path: Path
) -> None:
    paths = []
    for number, content in enumerate(PICTURES):
        (tmp_path / f"{number}.png").write_bytes(content)
        paths.append(f"{number}.png")
    structs = pyarrow.array(
        [{"bytes": None, "path": path} for path in paths],
        pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()}),
    )
    column = structs if nested else paths
    write(tmp_path / name, pyarrow.table({"image": column, "text": ["a"] * 4}))
    found = list(items(tmp_path / name))
    assert [key(item) for item in found] == EXPECTED
    assert found[0].name == f"{name} row 0 (0.png)"
    assert len(list(items(tmp_path / name, column="image"))) == 4


def test_structs_of_paths_alone(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(PICTURES[0])
    columns = {"image": [{"path": "0.png"}], "label": [7]}
    write_parquet(tmp_path / "a.parquet", pyarrow.table(columns))
    (found,) = items(tmp_path / "a.parquet")
    assert (key(found), found.label) == (EXPECTED[0], "7")
    # A column of bytes comes first, and the other one may be chosen.
    columns |= {"photo": [PICTURES[1]]}
    write_parquet(tmp_path / "a.parquet", pyarrow.table(columns))
    assert [key(item) for item in items(tmp_path / "a.parquet")] == [EXPECTED[1]]
    (found,) = items(tmp_path / "a.parquet", column="image")
    assert key(found) == EXPECTED[0]


def test_text_that_is_no_name_of_a_file_is_skipped(tmp_path: Path) -> None:
    encoded = base64.b64encode(PICTURES[0]).decode()
    texts = [encoded, f"data:image/png;base64,{encoded}", "a\0b.png", "x" * 5000]
    (tmp_path / "ok.png").write_bytes(PICTURES[0])
    table = pyarrow.table({"image": [*texts, "ok.png"]})
    write_parquet(tmp_path / "a.parquet", table)
    *refused, last = items(tmp_path / "a.parquet")
    assert key(last) == EXPECTED[0]
    assert [str(item.data) for item in refused] == [
        "a.parquet row 0 holds base64 text; store its bytes instead",
        "a.parquet row 1 holds base64 text; store its bytes instead",
        "a.parquet row 2 holds text that is no name of a file",
        "a.parquet row 3 holds text that is no name of a file",
    ]


@KINDS
def test_other_columns_are_told(name: str, write: Writer, tmp_path: Path) -> None:
    write(tmp_path / name, pyarrow.table({"image": PICTURES, "mask": PICTURES}))
    aside = Aside()
    assert len(list(items(tmp_path / name, aside=aside))) == 4
    assert aside.remarks == [
        f"{name} has other columns of images, which are not read (mask); choose one "
        "with --column"
    ]
    write(tmp_path / name, pyarrow.table({"a": PICTURES, "b": PICTURES}))
    with pytest.raises(UsageError, match=r"several columns of bytes; .*\(a, b\)"):
        list(items(tmp_path / name))
    write(tmp_path / name, pyarrow.table({"text": ["a"]}))
    with pytest.raises(InputError, match=r"no column of images \(columns: text\)"):
        list(items(tmp_path / name))


@KINDS
@pytest.mark.parametrize("column", ["label", "class"])
def test_labels_of_another_kind_are_told(
    column: str, name: str, write: Writer, tmp_path: Path
) -> None:
    write(tmp_path / name, pyarrow.table({"image": PICTURES, column: [0.5] * 4}))
    aside = Aside()
    assert {item.label for item in items(tmp_path / name, aside=aside)} == {""}
    assert aside.remarks == [
        f"the labels in column {column} of {name} (double) are neither integers nor "
        "text and are not used"
    ]


@KINDS
def test_damaged_tables_are_skipped(name: str, write: Writer, tmp_path: Path) -> None:
    write(tmp_path / name, pyarrow.table({"image": PICTURES}))
    whole = (tmp_path / name).read_bytes()
    for content in (whole[:-150], b"", b"nonsense"):
        (tmp_path / name).write_bytes(content)
        assert f"{name} is damaged" in str(list(items(tmp_path / name))[-1].data)


def test_the_first_feather_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(20))
    with pytest.raises(InputError, match="first version of Feather; save it as"):
        list(items(tmp_path / "a.feather"))


def test_folders_that_datasets_saved(tmp_path: Path) -> None:
    for number in range(2):
        part = PICTURES[2 * number : 2 * number + 2]
        table = pyarrow.table({"image": part, "label": [number] * 2})
        write_stream(tmp_path / f"data-0000{number}-of-00002.arrow", table)
    for name in ("dataset_info.json", "state.json", "cache-0a1b.arrow"):
        (tmp_path / name).write_text("{}")
    found = list(items(tmp_path))
    assert [key(item) for item in found] == EXPECTED
    assert [item.label for item in found] == ["0", "0", "1", "1"]
