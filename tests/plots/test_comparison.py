"""Figures of comparisons: ticks at the data, floors with a name, one legend."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from PIL import Image

from spectral_sched.comparisons import Cell
from spectral_sched.plots.comparison import comparison_figure
from spectral_sched.plots.marks import is_our_picture
from tests.support.made_comparisons import compared, row

CALLS = (5, 8, 12)


@pytest.fixture(scope="module")
def drawn() -> tuple[Figure, bytes]:
    cells = [
        Cell(sampler, calls, [row("optimal", 4 / calls), row("karras", 6 / calls, 1)])
        for sampler in ("dpmpp-2m", "euler")
        for calls in CALLS
    ]
    figures: list[Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        original = Figure.savefig

        def caught(figure: Figure, *args: object, **kwargs: object) -> None:
            figures.append(figure)
            original(figure, *args, **kwargs)  # type: ignore[arg-type]

        patch.setattr(Figure, "savefig", caught)
        content = comparison_figure(compared(*cells))
    return figures[0], content


def test_ticks_are_where_there_are_data(drawn: tuple[Figure, bytes]) -> None:
    axes = drawn[0].axes
    assert len(axes) == 4
    for each in axes:
        assert tuple(each.get_xticks()) == CALLS
        assert "network calls (NFE)" in each.get_xlabel()
        assert "FID" not in each.get_ylabel()
    assert "random-0" in axes[2].get_ylabel()


def test_floors_have_a_name_and_tables_one_look(drawn: tuple[Figure, bytes]) -> None:
    figure = drawn[0]
    # The error is against the reference, and has no floor.
    named = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert named == [[], [], *[["floor: real images"]] * 2]
    (legend,) = figure.legends
    labels = [text.get_text().strip() for text in legend.get_texts()]
    assert labels == ["optimal", "karras"]
    looks = [
        [(line.get_color(), line.get_linestyle()) for line in axes.lines[:2]]
        for axes in figure.axes
    ]
    assert all(look == looks[0] for look in looks)


def test_the_picture_says_that_it_is_ours(
    drawn: tuple[Figure, bytes], tmp_path: object
) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "comparison.png"
    path.write_bytes(drawn[1])
    assert is_our_picture(path)
    with Image.open(io.BytesIO(drawn[1])) as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50
