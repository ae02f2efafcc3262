"""The package from Python: what it offers, what that loads, and that it is typed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import spectral_sched
from spectral_sched import api
from spectral_sched.comparisons import Row
from spectral_sched.diffusion.models import WienerDenoiser
from spectral_sched.errors import InputError, NoAnswerError, UsageError
from spectral_sched.images.stacks import channels_first
from tests.support.commands import specsched
from tests.support.helpers import power_law_field, write_pictures

from .test_architecture import loaded_by


def pictures(count: int = 12, side: int = 16) -> NDArray[np.float64]:
    """Return images of a power law, (N, H, W, 3)."""
    rng = np.random.default_rng(0)
    fields = [power_law_field((3, side, side), 1.0, rng) for _ in range(count)]
    colors = rng.normal(scale=0.2, size=(count, 3, 1, 1))
    stack = np.stack([field / 4 / field.std() for field in fields]) + colors
    return stack.transpose(0, 2, 3, 1)


@pytest.fixture(scope="module")
def measured() -> spectral_sched.Measurement:
    return spectral_sched.analyze(pictures(), data_range=(-1, 1))


def test_every_name_resolves_and_says_what_it_is() -> None:
    # Modules are attributes of the package as soon as they are loaded: none may stand
    # where a function is.
    for module in pkgutil.iter_modules(spectral_sched.__path__):
        if module.name not in ("__main__", "comfyui", "diffusers", "k_diffusion"):
            importlib.import_module(f"spectral_sched.{module.name}")
    names = spectral_sched.__all__
    assert names == sorted(names) == dir(spectral_sched)
    assert set(names) == {*api.__all__, "__version__"}
    for name in api.__all__:
        found = getattr(spectral_sched, name)
        assert found is getattr(api, name)
        assert inspect.isfunction(found) or inspect.isclass(found), name
        assert inspect.getdoc(found), name
    public = {
        name
        for name, found in vars(api).items()
        if inspect.isfunction(found) and found.__module__ == api.__name__
    }
    assert {name for name in public if not name.startswith("_")} <= set(names)


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 3)
    assert not loaded_by("import spectral_sched", tmp_path) & {"numpy", "torch"}
    planned = (
        "import spectral_sched as s\n"
        "plan = s.make_schedule(s.analyze('images'), 2)\n"
        "s.write_schedule(plan, 'tight.json')\n"
    )
    loaded = loaded_by(planned, tmp_path)
    assert "numpy" in loaded
    assert "torch" not in loaded
    sampled = "import spectral_sched as s\ns.sample('tight.json', [0], model='wiener')"
    assert "torch" in loaded_by(sampled, tmp_path)


def test_names_are_typed(measured: spectral_sched.Measurement) -> None:
    # Checked by mypy, as is that an unknown name is an error.
    plan = spectral_sched.make_schedule(measured, 2)
    law = spectral_sched.training_schedule(measured)
    assert_type(measured, spectral_sched.Measurement)
    assert_type(plan, spectral_sched.Plan)
    assert_type(law, spectral_sched.Schedule)
    assert_type(spectral_sched.bounds(plan), spectral_sched.SigmaBounds)
    assert_type(spectral_sched.optimal_table(plan, 2), spectral_sched.SigmaTable)
    assert_type(spectral_sched.kinds(), Mapping[str, spectral_sched.KindInfo])
    found = spectral_sched.sample(plan, [0], model="wiener")
    assert_type(found, NDArray[np.float64])
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        spectral_sched.analyse  # type: ignore[attr-defined]  # noqa: B018


def test_functions_and_commands_give_the_same(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 8)
    specsched("analyze", "images", cwd=tmp_path)
    specsched("export", "--steps", "5", "--kind", "karras", "--set", "rho=3",
              "--sigma-max", "40", cwd=tmp_path)  # fmt: skip
    specsched("sample", "--model", "wiener", "--seeds", "3,4", cwd=tmp_path)
    measured = spectral_sched.analyze(tmp_path / "images", workers=None)
    spectral_sched.write_spectrum(measured, tmp_path / "mine.json")
    plan = spectral_sched.make_schedule(
        measured, 5, kind="karras", settings={"rho": 3}, sigma_max=40
    )
    spectral_sched.write_schedule(plan, tmp_path / "mine-tight.json")
    found = spectral_sched.sample(tmp_path / "tight.json", [3, 4], model="wiener")
    spectral_sched.write_pictures(found, tmp_path / "mine", [3, 4], schedule=plan)
    theirs = spectral_sched.read_spectrum(tmp_path / "spectrum.json")
    ours = spectral_sched.read_spectrum(tmp_path / "mine.json")
    assert ours.spectrum.data_key == theirs.spectrum.data_key
    assert ours.bounds == theirs.bounds
    table = spectral_sched.read_schedule(tmp_path / "tight.json").table
    assert spectral_sched.read_schedule(tmp_path / "mine-tight.json").table == table
    assert plan.table == table
    for name in ("000003.png", "000004.png", "contact_sheet.png"):
        their_picture = Image.open(tmp_path / "samples" / name)
        our_picture = Image.open(tmp_path / "mine" / name)
        assert their_picture.tobytes() == our_picture.tobytes()


def test_mixtures_are_those_of_the_command(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    write_pictures(tmp_path / "images", 8)
    specsched("analyze", "images", "--mixture", "2", cwd=tmp_path)
    measured = spectral_sched.analyze(tmp_path / "images", mixture=2)
    spectral_sched.write_spectrum(measured, tmp_path / "mine.json")
    theirs, ours = (
        spectral_sched.read_spectrum(tmp_path / name).mixture
        for name in ("spectrum.json", "mine.json")
    )
    assert theirs is not None
    assert ours is not None
    np.testing.assert_array_equal(theirs.means, ours.means)
    assert len(ours.weights) == 2


def test_bounds_follow_the_settings(measured: spectral_sched.Measurement) -> None:
    assert spectral_sched.bounds(measured) == measured.bounds
    loose = spectral_sched.bounds(measured, epsilon=0.5, tolerance=4)
    assert (loose.epsilon, loose.tolerance) == (0.5, 4)
    # sigma_max is that at which the strongest ring carries epsilon nats.
    growth = np.sqrt(np.expm1(2 * 0.5) / np.expm1(2 * measured.bounds.epsilon))
    assert measured.bounds.sigma_max / loose.sigma_max == pytest.approx(growth)


def test_a_schedule_is_planned_anew(measured: spectral_sched.Measurement) -> None:
    plan = spectral_sched.make_schedule(measured, 4, "heun", strength=0.5)
    again = spectral_sched.make_schedule(plan, 4, "heun", strength=0.5)
    assert again.table == plan.table
    larger = spectral_sched.make_schedule(measured, 4, resolution=32)
    assert larger.power.field.shape == (3, 32, 32)
    assert spectral_sched.optimal_table(larger, 4) == larger.table


def test_a_denoiser_of_ones_own_is_played(measured: spectral_sched.Measurement) -> None:
    plan = spectral_sched.make_schedule(measured, 3)
    found = spectral_sched.sample(plan, [1, 2], model=lambda x, _: 0 * x + 0.25)
    np.testing.assert_array_equal(found, np.full((2, 3, 16, 16), 0.25))


def test_what_a_command_says_is_a_warning(measured: spectral_sched.Measurement) -> None:
    plan = spectral_sched.make_schedule(measured, 2)
    with pytest.warns(UserWarning, match="64"):
        found = spectral_sched.sample(plan, [0])
    assert found.shape == (1, 3, 64, 64)


def test_mistakes_are_sentences(
    measured: spectral_sched.Measurement, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"the array has the shape \(4, 4\)"):
        spectral_sched.analyze(np.zeros((4, 4)))
    with pytest.raises(UsageError, match=r"did you mean settings=.\"rho\""):
        spectral_sched.make_schedule(measured, kind="karras", settings={"roh": 3})
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(UsageError, match="was not written by specsched"):
        spectral_sched.write_spectrum(measured, tmp_path / "mine.json")
    spectral_sched.write_spectrum(measured, tmp_path / "mine.json", force=True)
    assert issubclass(UsageError, spectral_sched.SpecschedError)


def power(*arguments: object, **named: object) -> NDArray[np.float64]:
    found = spectral_sched.analyze(*arguments, data_range=(-1, 1), **named)  # type: ignore[arg-type]
    return found.spectrum.field.power


def test_tensors_and_other_orders_of_axes_are_the_same_pictures() -> None:
    import torch

    stack = pictures().astype(np.float32)
    expected = power(stack)
    first = np.ascontiguousarray(stack.transpose(0, 3, 1, 2))
    tensor = torch.from_numpy(first)
    np.testing.assert_array_equal(power(first, channels="first"), expected)
    np.testing.assert_array_equal(power(tensor), expected)
    np.testing.assert_array_equal(power(tensor.requires_grad_()), expected)
    np.testing.assert_array_equal(power(list(tensor)), expected)
    np.testing.assert_array_equal(power(list(stack)), expected)
    last = torch.from_numpy(stack)
    np.testing.assert_array_equal(power(last, channels="last"), expected)
    np.testing.assert_allclose(power(tensor.bfloat16()), expected, rtol=0.1)
    grey = stack[..., 0]
    np.testing.assert_array_equal(power(torch.from_numpy(grey)), power(grey))
    one = power(first[0], channels="first")
    np.testing.assert_array_equal(one, power(stack[:1]))


@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ((5, 3, 16, 16), 'looks like (N, C, H, W); pass channels="first"'),
        ((3, 16, 16), 'pass channels="first" if that is one image'),
        ((16, 16, 3), 'pass channels="last" if that is one image'),
    ],
)
def test_axes_are_never_guessed(shape: tuple[int, ...], cure: str) -> None:
    with pytest.raises(InputError, match=re.escape(cure)):
        power(np.zeros(shape))


def test_tensors_are_never_guessed_either() -> None:
    import torch

    with pytest.raises(InputError, match=r"\(N, H, W, C\); pass channels=\"last\""):
        power(torch.zeros(5, 16, 16, 3))
    with pytest.raises(InputError, match=r"channels=\"first\" if that is one image"):
        power(torch.zeros(1, 16, 16))
    with pytest.raises(UsageError, match=r"did you mean channels=\"first\""):
        power(torch.zeros(5, 3, 16, 16), channels="frst")
    with pytest.raises(InputError, match="different shapes"):
        power([np.zeros((8, 8, 3)), np.zeros((9, 8, 3))])


def test_inputs_to_restore_come_in_any_order() -> None:
    import torch

    stack = pictures(2)
    first = stack.transpose(0, 3, 1, 2)
    for given in (first, torch.from_numpy(first.copy()).double()):
        np.testing.assert_allclose(channels_first(given), first, rtol=1e-6)
    np.testing.assert_array_equal(channels_first(stack, "last"), first)
    np.testing.assert_array_equal(channels_first(stack[0], "last"), first[:1])
    with pytest.raises(InputError, match=r"pass channels=\"last\""):
        channels_first(stack)


def test_pictures_of_torch_are_written(tmp_path: Path) -> None:
    import torch

    spectral_sched.write_pictures(torch.zeros(2, 3, 8, 8), tmp_path / "mine", [4, 5])
    with Image.open(tmp_path / "mine" / "000005.png") as picture:
        assert picture.getpixel((0, 0)) == (128, 128, 128)


def test_errors_name_arguments(
    measured: spectral_sched.Measurement, tmp_path: Path
) -> None:
    plan = spectral_sched.make_schedule(measured, 2)

    def told(function: Callable[..., object], *given: Any, **named: Any) -> str:
        with pytest.raises(spectral_sched.SpecschedError) as raised:
            function(*given, **named)
        assert not re.search(r"(^|[\s(])--?[a-z]", str(raised.value)), raised.value
        return str(raised.value)

    stack = pictures(3)
    assert "as in data_range=(" in told(spectral_sched.analyze, stack)
    found = told(spectral_sched.analyze, stack, data_range=(1, 0))
    assert found.startswith("data_range needs")
    found = told(spectral_sched.analyze, stack, data_range=(-1, 1), resize="bilineer")
    assert 'did you mean resize="bilinear"?' in found
    found = told(spectral_sched.analyze, stack, data_range=(-1, 1), resolution=0)
    assert found.startswith("resolution must be at least")
    assert "num_steps must be" in told(spectral_sched.make_schedule, plan, 0)
    found = told(spectral_sched.make_schedule, plan, 3, "hein")
    assert 'did you mean sampler="heun"?' in found
    found = told(spectral_sched.make_schedule, plan, 3, start_sigma=1.0, strength=0.5)
    assert found.startswith("start_sigma and strength say the same")
    assert "device" in told(spectral_sched.sample, plan, [0], device="tpu")
    found = told(spectral_sched.sample, plan, [0], model="wienr")
    assert "choose one with model: " in found
    found = told(spectral_sched.sample, plan, [0], model="wiener", class_label=1)
    assert "leave out class_label and guidance" in found
    found = told(spectral_sched.read_schedule, tmp_path / "none.json")
    assert "make one with: spectral_sched.make_schedule" in found
    (tmp_path / "notes.json").write_text("{}")
    found = told(spectral_sched.write_schedule, plan, tmp_path / "notes.json")
    assert found.endswith("name another file, or replace it with force=True")


@pytest.mark.parametrize("seeds", [[], [-1], [1.5], [None], [1 << 63], "0-3", 3])
def test_seeds_are_whole_numbers_everywhere(
    measured: spectral_sched.Measurement, tmp_path: Path, seeds: Any
) -> None:
    plan = spectral_sched.make_schedule(measured, 2)
    with pytest.raises(UsageError, match="seeds must be whole numbers from 0"):
        spectral_sched.sample(plan, seeds, model="wiener")
    with pytest.raises(UsageError, match="seeds must be whole numbers from 0"):
        spectral_sched.write_pictures(np.zeros((1, 3, 8, 8)), tmp_path / "x", seeds)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("count", "seeds", "message"),
    [
        (2, [1, 1], "2 images and 2 seeds, 1 of them different"),
        (2, [1, 2, 2], "2 images and 3 seeds"),
        (3, range(16), "3 images and 16 seeds"),
        (0, None, "0 images"),
    ],
)
def test_no_image_replaces_another(
    tmp_path: Path, count: int, seeds: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        spectral_sched.write_pictures(np.zeros((count, 3, 8, 8)), tmp_path / "x", seeds)
    assert not (tmp_path / "x").exists()


def test_images_are_numbered_where_no_seeds_are_given(tmp_path: Path) -> None:
    spectral_sched.write_pictures(np.zeros((3, 3, 8, 8)), tmp_path / "x")
    found = sorted(path.name for path in (tmp_path / "x").glob("0*.png"))
    assert found == ["000000.png", "000001.png", "000002.png"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((1, 3, 8, 8), np.nan), "image 0 has values that are not finite"),
        (np.zeros((3, 8, 8)), r"an image is \(C, H, W\), and image 0 has \(8, 8\)"),
    ],
)
def test_what_is_no_image_is_not_written(
    tmp_path: Path, images: NDArray[np.float64], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        spectral_sched.write_pictures(images, tmp_path / "x")


def test_what_a_model_answers_is_looked_at(
    measured: spectral_sched.Measurement,
) -> None:
    plan = spectral_sched.make_schedule(measured, 2)

    def broken(x: Tensor, sigma: float | Tensor) -> Tensor:  # noqa: ARG001
        spoilt = torch.zeros_like(x)
        spoilt[1, 0, 0, 0] = float("nan")
        return spoilt

    with pytest.raises(NoAnswerError, match="the image of seed 7 is not finite"):
        spectral_sched.sample(plan, [3, 7], model=broken)
    with pytest.raises(InputError, match=r"returns \(1, 1, 16, 16\) for images"):
        spectral_sched.sample(plan, [0], model=lambda x, _: x[:, :1])


@pytest.mark.parametrize("count", [0, -1])
def test_mixtures_have_a_whole_number_of_gaussians(count: Any) -> None:
    with pytest.raises(UsageError, match="mixture must be a whole number from 1"):
        spectral_sched.analyze(pictures(), data_range=(-1, 1), mixture=count)


def test_a_model_is_named_by_its_path_too(
    measured: spectral_sched.Measurement, tmp_path: Path
) -> None:
    plan = spectral_sched.make_schedule(measured, 2)
    with pytest.raises(InputError, match=r"none\.safetensors"):
        spectral_sched.sample(plan, [0], model=tmp_path / "none.safetensors")
    with pytest.raises(InputError, match=r"none\.safetensors"):
        spectral_sched.audit(tmp_path / "none.safetensors", measured)


def test_warnings_name_arguments(measured: spectral_sched.Measurement) -> None:
    plan = spectral_sched.make_schedule(measured, 2)
    with pytest.warns(UserWarning, match=r"see as_is=True") as said:
        spectral_sched.sample(plan, [0])
    assert said[0].filename == __file__


def test_several_sources_and_what_they_leave_out(tmp_path: Path) -> None:
    stack = np.random.default_rng(7).integers(0, 256, (6, 8, 8), np.uint8)
    np.save(tmp_path / "a.npy", stack[:2, None])
    np.savez(tmp_path / "b.npz", images=stack[2:, None], others=stack)
    places: list[Path | str] = [tmp_path / "a.npy", str(tmp_path / "b.npz")]
    found = spectral_sched.analyze(places)
    assert found.spectrum.data_key == spectral_sched.analyze(stack).spectrum.data_key
    assert found.origin.sources == ("a.npy", "b.npz")
    (told,) = found.origin.remarks
    assert told.endswith("which are not read (others); choose one with array")
    mixed: Any = [places[0], stack]
    with pytest.raises(InputError, match="sources or images in memory, not both"):
        spectral_sched.analyze(mixed)
    np.save(tmp_path / "a.npy", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match='pass channels="last" if that is one'):
        spectral_sched.analyze(tmp_path / "a.npy")


class CountedFilter:
    """A denoiser of a user's own, that counts the images that it was asked for."""

    def __init__(self, measured: spectral_sched.Measurement) -> None:
        field = measured.spectrum.field
        self.filter = WienerDenoiser(field, torch.device("cpu"), torch.float32)
        self.calls = 0

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        self.calls += len(x)
        return self.filter(x, sigma)


def error_of(row: Row) -> float:
    assert row.judgement.squares is not None
    return float(row.judgement.squares.mean())


def test_functions_are_compared_as_names_are(
    measured: spectral_sched.Measurement, tmp_path: Path
) -> None:
    np.save(tmp_path / "real.npy", pictures(80))
    asked: dict[str, Any] = {
        "kinds": ("optimal", "list:levels=80/20/5/1", "karras:rho=3"),
        "calls": (4,),
        "samples": 40,
        "reference_steps": 16,
        "device": "cpu",
        "data": tmp_path / "real.npy",
    }
    counted = CountedFilter(measured)
    kept = tmp_path / "kept"
    found = spectral_sched.compare(counted, measured, folder=kept, **asked)
    named = spectral_sched.compare("wiener", measured, **asked)
    (cell,), (other,) = found.cells, named.cells
    assert [row.name for row in cell.rows] == list(asked["kinds"])
    for ours, theirs in zip(cell.rows, other.rows, strict=True):
        assert ours.sigmas == theirs.sigmas
        assert error_of(ours) == pytest.approx(error_of(theirs), rel=1e-4)
    assert 0 < error_of(cell.rows[0]) < error_of(cell.rows[2])

    calls = counted.calls
    spectral_sched.compare(counted, measured, folder=kept, **asked)
    # What is measured is kept; the model is asked who it is, and nothing else.
    assert counted.calls - calls < 40
    with pytest.raises(UsageError, match="samples must be at least 40, not 8"):
        spectral_sched.compare(counted, measured, **asked | {"samples": 8})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_steps": "4"}, "num_steps must be a whole number, not '4'"),
        ({"num_steps": 4.0}, r"num_steps must be a whole number, not 4\.0"),
        ({"num_steps": True}, "num_steps must be a whole number, not True"),
        ({"settings": "rho=5"}, "settings must be a dictionary or None, not 'rho=5'"),
        ({"kind": None}, "kind must be a string, not None"),
        ({"sampler": 3}, "sampler must be a string, not 3"),
        ({"sigma_min": "0.1"}, r"sigma_min must be a number or None, not '0\.1'"),
    ],
)
def test_arguments_of_other_types_are_refused(
    measured: spectral_sched.Measurement, given: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        spectral_sched.make_schedule(
            measured, **{"num_steps": 4, "kind": "karras"} | given
        )


def test_what_must_be_given_is_not_none(measured: spectral_sched.Measurement) -> None:
    nothing: Any = None
    plan = spectral_sched.make_schedule(measured, 2)
    with pytest.raises(UsageError, match="schedule must be given, not None"):
        spectral_sched.sample(nothing, [0])
    with pytest.raises(UsageError, match="model must be given, not None"):
        spectral_sched.sample(plan, [0], model=nothing)
    with pytest.raises(UsageError, match="kinds must be a list of strings, not 'ays'"):
        spectral_sched.compare("wiener", measured, kinds="ays")


def test_numbers_of_numpy_are_numbers(measured: spectral_sched.Measurement) -> None:
    low: Any = np.float32(0.5)
    steps: Any = np.int64(3)
    plan = spectral_sched.make_schedule(measured, steps, kind="karras", sigma_min=low)
    assert (plan.table.num_steps, plan.ends[0]) == (3, 0.5)


def test_truth_and_bands_may_be_of_numpy(tmp_path: Path) -> None:
    asked: Any = {"bands": np.array([3, 1]), "fast": np.bool_(False)}
    found = spectral_sched.analyze(pictures(), data_range=(-1, 1), **asked)
    assert found.preprocessing.bands == (3, 1)
    yes: Any = np.bool_(True)
    spectral_sched.write_spectrum(found, tmp_path / "s.json", force=yes)
    again = spectral_sched.read_spectrum(tmp_path / "s.json")
    assert again.preprocessing == found.preprocessing


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sigma_min": 1e-160}, "sigma_min=1e-160 is no noise level to compute with"),
        ({"sigma_max": 1e160}, "from 1e-150 to 1e[+]150"),
    ],
)
def test_levels_whose_squares_are_no_numbers_are_refused(
    measured: spectral_sched.Measurement, given: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        spectral_sched.make_schedule(measured, 2, kind="karras", **given)


def test_programs_without_words_are_refused(
    measured: spectral_sched.Measurement,
) -> None:
    advice = spectral_sched.training_advice(measured)
    with pytest.raises(UsageError, match="there is no program 'emd'; did you mean"):
        advice.words("emd")


@pytest.mark.parametrize("kind", ["sdm", "sharp-euler", "oss", "gits", "fitted"])
def test_searches_look_at_the_shape_of_what_a_model_answers(
    measured: spectral_sched.Measurement, kind: str
) -> None:
    asked: Any = {"kind": kind, "sampler": "euler", "look": False}
    with pytest.raises(InputError, match=r"1, 16, 16\) for images"):
        spectral_sched.make_schedule(measured, 2, model=lambda x, _: x[:, :1], **asked)


def test_audits_look_at_the_shape_of_what_a_model_answers(
    measured: spectral_sched.Measurement,
) -> None:
    with pytest.raises(InputError, match=r"1, 16, 16\) for images"):
        spectral_sched.audit(lambda x, _: x[:, :1], measured, levels=2, samples=4)


def test_what_a_function_raises_is_not_dressed_up(
    measured: spectral_sched.Measurement,
) -> None:
    plan = spectral_sched.make_schedule(measured, 2)

    def failing(x: Tensor, sigma: float | Tensor) -> Tensor:
        raise LookupError(x, sigma)

    with pytest.raises(LookupError):
        spectral_sched.sample(plan, [0], model=failing)


def test_a_function_has_no_noise_of_a_flow(
    measured: spectral_sched.Measurement,
) -> None:
    plan = spectral_sched.make_schedule(measured, 2)
    with pytest.raises(UsageError, match="no flow network"):
        spectral_sched.sample(plan, [0], model=lambda x, _: x, noise_scale=2.0)
