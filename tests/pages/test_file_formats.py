"""docs/reference/file-formats.md against what commands write: no key is missing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.documents.provenance import provenance
from spectral_sched.files.model import read_model_document
from spectral_sched.files.schedule import plan_document, read_plan
from spectral_sched.planning.request import NoiseLimits
from tests.support.commands import specsched
from tests.support.helpers import ROOT, write_pictures
from tests.support.science_files import GREY, write_dicom

PAGE = (ROOT / "docs" / "reference" / "file-formats.md").read_text()

PARTS = ("preprocessing", "bounds", "mixture")
"""Objects with a section of their own."""

NAMED_BY_DATA = {
    *("arguments", "settings", "law.set", "fits", "classes", "fields"),
    *("source.skipped_by_reason", "skipped_by_reason", "class_weights"),
    *("statistics.class_counts", "statistics.class_samples", "bounds.interval"),
    "k_diffusion.sigma_sample_density",
}
"""Objects whose keys are names of classes, parameters and the like."""

COMMANDS = """
analyze images --mixture 2
analyze more -o law.json
analyze grey grey -o grey.json
analyze grey grey --shard 0/1
analyze bands.npy --channels first --bands all --standardize band --nodata mask -o bands.json
analyze bands.npy --channels first --bands 1,2 --data-range percentile:1,99 --nodata mask --shard 0/1 -o part.partial.json
analyze scan.dcm --data-range window -o scan.json
analyze scan.dcm --shard 0/1 -o scan.partial.json
export --steps 3
export --kind karras --set rho=5 --terminal zero --strength 0.5 --coordinate log_snr -o b.json
export --for training
sample --seeds 0 --model wiener
train kinds --steps 1 --batch 2 --film --law spectral --restore box=4 --classes
sample --seeds 0 --model model.safetensors --input images/a -o restored
"""  # noqa: E501

FILES = (
    *("spectrum.json", "law.json", "grey.json", "tight.json", "b.json"),
    *("training.json", "samples/samples.json", "spectrum.0-of-1.partial.json"),
    "restored/samples.json",
    *("bands.json", "part.partial.json", "scan.json", "scan.partial.json"),
)

TARGETS = (
    ("k-diffusion",),
    ("simple-diffusion",),
    ("k-diffusion-config",),
    ("edm",),
    ("diffusers-dpm-timesteps",),
)


def rows() -> dict[str, set[str]]:
    """Return the keys of each section's table."""
    _, *sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return {
        section.partition("\n")[0].removeprefix("specsched."): set(
            re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)
        )
        for section in sections
    }


def keys(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the keys of an object, those of objects in it after a dot."""
    for key, value in values.items():
        path = prefix + key
        if path in PARTS:
            yield path
            if "interval" in value:
                yield f"{path}.interval"
        elif isinstance(value, dict) and path not in NAMED_BY_DATA:
            yield from keys(value, f"{path}.")
        else:
            yield path


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("formats")
    write_pictures(folder / "images" / "a", 6)
    write_pictures(folder / "images" / "b", 6, seed=1)
    write_pictures(folder / "more", 6, (64, 64))
    write_pictures(folder / "kinds" / "a", 3)
    write_pictures(folder / "kinds" / "b", 3, seed=1)
    write_pictures(folder / "grey", 1)
    for name in ("broken.png", "other.txt", "not-read.zip"):
        (folder / "grey" / name).write_bytes(b"")
    stack = np.random.default_rng(0).normal(0, 1, (6, 2, 16, 16))
    stack[0, 0, 0, 0] = np.nan
    np.save(folder / "bands.npy", stack)
    window = {"WindowCenter": 30000, "WindowWidth": 20000, "PixelSpacing": [1, 1]}
    write_dicom(folder / "scan.dcm", GREY, "", **window)
    for line in COMMANDS.strip().splitlines():
        specsched(*line.split(), cwd=folder)
    found = [json.loads((folder / name).read_text()) for name in FILES]
    found.append(read_model_document(folder / "model.safetensors"))
    for target in TARGETS:
        shown = specsched("export", "--target", *target, "--json", cwd=folder)
        found.append(json.loads(shown.stdout))
    few = ("--model", "wiener", "--samples", 2, "--levels", 4)
    found.append(json.loads(specsched("audit", *few, "--json", cwd=folder).stdout))
    found.append(from_top(folder / "tight.json"))
    shutil.rmtree(folder)
    return found


def from_top(path: Path) -> dict[str, Any]:
    """Return a schedule as it is for a model whose range ends below the images'."""
    plan = read_plan(path)
    request = replace(plan.request, limits=NoiseLimits(from_top=True))
    return plan_document(replace(plan, request=request), provenance({}))


def test_every_format_has_a_section(documents: list[dict[str, Any]]) -> None:
    formats = {document["format"].removeprefix("specsched.") for document in documents}
    assert set(rows()) == {"Every file", *formats, *PARTS}


def test_the_tables_list_what_is_written(documents: list[dict[str, Any]]) -> None:
    tables = rows()
    common = tables.pop("Every file")
    seen: dict[str, set[str]] = {name: set() for name in tables}
    for document in documents:
        name = document["format"].removeprefix("specsched.")
        assert set(document) >= common
        seen[name] |= set(keys(document)) - common
        for part in PARTS:
            if part in document:
                inner = {k: v for k, v in document[part].items() if k != "interval"}
                seen[part] |= set(keys(inner))
    for name, table in tables.items():
        # A power law may be null as a whole; the page names it as such too.
        assert seen[name] - {"power_law"} == table - {"power_law"}, name


def test_the_version_is_what_is_written(documents: list[dict[str, Any]]) -> None:
    versions = {document["format"]: document["version"] for document in documents}
    assert versions.pop("specsched.samples") == 2
    assert set(versions.values()) == {1}
    assert "| `version` | of the format, 1; 2 of `specsched.samples` |" in PAGE


def test_arrays_have_the_shapes_that_are_told(documents: list[dict[str, Any]]) -> None:
    spectrum, *_ = documents
    rings = spectrum["rings"]
    num_rings, channels = len(rings["frequency"]), spectrum["shape"][0]
    for key, value in rings.items():
        assert len(value) == num_rings, key
    assert [len(rings["cross_power"][0]), len(rings["cross_power"][0][0])] == [
        *(channels, channels)
    ]
    sample = spectrum["sample"]
    assert {len(row) for row in sample["power"]} == {num_rings}
    assert {len(row) for row in sample["channel_mean"]} == {channels}
    mixture = spectrum["mixture"]
    size = len(mixture["basis"])
    assert len(mixture["weights"]) == 2
    assert {len(row) for row in mixture["basis"]} == {num_rings}
    assert {len(row) for row in mixture["means"]} == {size}
