"""``specsched show`` for files that no other test shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown")
    write_pictures(folder / "images", 6)
    specsched("analyze", "images", "--workers", 1, cwd=folder)
    specsched("export", "--steps", 3, cwd=folder)
    return folder


def test_a_shard_is_shown_as_it_was_when_made(measured: Path) -> None:
    made = specsched("analyze", "images", "--shard", "0/2", cwd=measured)
    name = "spectrum.0-of-2.partial.json"
    shown = specsched("show", name, cwd=measured)
    assert shown.stdout == made.stdout
    run = specsched("show", name, "--json", cwd=measured)
    document = json.loads(run.stdout, parse_constant=pytest.fail)
    count = document["statistics"]["num_images"]
    assert f"shard 0/2: {count} images of 6 items" in shown.stdout


def test_a_damaged_shard_is_refused(measured: Path) -> None:
    specsched("analyze", "images", "--shard", "1/2", cwd=measured)
    path = measured / "spectrum.1-of-2.partial.json"
    path.write_text(path.read_text().replace('"num_skipped": 0', '"num_skipped": 1'))
    text = sentence("show", path, cwd=measured, code=3)
    assert "was changed after it was written" in text


def test_a_record_of_samples_says_how_they_were_made(measured: Path) -> None:
    specsched("sample", "--model", "wiener", "--seeds", "4-6", cwd=measured)
    shown = specsched("show", "samples/samples.json", cwd=measured).stdout.splitlines()
    assert shown == [
        "3 sampled images",
        "model wiener, seeds 4-6, precision float32",
        "all on one sheet: contact_sheet.png",
    ]


def test_a_schedule_says_how_many_steps_are_enough(measured: Path) -> None:
    shown = specsched("show", "tight.json", cwd=measured).stdout
    document = json.loads((measured / "tight.json").read_text())
    enough = document["predicted"]["enough_steps"]
    assert f"{enough} steps are enough: more reduce the predicted error" in shown
    assert "predicted error  of the contrast" in shown
