from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Aside, Item, items

STACK = np.random.default_rng(3).integers(0, 256, (5, 32, 32, 3), np.uint8)
FIRST = STACK.transpose(0, 3, 1, 2)


def saved(folder: Path, array: Any) -> Path:
    np.save(folder / "a.npy", np.ascontiguousarray(array))
    return folder / "a.npy"


def key(item: Item) -> bytes:
    return load_pixels(item.data, item.name, make_preprocessing()).key()


def keys(place: Path, **chosen: Any) -> list[bytes]:
    return [key(item) for item in items(place, **chosen)]


EXPECTED = [key(Item("a", "", picture)) for picture in STACK]
GREY = [key(Item("a", "", picture)) for picture in STACK[..., 0]]


@pytest.mark.parametrize(
    ("array", "channels", "expected"),
    [
        (FIRST, None, EXPECTED),
        (FIRST, "first", EXPECTED),
        (STACK, "last", EXPECTED),
        (FIRST[:, :1], None, GREY),
        (STACK[..., 0], "none", GREY),
        (STACK[0], "last", EXPECTED[:1]),
        (FIRST[0], "first", EXPECTED[:1]),
        (FIRST.reshape(5, -1), None, EXPECTED),
        (FIRST.reshape(5, -1), "first", EXPECTED),
        (STACK.reshape(5, -1), "last", EXPECTED),
        (STACK[..., 0].reshape(5, -1), "none", GREY),
    ],
)
def test_axes_in_any_order_are_the_same_pictures(
    array: Any, channels: str | None, expected: list[bytes], tmp_path: Path
) -> None:
    assert keys(saved(tmp_path, array), channels=channels) == expected


@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ((64, 64, 3), "pass --channels last if that is one image, .*--channels none"),
        ((64, 64, 1), "pass --channels last if that is one image"),
        ((3, 64, 64), "pass --channels first if that is one image, .*--channels"),
        ((9, 3, 64, 3), "pass --channels last if that is .*, or --channels first if"),
        ((3072, 3072), "pass --channels first or last if its rows are images, or"),
        ((64, 64), "a stack of images has .*, rows of square ones with --channels"),
        ((500, 768), "rows of square ones with --channels first"),
    ],
)
def test_shapes_that_may_be_two_things_are_refused(
    shape: tuple[int, ...], cure: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"a.npy has the shape .*{cure}"):
        keys(saved(tmp_path, np.zeros(shape, np.uint8)))


def test_numbers_that_are_no_bytes_are_no_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.npy has the shape \(5, 3072\)"):
        keys(saved(tmp_path, np.zeros((5, 3072), np.float32)))


def test_square_pictures_tell_where_small_channels_are(tmp_path: Path) -> None:
    last = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    expected = [key(Item("a", "", picture)) for picture in last]
    assert keys(saved(tmp_path, last)) == expected
    assert keys(saved(tmp_path, last.transpose(0, 3, 1, 2))) == expected


def test_rows_are_told_and_have_labels(tmp_path: Path) -> None:
    rows = FIRST.reshape(5, -1)
    np.savez(tmp_path / "a.npz", data=rows, labels=np.arange(5), mean=np.zeros(3072))
    aside = Aside()
    found = list(items(tmp_path / "a.npz", aside=aside))
    assert [key(item) for item in found] == EXPECTED
    assert [item.label for item in found] == list("01234")
    (told,) = aside.remarks
    assert told.startswith("a.npz:data: its rows are read as 3 planes of 32x32 pixels")


def test_the_second_unnamed_array_holds_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", STACK, np.arange(5) % 3)
    assert [item.label for item in items(tmp_path / "a.npz")] == list("01201")


def test_arrays_that_are_not_used_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=STACK, old=STACK, labels=np.zeros((5, 10)))
    aside = Aside()
    assert {item.label for item in items(path, aside=aside)} == {""}
    assert aside.remarks == [
        "a.npz has other stacks of images, which are not read (old); choose one with "
        "--array",
        "the labels in labels (float64, (5, 10)) are not 5 integers and are not used",
    ]


def test_places_of_channels_have_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean --channels first"):
        keys(saved(tmp_path, STACK), channels="firsts")


def test_the_usual_array_is_not_passed_over(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=STACK[0], others=STACK[..., 0])
    with pytest.raises(InputError, match=r"a.npz:images has the shape \(32, 32, 3\)"):
        list(items(tmp_path / "a.npz"))
    assert len(list(items(tmp_path / "a.npz", channels="last"))) == 1
    for usual, problem in (
        (np.asfortranarray(STACK), "is stored in Fortran order; save it after"),
        (np.array(["0.png"] * 5), r"holds <U5 values, not numbers; choose another"),
    ):
        np.savez(tmp_path / "a.npz", images=usual, masks=STACK)
        with pytest.raises(InputError, match=f"a.npz:images {problem}"):
            list(items(tmp_path / "a.npz"))
        assert len(list(items(tmp_path / "a.npz", array="masks"))) == 5
