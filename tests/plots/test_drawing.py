"""Images: what is drawn where, valid files, and the same bytes each time."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

import matplotlib as mpl
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from spectral_sched.plots.calls import CallsCurve
from spectral_sched.plots.canvas import METADATA, picture_of, style
from spectral_sched.plots.curves import SpectrumCurve
from spectral_sched.plots.drawing import draw_panel, places, ring_edges
from spectral_sched.plots.panels import PANELS, Panel, panels_of
from spectral_sched.plots.subjects import read_subjects
from spectral_sched.plots.themes import CURVE_COLORS, DARK, LIGHT
from spectral_sched.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from spectral_sched.plots.themes import Theme

EVERY = ("tight.json", "k.json", "training.json", "model.safetensors")


@pytest.fixture(scope="module")
def panels(files: Path) -> list[Panel]:
    subjects = read_subjects([files / name for name in EVERY])
    return [*panels_of(subjects), *panels_of(subjects[:1], ["calls"])]


def drawn(panel: Panel) -> Axes:
    with mpl.rc_context(style(LIGHT)):
        axes: Axes = Figure().subplots()
        draw_panel(axes, panel, LIGHT)
    return axes


def laid_out(axes: Axes) -> None:
    """Give everything in a panel its place."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()


def segments(axes: Axes) -> np.ndarray[Any, Any]:
    lines = [each for each in axes.collections if isinstance(each, LineCollection)]
    return np.concatenate([np.reshape(each.get_segments(), (-1, 4)) for each in lines])


def test_each_level_has_a_floor_across_the_panel(panels: list[Panel]) -> None:
    curve = panels[0].curves[0]
    assert isinstance(curve, SpectrumCurve)
    lines, edges = segments(drawn(panels[0])), ring_edges(curve.frequency)
    np.testing.assert_array_equal(lines[:, 1], lines[:, 3])
    np.testing.assert_allclose(np.unique(lines[:, 1]), np.sort(curve.floors))
    for floor in curve.floors:
        mine = lines[np.isclose(lines[:, 1], floor)]
        mine = mine[np.argsort(mine[:, 0])]
        assert mine[0, 0] == edges[0]
        assert mine[-1, 2] == edges[-1]
        np.testing.assert_array_equal(mine[1:, 0], mine[:-1, 2])


def test_the_shade_begins_where_rings_are_swamped(panels: list[Panel]) -> None:
    curve = panels[0].curves[0]
    assert isinstance(curve, SpectrumCurve)
    (shade,) = [
        each for each in drawn(panels[0]).patches if isinstance(each, StepPatch)
    ]
    values, edges, baseline = shade.get_data()
    np.testing.assert_array_equal(baseline, curve.swamped_above)
    np.testing.assert_array_equal(edges, ring_edges(curve.frequency))
    assert np.all(values > curve.floors.max())
    inside = places(curve.frequency)
    assert np.all((edges[:-1] < inside) & (inside < edges[1:]))


@pytest.mark.parametrize("kind", PANELS)
def test_axes_are_labelled_with_units(panels: list[Panel], kind: str) -> None:
    axes = drawn(next(panel for panel in panels if panel.kind == kind))
    assert axes.get_title(loc="left")
    assert axes.get_xlabel()
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert axes.get_ylabel() or names == ["tight.json\n4 steps", "k.json\n5 steps"]
    units = ("pixel", "per nat", "log_snr", "step", "t,", "(NFE)")
    for label in filter(None, (axes.get_xlabel(), axes.get_ylabel())):
        assert any(unit in label for unit in units), label


def test_schedules_differ_in_colour_mark_and_dash(panels: list[Panel]) -> None:
    lines = drawn(next(p for p in panels if p.kind == "step")).get_lines()
    looks = [(x.get_color(), x.get_marker(), x.get_linestyle()) for x in lines]
    for values in zip(*looks, strict=True):
        assert len(set(values)) == len(lines) == 2
    assert {look[0] for look in looks} <= set(CURVE_COLORS)


@pytest.mark.parametrize("kind", PANELS)
def test_legends_hide_nothing_and_look_as_the_lines_do(
    panels: list[Panel], kind: str
) -> None:
    axes = drawn(next(panel for panel in panels if panel.kind == kind))
    legend = axes.get_legend()
    if legend is None:
        assert kind == "log_snr"
        return
    laid_out(axes)
    assert legend.get_window_extent().y1 < axes.get_window_extent().y0
    looks = {(x.get_color(), x.get_linestyle(), x.get_marker()) for x in axes.lines}
    for line in legend.get_lines():
        assert (line.get_color(), line.get_linestyle(), line.get_marker()) in looks


def test_errors_by_calls_have_ticks_at_data_and_the_number_that_is_enough(
    panels: list[Panel],
) -> None:
    panel = next(panel for panel in panels if panel.kind == "calls")
    first = panel.curves[-1]
    assert isinstance(first, CallsCurve)
    axes = drawn(panel)
    ticks = axes.get_xticks()
    assert len(ticks) >= 3
    assert set(ticks) <= set(first.num_calls)
    assert [text.get_text().strip() for text in axes.texts] == [
        f"{first.enough} steps are enough"
    ]
    assert axes.lines[-1].get_xdata() == pytest.approx([first.num_calls[-1]] * 2)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_greys_and_the_shade_are_told_apart(theme: Theme) -> None:
    colors = [theme.paper, theme.shade, *theme.spread, theme.ink]
    for one, other in combinations([theme.paper, *theme.spread, theme.ink], 2):
        low, high = sorted((luminance(one), luminance(other)))
        assert (high + 0.05) / (low + 0.05) > 1.3, (one, other)
    # Greys have no hue, the shade is blue.
    hues = [int(color[5:], 16) - int(color[1:3], 16) for color in colors]
    assert hues[1] > 20
    assert max(hues[2:4]) < 10


@pytest.mark.parametrize("kind", ["log_snr", "law"])
def test_upper_axes_say_the_same_in_other_words(panels: list[Panel], kind: str) -> None:
    axes = drawn(next(panel for panel in panels if panel.kind == kind))
    (upper,) = axes.child_axes
    names = [float(label.get_text()) for label in upper.get_xticklabels()]
    assert len(names) >= 3
    said = np.array(names)
    wanted = -2 * np.log(said) if kind == "log_snr" else np.exp(said / -2)
    np.testing.assert_allclose(upper.get_xticks(), wanted)


def test_spectra_share_their_range(panels: list[Panel]) -> None:
    figures: list[Figure] = []
    original = Figure.savefig

    def caught(figure: Figure, *args: Any, **kwargs: Any) -> None:
        figures.append(figure)
        original(figure, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", caught)
        picture_of(panels[:3], ".svg")
    ranges = {axes.get_ylim() for axes in figures[0].axes[:3]}
    assert len(ranges) == 1


def test_png(panels: list[Panel]) -> None:
    content = picture_of(panels[:2], ".png")
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        assert picture.info["Software"] == f"specsched {__version__}"
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50


def test_svg(panels: list[Panel]) -> None:
    content = picture_of(panels[:1], ".svg")
    root = ElementTree.fromstring(content)
    texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert "frequency (cycles per pixel)" in texts
    assert any("tight.json" in (text or "") for text in texts)
    references = [
        value
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.endswith(("href", "src"))
    ]
    assert all(value.startswith("#") for value in references)
    assert b"<dc:date>" not in content


def test_pdf(panels: list[Panel]) -> None:
    content = picture_of(panels[-1:], ".pdf")
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in content


@pytest.mark.parametrize("suffix", METADATA)
def test_bytes_repeat(panels: list[Panel], suffix: str) -> None:
    assert picture_of(panels[-1:], suffix) == picture_of(panels[-1:], suffix)


def test_bytes_repeat_in_another_process(files: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        program = (
            "import sys; sys.argv[1:] = ['plot', 'k.json', '--panel', 'step', "
            f"'-o', {str(tmp_path / seed)!r} + '.svg']\n"
            "from spectral_sched.cli import main; main()"
        )
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=files,
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
    first, second = (tmp_path / f"{seed}.svg" for seed in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()


def test_themes_differ_and_can_be_read(panels: list[Panel]) -> None:
    light, dark = (
        picture_of(panels[-1:], ".png", theme=each) for each in (LIGHT, DARK)
    )
    assert light != dark
    for theme in (LIGHT, DARK):
        ink, paper = (luminance(color) for color in (theme.ink, theme.paper))
        low, high = sorted((ink, paper))
        assert (high + 0.05) / (low + 0.05) > 7  # WCAG 2, AAA
        for color in CURVE_COLORS:
            low, high = sorted((luminance(color), paper))
            assert (high + 0.05) / (low + 0.05) > 1.9


def luminance(color: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2 defines it."""
    levels = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(
        levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", ["$x_{1}$.json", "_x.json", "[bold]x.json", "图.json"])
def test_names_are_drawn_as_they_are(panels: list[Panel], name: str) -> None:
    step = next(panel for panel in panels if panel.kind == "step")
    curves = (replace(step.curves[0], name=name), *step.curves[1:])
    root = ElementTree.fromstring(picture_of([Panel("step", curves)], ".svg"))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert name in [(text or "").strip() for text in texts]


def test_labels_of_levels_do_not_touch(panels: list[Panel]) -> None:
    curve = panels[0].curves[0]
    assert isinstance(curve, SpectrumCurve)
    levels = np.geomspace(20, 0.01, 40)
    crowded = replace(curve, levels=levels, swamped=np.zeros((40, 1), bool))
    axes = drawn(Panel("spectrum", (crowded,)))
    laid_out(axes)
    names = [text.get_text() for text in axes.texts]
    assert 5 < len(names) < 40
    assert (names[0], names[-1]) == ("sigma 20", "sigma 0.01")
    boxes = sorted((b.y0, b.y1) for b in (t.get_window_extent() for t in axes.texts))
    assert all(one[1] < other[0] for one, other in pairwise(boxes))
