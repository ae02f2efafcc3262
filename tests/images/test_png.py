"""Contact sheets: readable, labelled, and of the images' own pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from spectral_sched.files.samples import Sample
from spectral_sched.images.png import (
    FONT_SIZE,
    SHEET_GAP,
    contact_sheet,
    is_our_png,
    save_png,
)

LINE = FONT_SIZE + SHEET_GAP


def made(count: int, height: int, width: int, channels: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    shape = (count, height, width, channels)
    return list(rng.integers(1, 255, shape, dtype=np.uint8))


@pytest.mark.parametrize(("side", "times"), [(8, 20), (32, 5), (64, 3), (256, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_are_enlarged_by_whole_factors(
    side: int, times: int, channels: int
) -> None:
    pictures = made(4, side, side, channels)
    sheet = contact_sheet(pictures, [f"seed {k}" for k in range(4)], "2 steps, 2 calls")
    large = times * side
    assert large >= 160
    left, top = 2 * SHEET_GAP + large, LINE + SHEET_GAP + large + SHEET_GAP + LINE
    height = LINE + 2 * (large + SHEET_GAP + LINE) + SHEET_GAP
    assert sheet.shape == (height, 2 * (large + SHEET_GAP) + SHEET_GAP, channels)
    shown = sheet[top : top + large, left : left + large]
    for place in (0, times - 1):
        found = shown[place::times, place::times]
        np.testing.assert_array_equal(found, pictures[3])


def test_titles_and_labels_are_written_beside_the_pictures() -> None:
    pictures = [np.full((32, 32, 3), 200, np.uint8)] * 2
    plain = contact_sheet(pictures)
    labelled = contact_sheet(pictures, ["seed 3", "seed 4"])
    titled = contact_sheet(pictures, ["seed 3", "seed 4"], "8 steps, 8 calls")
    assert plain.min() == 200
    assert labelled.min() < 100
    assert labelled.shape[0] == plain.shape[0] + LINE
    assert titled.shape[0] == labelled.shape[0] + LINE
    assert titled[:LINE].min() < 100
    other = contact_sheet(pictures, ["seed 3", "seed 5"])
    half = plain.shape[1] // 2
    assert (other[:, :half] == labelled[:, :half]).all()
    assert (other[:, half:] != labelled[:, half:]).any()


def test_long_titles_are_not_cut() -> None:
    (picture,) = made(1, 8, 8, 3)
    wide = contact_sheet([picture], ["seed 0"], "a title of many words " * 5)
    assert wide.shape[1] > 300
    assert wide[:LINE, -LINE:].min() < 255 or wide[:LINE, -60:].min() < 100


def test_many_large_pictures_are_not_enlarged_beyond_reason() -> None:
    sheet = contact_sheet([np.zeros((64, 64, 1), np.uint8)] * 4096)
    assert max(sheet.shape) <= 64 * (64 + SHEET_GAP) + SHEET_GAP


def test_labels_name_the_seed_and_what_is_restored() -> None:
    assert Sample(7).label() == "seed 7"
    assert Sample(7, 1).label(["a.png", "b.png"]) == "b.png, seed 7"
    assert Sample(7, 1).label() == "input 1, seed 7"


def test_our_pictures_say_so(tmp_path: Path) -> None:
    (picture,) = made(1, 8, 8, 3)
    save_png(picture, tmp_path / "ours.png")
    Image.fromarray(picture).save(tmp_path / "theirs.png")
    (tmp_path / "text.png").write_text("no picture")
    assert is_our_png(tmp_path / "ours.png")
    for name in ("theirs.png", "text.png", "none.png"):
        assert not is_our_png(tmp_path / name)
