"""Documents that somebody edited: refused in one sentence that names the field."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spectral_sched.analysis.partial_file import FORM as PARTIAL
from spectral_sched.analysis.partial_file import read_partial
from spectral_sched.comparisons.files import read_comparison
from spectral_sched.documents.read import Form, read_document
from spectral_sched.errors import InputError
from spectral_sched.files.samples import FORM as SAMPLES
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import FORM as SPECTRUM
from spectral_sched.files.spectrum import read_spectrum
from spectral_sched.files.training_law import read_training_schedule
from spectral_sched.targets.document import FORM as TARGET
from tests.support.commands import sentence

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parent / "files_of_before"
COUNT = 150


def edited(name: str, path: str, value: Any, folder: Path) -> Path:
    """Return a file with another value somewhere, its digest computed anew."""
    document = json.loads((FILES / name).read_text())
    *outer, last = path.split(".")
    inner = document
    for key in outer:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[int(last) if isinstance(inner, list) else last] = value
    for form in (SPECTRUM, PARTIAL):
        if form.names(document) and form.digest:
            document["digest"] = form.digest(document)
    place = folder / "edited.json"
    place.write_text(json.dumps(document))
    return place


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("shape", [3, 20000, 20000], "'shape' cannot be"),
        ("shape", [3, 16.7, 16], "'shape' holds what is no integer"),
        ("shape", [3, 10**9, 10**9], "'shape' cannot be"),
        ("shape", [3, 14, 16], "'rings.num_modes' does not agree"),
        ("shape", [3, 20, 20], r"'rings.frequency' has the wrong shape \(12,\)"),
        ("data_range", [0, 1], r"'data_range' is \[0, 1\] in place of \[-1.0, 1.0\]"),
        ("sigma_data", 1.0, "'sigma_data' does not agree"),
        ("sigma_data", 0, "'sigma_data' cannot be 0"),
        ("num_images", 0, "'num_images' cannot be 0"),
        ("num_images", True, "'num_images' cannot be True"),
        ("bounds.sigma_min", 100.0, "'bounds.sigma_min' does not agree"),
        ("bounds.sigma_max", 0.001, "'bounds.sigma_max' does not agree"),
        ("bounds.sigma_max", -1, "'bounds.sigma_max' cannot be -1"),
        ("bounds.interval.sigma_min", [2, 1], "'bounds.interval.sigma_min' is rev"),
        ("rings.power.3", 0.5, "'rings.power' does not agree"),
        ("rings.power.3", -0.5, "'rings.power' cannot hold -0.5"),
        ("rings.cross_power.2.0.1", 9.0, "'rings.cross_power' is not symmetric"),
        ("rings.cross_power.2", [[1, 9, 0], [9, 1, 0], [0, 0, 1]], "a power below 0"),
        ("sample.num_uniform", 99, "'sample.num_uniform' counts more images"),
        ("sample.class.0", 44, "'sample.class' names a class that is not there"),
        ("sample.class.0", -1, "'sample.class' cannot hold -1"),
        ("classes", {"a": 1}, "'classes' do not add up to 'num_images'"),
        ("source.num_skipped", 3, "'source.num_skipped' is not the sum"),
        ("preprocessing.crop", "left", "'preprocessing.crop' cannot be 'left'"),
        ("arguments", [], r"'arguments' cannot be \[\]"),
    ],
)
def test_spectra(path: str, value: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"edited.json is damaged: .*{told}"):
        read_spectrum(edited("spectrum.json", path, value, tmp_path))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("kind", "karas", "'kind' cannot be 'karas'"),
        ("coordinate", "log_snr", "'coordinate' is 'log_snr' in place of 'sigma'"),
        ("nfe", 99, "'nfe' is not 6, what the solver takes"),
        ("num_steps", 3, "'sigmas' is no table of 3 levels and 0"),
        ("sigma_min", 99.0, "'sigma_min' is not below 'sigma_max'"),
        ("sigmas.1", 1e30, "'sigmas' is not falling: 1e.30 follows"),
        ("planning.log_power_quantiles.3.0", 9.0, "log_power_quantiles' falls: "),
        ("spectrum.cross_power.1.1.1", -3.0, "cross_power' holds a power below 0"),
        ("settings", {"rho": "seven"}, "'settings' cannot be used: "),
        ("settings", {"nothing": 1}, "'settings' cannot be used: "),
        ("start", "nowhere", "'start' cannot be 'nowhere'"),
        ("predicted.error", -1.0, "'predicted.error' cannot be -1.0"),
        ("values", [1.0], "'values' is there without its coordinate"),
    ],
)
def test_schedules(path: str, value: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"edited.json is damaged: .*{told}"):
        read_plan(edited("karras.json", path, value, tmp_path))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("quantiles.3", -9.0, "'quantiles' is not rising: -9.0 follows"),
        ("quantiles.256", 900.0, "'quantiles' cannot hold 900"),
        ("probability.3", 0.5, "'probability' is not rising"),
        ("sigma_max", 2.0, "'sigma_max' does not agree"),
        ("edm.sigma_data", 9.0, "'edm.sigma_data' does not agree"),
        ("edm.P_mean", 1e5, "'edm.P_mean' is outside the range of the law"),
        ("edm.P_std", 1e5, "'edm.P_std' is more than half the range"),
        ("edm.P_std", 0.5, "'fits.lognormal.std' does not agree"),
        ("fits.lognormal.mean", 0.5, "'fits.lognormal.mean' does not agree"),
        ("fits.lognormal", {"kolmogorov": 0, "divergence": 0}, "mean' does not agree"),
        ("fits.laplace", {}, "'fits.laplace.kolmogorov' is missing"),
        ("kind", "none", "'kind' cannot be 'none'"),
    ],
)
def test_laws(path: str, value: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"edited.json is damaged: .*{told}"):
        read_training_schedule(edited("training.json", path, value, tmp_path))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("shard.index", 2, "'shard' is beyond the last one"),
        ("items.count", 77, "'items.count' is not the images"),
        ("items.digest", "0x1", "'items.digest' cannot be '0x1'"),
        ("statistics.num_images", 3, "'items.count' is not the images"),
        ("statistics.shape", [3, 20000, 20000], "'statistics.shape' cannot be"),
        ("statistics.shape", [3, 9000, 9000], "'statistics.limbs' has the wrong"),
        ("statistics.limbs.0.0", -1, "'statistics.limbs' holds a sum with other"),
        ("statistics.limbs.7.9", -1, "'statistics.limbs' holds sums that 10 images"),
        ("statistics.images.power", "AAAA", "power' is not the base64 of doubles"),
        ("statistics.images.key.0", "zz", r"key\[0\]' cannot be 'zz'"),
        ("statistics.sample.0", -1, "'statistics.sample' cannot hold -1"),
        ("statistics.sample", [0, 99], "'statistics.sample' names an image that is"),
        ("statistics.class_samples", {}, "are not of the classes that are counted"),
    ],
)
def test_partials(path: str, value: Any, told: str, tmp_path: Path) -> None:
    name = "spectrum.0-of-2.partial.json"
    with pytest.raises(InputError, match=rf"edited.json is damaged: .*{told}"):
        read_partial(edited(name, path, value, tmp_path))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("floor.frechet.low", 9.0, "'floor.frechet' is outside its own interval"),
        ("floor.precision.value", 1.5, "'floor.precision.value' cannot be 1.5"),
        ("floor.left", {"other": [1] * 20}, "'floor.left.other' has no meaning"),
        ("floor.left.kernel", [1.0], r"'floor.left.kernel' has the wrong shape \(1,\)"),
        ("cells.0.rows", [], r"'cells\[0\].rows' cannot be \[\]"),
        ("cells.0.rows.0.judgement.squares", [1], r"squares' has the wrong shape"),
        ("cells.0.rows.0.sigmas", [2.0, 1.0], r"sigmas' is no table of levels"),
        ("cells.0.rows.1.judgement.error.value", 1e-9, "error' is outside its own"),
        ("num_samples", 41, "squares' has the wrong shape"),
    ],
)
def test_comparisons(path: str, value: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"edited.json is damaged: .*{told}"):
        read_comparison(edited("comparison.json", path, value, tmp_path))


@pytest.mark.parametrize(
    ("name", "form", "path", "value", "told"),
    [
        ("samples/samples.json", SAMPLES, "pictures", [], "'pictures' cannot be"),
        ("samples/samples.json", SAMPLES, "pictures.0", 7, r"'pictures\[0\]' cannot"),
        (
            "samples/samples.json",
            SAMPLES,
            "contact_sheet",
            "x",
            "'contact_sheet' cannot",
        ),
        ("target.json", TARGET, "values", [[1]], "'values' has the wrong shape"),
        ("target.json", TARGET, "dtype", "object", "'dtype' cannot be 'object'"),
        ("target.json", TARGET, "dtype", "int64", "'values' holds what is no integer"),
        ("target.json", TARGET, "warnings", "none", "'warnings' cannot be 'none'"),
    ],
)
def test_samples_and_targets(
    name: str, form: Form, path: str, value: Any, told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"edited.json is damaged: .*{told}"):
        read_document(edited(name, path, value, tmp_path), form)


def test_commands_end_in_one_sentence(tmp_path: Path) -> None:
    edited("karras.json", "shape", [3, 20000, 20000], tmp_path)
    for command in (("show",), ("export", "--spectrum"), ("plot",)):
        told = sentence(*command, "edited.json", cwd=tmp_path, code=3)
        assert "edited.json is damaged: 'shape' cannot be [3, 20000, 20000]" in told


def test_random_edits_are_refused_or_hold() -> None:
    run = subprocess.run(
        [sys.executable, "benchmarks/fuzz_documents.py", "--count", str(COUNT)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.stdout, run.stderr
    results = json.loads(run.stdout)
    assert len(results) == 11
    for result in results.values():
        assert not result["failures"]
        assert sum(result["outcomes"].values()) == COUNT
        assert result["outcomes"]["refused"] > COUNT / 3
        assert result["outcomes"]["read"] > 0
