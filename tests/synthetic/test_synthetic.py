"""Synthetic images: the same everywhere, four kinds apart, on the command line."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from spectral_sched.synthetic import KINDS, SAMPLE_KINDS, picture, write_pictures
from spectral_sched.synthetic.__main__ import main
from spectral_sched.synthetic.parts.fields import power_law_field

SAMPLES = Path(__file__).parents[2] / "sample_images"
KIND_NAMES = list(KINDS)

Levels = NDArray[np.uint8]
Values = NDArray[np.float64]


def _read(path: Path) -> Levels:
    with Image.open(path) as image:
        return np.asarray(image, dtype=np.uint8)


def _grey(pixels: Levels) -> Values:
    return np.asarray(pixels.mean(axis=2) / 255, dtype=np.float64)


def _radial_power(grey: Values) -> Values:
    """Return the power of a windowed square image at whole cycles 0, 1, 2, ..."""
    size = len(grey)
    window = np.hanning(size)
    centred = (grey - grey.mean()) * window[:, None] * window
    power = np.abs(np.fft.fft2(centred)) ** 2
    cycles = np.fft.fftfreq(size) * size
    ring = np.rint(np.hypot(cycles[:, None], cycles)).astype(int).ravel()
    summed = np.bincount(ring, power.ravel())
    return np.asarray(summed / np.bincount(ring), dtype=np.float64)


def _slope(grey: Values) -> float:
    """Return the exponent of the power law fitted from 4 cycles to Nyquist."""
    cycles = np.arange(4, len(grey) // 2)
    power = _radial_power(grey)[cycles]
    return -float(np.polyfit(np.log(cycles), np.log(power + 1e-12), 1)[0])


def _fine_share(grey: Values) -> float:
    """Return the part of the variance above 0.25 cycles per pixel."""
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    frequency = np.fft.fftfreq(len(grey))
    radius = np.hypot(frequency[:, None], frequency)
    return float(power[radius > 0.25].sum() / power.sum())


def _row_share(grey: Values) -> float:
    """Return the part of the variance that the mean of each row explains."""
    return float(grey.mean(axis=1).var() / grey.var())


@pytest.fixture(scope="module")
def greys() -> dict[str, list[Values]]:
    return {
        kind: [_grey(picture(kind, (0, index))) for index in range(48)]
        for kind in SAMPLE_KINDS
    }


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_the_same_seed_gives_the_same_bytes(kind: str) -> None:
    first, second = picture(kind, (3, 5)), picture(kind, [3, 5])
    assert first.tobytes() == second.tobytes()
    assert not np.array_equal(first, picture(kind, (3, 6)))
    assert not np.array_equal(first, picture(kind, (4, 5)))


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("size", [8, 16, 33, 64, 100, 256])
def test_pictures_have_the_size_asked_for(kind: str, size: int) -> None:
    pixels = picture(kind, 11, size)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 2


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_seed_keeps_its_composition_at_another_size(kind: str) -> None:
    # Measured: 0.94 at the worst seed, for grainy colour fields.
    for seed in range(12):
        small = _grey(picture(kind, seed, 64)).reshape(32, 2, 32, 2).mean(axis=(1, 3))
        large = _grey(picture(kind, seed, 128)).reshape(32, 4, 32, 4).mean(axis=(1, 3))
        assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_few_pixels_are_clipped(kind: str) -> None:
    # Measured: 1.1 % for dead leaves, 0.5 % for shapes, 0.1 % or less for the rest.
    pixels = np.stack([picture(kind, (1, index)) for index in range(24)])
    assert ((pixels == 0) | (pixels == 255)).mean() < 0.025


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("size", [64, 128])
def test_fields_follow_the_power_law_asked_for(exponent: float, size: int) -> None:
    # Measured: within 0.05; the window smears steep spectra a little.
    rng = np.random.default_rng(5)
    fields = [power_law_field(rng, size, exponent) for _ in range(12)]
    slopes = [_slope(field.astype(np.float64)) for field in fields]
    assert np.mean(slopes) == pytest.approx(exponent, abs=0.12)


def test_color_fields_alone_span_grainy_to_smooth(
    greys: dict[str, list[Values]],
) -> None:
    # Measured 10 % and 90 % points: 1.08 and 3.28; dead leaves 2.84 and 3.40.
    low, high = np.percentile(
        [_slope(grey) for grey in greys["color_fields"]], [10, 90]
    )
    assert low < 1.5
    assert high > 2.8
    assert np.percentile([_slope(grey) for grey in greys["dead_leaves"]], 10) > 2.5


def test_kinds_differ_in_their_finest_detail(greys: dict[str, list[Values]]) -> None:
    # Measured means: 0.239, 0.092, 0.066 and 0.041, with standard errors of 0.029,
    # 0.011, 0.002 and 0.003.
    order = ("color_fields", "shapes", "dead_leaves", "landscapes")
    means = {
        kind: np.mean([_fine_share(grey) for grey in greys[kind]])
        for kind in SAMPLE_KINDS
    }
    assert sorted(means, key=lambda kind: -means[kind]) == list(order)
    assert means["color_fields"] > 1.8 * means["shapes"]
    assert means["dead_leaves"] > 1.3 * means["landscapes"]


def test_landscapes_alone_are_layered(greys: dict[str, list[Values]]) -> None:
    # Measured means: landscapes 0.73, the others 0.14 to 0.20.
    for kind in SAMPLE_KINDS:
        mean = np.mean([_row_share(grey) for grey in greys[kind]])
        assert (mean > 0.55) == (kind == "landscapes")
        assert not 0.35 < mean < 0.55


@pytest.mark.parametrize("kind", SAMPLE_KINDS)
def test_sample_images_are_what_seed_zero_draws(kind: str) -> None:
    paths = sorted((SAMPLES / kind).glob("*.png"))
    assert len(paths) == 48
    committed = np.stack([_read(path) for path in paths])
    drawn = np.stack([picture(kind, (0, index)) for index in range(48)])
    # Fourier transforms differ in the last bit from machine to machine.
    apart = np.abs(committed.astype(int) - drawn.astype(int))
    assert (apart <= 1).mean() >= 0.999


def test_lines_are_grey_and_of_two_values_but_for_their_edges() -> None:
    # Measured: 88 % of the pixels are paper or ink at 64 pixels, 97 % at 256.
    for size, share in ((64, 0.7), (256, 0.9)):
        pixels = np.stack([picture("lines", (0, index), size) for index in range(24)])
        assert (pixels[..., :1] == pixels).all()
        levels = pixels[..., 0]
        paper, ink = levels.max(), levels.min()
        assert ((levels == paper) | (levels == ink)).mean() > share
        assert 0.03 < (levels == ink).mean() < (levels == paper).mean()


def test_sample_images_stay_small() -> None:
    paths = list(SAMPLES.rglob("*.png"))
    assert len(paths) == 192
    assert sum(path.stat().st_size for path in paths) < 4_000_000
    assert (SAMPLES / "LICENSE").is_file()


def test_a_picture_does_not_depend_on_how_many_are_made(tmp_path: Path) -> None:
    few = write_pictures(tmp_path / "few", 2, 16, seed=9)
    many = write_pictures(tmp_path / "many", 5, 16, seed=9, kinds=["shapes"])
    expected = tmp_path / "few" / "shapes" / "0001.png"
    assert expected in few
    assert many[1].read_bytes() == expected.read_bytes()
    assert np.array_equal(_read(expected), picture("shapes", (9, 1), 16))


def test_global_random_state_is_left_alone() -> None:
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    for kind in SAMPLE_KINDS:
        picture(kind, 1, 16)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    np.testing.assert_equal(after, before)


def test_bad_input_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Unknown kind of image 'clouds'; the kinds"):
        picture("clouds", 1)
    with pytest.raises(ValueError, match=r"size must be at least 8 pixels, not 7\."):
        picture("shapes", 1, 7)
    with pytest.raises(ValueError, match="size must be at most 8192 pixels, not 1000"):
        picture("shapes", 1, 10**11)
    with pytest.raises(ValueError, match="seed must be whole numbers of at least 0"):
        picture("shapes", -1)
    with pytest.raises(ValueError, match="seed must be whole numbers of at least 0"):
        picture("shapes", [])
    with pytest.raises(ValueError, match="count_per_kind must be at least 1, not 0"):
        write_pictures(tmp_path, 0)
    with pytest.raises(ValueError, match="Unknown kind of image"):
        write_pictures(tmp_path, 1, kinds=["shapes", "clouds"])
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_folder_for_each_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--count", "2", "--size", "16", "--seed", "4"]) == 0
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    assert found == {
        f"{kind}/000{index}.png" for kind in SAMPLE_KINDS for index in range(2)
    }
    assert _read(tmp_path / "shapes" / "0000.png").shape == (16, 16, 3)
    assert "Wrote 8 images" in capsys.readouterr().out


def test_the_command_writes_only_the_kinds_asked_for(tmp_path: Path) -> None:
    kinds = ["shapes", "landscapes"]
    assert main([str(tmp_path), "--count", "1", "--size", "16", "--kind", *kinds]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kinds)


def test_the_command_explains_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--kind", "clouds"])
    assert "Unknown kind of image 'clouds'" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(SystemExit) as stop:
        main([str(taken), "--count", "1"])
    assert stop.value.code == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert f"error: cannot write {taken}" in told
    assert told.endswith("; name another FOLDER")
