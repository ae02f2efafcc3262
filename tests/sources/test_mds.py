"""Shards of MosaicML Streaming, and nested lists of numbers in tables."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from spectral_sched.errors import ImageError, InputError, UsageError
from spectral_sched.sources import Aside, items

WRITTEN = base64.b64decode(
    "AwAAAOMAAAAfAQAAXQEAAJ0BAAB7ImNvbHVtbl9lbmNvZGluZ3MiOiBbImludCIsICJzdHIiLCAi"
    "bmRhcnJheSJdLCAiY29sdW1uX25hbWVzIjogWyJsYWJlbCIsICJ0IiwgIngiXSwgImNvbHVtbl9z"
    "aXplcyI6IFs4LCBudWxsLCBudWxsXSwgImNvbXByZXNzaW9uIjogbnVsbCwgImZvcm1hdCI6ICJt"
    "ZHMiLCAiaGFzaGVzIjogW10sICJzaXplX2xpbWl0IjogNjcxMDg4NjQsICJ2ZXJzaW9uIjogMn0A"
    "AAAALAAAAAQAAAAAAAAAEAgEBQAA6APQB7gLoA+IE3AXWBtAHygjECf4KuAuyDKwNpg6gD5oQlBG"
    "OEoCAAAALAAAAAUAAAAAAAAAw6kQCAQFIE4IUvBV2FnAXahhkGV4aWBtSHEwdRh5AH3ogNCEuIig"
    "jIiQcJRYmAQAAAAsAAAABgAAAAAAAADDqcOpEAgEBUCcKKAQpPin4KvIr7CzmLeAu2i/UMM4xyDL"
    "CM/w0tjWwNqo3pDieOY="
)
"""Written by mosaicml-streaming 0.13.0: arrays x of 16 bits, integers and texts."""

STACK = (np.arange(60, dtype=np.uint16) * 1000).reshape(3, 4, 5)


def shard(columns: dict[str, str], rows: list[list[bytes]]) -> bytes:
    """Return a shard as the format's description has it, all columns of any size."""
    said = {"version": 2, "format": "mds", "column_names": list(columns)}
    said |= {"column_encodings": list(columns.values())}
    head = json.dumps(said | {"column_sizes": [None] * len(columns)}).encode()
    samples = [
        b"".join([struct.pack("<I", len(value)) for value in row] + row) for row in rows
    ]
    begin = 4 * (len(rows) + 2) + len(head)
    places = [begin + sum(map(len, samples[:end])) for end in range(len(rows) + 1)]
    numbers = struct.pack(f"<{len(places) + 1}I", len(rows), *places)
    return numbers + head + b"".join(samples)


def test_arrays_of_a_shard(tmp_path: Path) -> None:
    (tmp_path / "a.mds").write_bytes(WRITTEN)
    found = list(items(tmp_path / "a.mds"))
    np.testing.assert_array_equal([item.data for item in found], STACK)
    assert [item.label for item in found] == ["4", "5", "6"]
    assert found[1].name == "a.mds sample 1"


@pytest.mark.parametrize("encoding", ["ndarray:uint16", "ndarray:uint16:4,5"])
def test_arrays_whose_type_or_shape_is_stated(encoding: str, tmp_path: Path) -> None:
    before = b"" if "," in encoding else bytes([2 << 2, 4, 5])
    rows = [[before + plane.tobytes(), b"cat"] for plane in STACK]
    content = shard({"image": encoding, "class": "str"}, rows)
    (tmp_path / "a.mds").write_bytes(content)
    found = list(items(tmp_path / "a.mds"))
    np.testing.assert_array_equal([item.data for item in found], STACK)
    assert {item.label for item in found} == {"cat"}


def test_encoded_pictures_and_choices_of_columns(tmp_path: Path) -> None:
    place = tmp_path / "a.mds"
    place.write_bytes(shard({"a": "png", "b": "jpeg"}, [[b"one", b"two"]]))
    with pytest.raises(UsageError, match=r"several columns; .* --column \(a, b\)"):
        list(items(place))
    (item,) = items(place, column="b")
    assert item.data == b"two"
    with pytest.raises(UsageError, match="no column 'c'"):
        list(items(place, column="c"))
    place.write_bytes(shard({"a": "pkl", "b": "int"}, [[b"cos", bytes(8)]]))
    with pytest.raises(InputError, match=r"no column of images \(columns: a as pkl, b"):
        list(items(place))


def test_classes_in_text_and_of_another_kind(tmp_path: Path) -> None:
    place, aside = tmp_path / "a.mds", Aside()
    place.write_bytes(shard({"x": "png", "label": "str_int"}, [[b"one", b"7"]]))
    assert [item.label for item in items(place, aside=aside)] == ["7"]
    assert aside.remarks == []
    place.write_bytes(shard({"x": "png", "class": "float32"}, [[b"one", bytes(4)]]))
    assert [item.label for item in items(place, aside=aside)] == [""]
    assert aside.remarks == [
        "the labels in column class of a.mds (float32) are neither integers nor text "
        "and are not used"
    ]


@pytest.mark.parametrize("length", [0, 3, 30, 250, len(WRITTEN) - 1])
def test_shards_that_end_early(length: int, tmp_path: Path) -> None:
    (tmp_path / "a.mds").write_bytes(WRITTEN[:length])
    *_, last = items(tmp_path / "a.mds")
    assert isinstance(last.data, ImageError)
    assert str(last.data).startswith("a.mds is damaged or no MDS shard")


@pytest.mark.parametrize("channels", [False, True])
def test_nested_lists_of_numbers(channels: bool, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    shape = (3, 6, 7, 3) if channels else (3, 6, 7)
    stack = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    kind = pyarrow.uint16()
    for _ in range(stack.ndim - 1):
        kind = pyarrow.list_(kind)
    column = pyarrow.array(stack.tolist(), kind)
    table = pyarrow.table({"image": column, "label": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "a.parquet")
    with pyarrow.ipc.new_file(tmp_path / "a.arrow", table.schema) as file:
        file.write_table(table)
    for name in ("a.parquet", "a.arrow"):
        found = list(items(tmp_path / name))
        read = np.array([item.data for item in found])
        assert read.dtype == np.uint16
        np.testing.assert_array_equal(read, stack)
        assert [item.label for item in found] == ["1", "2", "3"]


def test_uneven_lists_are_skipped(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    even = np.arange(30).reshape(5, 6).tolist()
    rows = [even, [*even[1:], even[0][:5]], None]
    kind = pyarrow.list_(pyarrow.list_(pyarrow.uint8()))
    table = pyarrow.table({"x": pyarrow.array(rows, kind)})
    parquet.write_table(table, tmp_path / "a.parquet")
    whole, *others = items(tmp_path / "a.parquet")
    np.testing.assert_array_equal(whole.data, rows[0])
    for item in others:
        assert "holds no image" in str(item.data)
