"""Block plots and tables for terminals."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from spectral_sched.plots.blocks import (
    EIGHTHS,
    FLOOR,
    HEIGHT,
    WIDTH,
    law_blocks,
    spectrum_blocks,
)
from spectral_sched.plots.curves import LawCurve, SpectrumCurve
from spectral_sched.plots.panels import panels_of
from spectral_sched.plots.subjects import read_subjects
from spectral_sched.plots.terminal import terminal_parts

if TYPE_CHECKING:
    from pathlib import Path


def power_law(levels: tuple[float, ...]) -> SpectrumCurve:
    frequency = np.arange(46) / 64
    power = np.concatenate([[100.0], frequency[1:] ** -2])
    needed = 100 * power
    floors = np.array(levels)
    return SpectrumCurve(
        name="a",
        frequency=frequency,
        num_modes=np.ones(46, dtype=np.int64),
        power=power,
        spread=np.tile(power, (5, 1)),
        swamped_above=needed,
        levels=floors,
        swamped=floors[:, None] ** 2 >= needed,
        epsilon=0.005,
    )


def test_bars_fall_as_the_logarithm_of_power() -> None:
    _, *rows, _, ends = spectrum_blocks(power_law((600.0, 0.1)))
    assert len(rows) == HEIGHT
    cells = [row[8 : 8 + WIDTH].ljust(WIDTH) for row in rows]
    heights = np.array(
        [sum(max(EIGHTHS.find(row[at]), 0) for row in cells) for at in range(WIDTH)]
    )
    assert np.all(np.diff(heights[2:]) <= 0)
    # A power law is a straight line on both logarithms.
    line = np.linspace(heights[2], heights[-1], WIDTH - 2)
    assert np.abs(heights[2:] - line).max() < 3
    decades = (heights[2] - heights[-1]) / 8 / HEIGHT
    low, high = np.log10(0.1**2) - 0.2, np.log10(600.0**2) + 0.2
    wanted = 2 * np.log10(45) / (high - low)
    assert decades == pytest.approx(wanted, abs=0.02)
    assert ends.split() == ["mean", "0.01562", "0.7031", "cycles/pixel"]


def test_floors_are_named_and_lie_above_the_bars() -> None:
    levels = (600.0, 30.0, 1.0, 0.1)
    _, *rows, _, _ = spectrum_blocks(power_law(levels))
    named = [row for row in rows if "sigma" in row]
    assert [row.split("sigma ")[1] for row in named] == ["600", "30", "1", "0.1"]
    assert named[0].count(FLOOR) == WIDTH
    assert FLOOR not in named[-1].replace("█" + FLOOR + "█", "")


def test_a_flat_law_is_flat() -> None:
    name, bars = law_blocks(LawCurve("a", np.geomspace(0.1, 10, 81), np.full(80, 0.2)))
    assert name == "a: up to 0.2 per nat"
    assert bars == f"  sigma 0.1 {'█' * WIDTH} 10"


@pytest.mark.parametrize("width", [80, 200])
def test_names_and_numbers_are_whole(files: Path, tmp_path: Path, width: int) -> None:
    paths = [files / "training.json", files / "spectrum.json"]
    for number in range(3):
        paths.append(tmp_path / f"[bold]schedule-of-a-long-name-{number}[red].json")
        paths[-1].write_bytes((files / "tight.json").read_bytes())
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False)
    for part in terminal_parts(panels_of(read_subjects(paths))):
        console.print(part, soft_wrap=isinstance(part, str))
    lines = out.getvalue().splitlines()
    table = lines[lines.index("sigma by step") :]
    assert max(map(len, table)) <= width
    assert out.getvalue().count("[bold]schedule") >= 3
    if width == 200:
        assert sum("name-2[red].json" in line for line in table) == 2
    else:
        assert "…" not in out.getvalue()
