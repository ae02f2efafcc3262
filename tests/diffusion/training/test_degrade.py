"""Restoration: what degrades images, networks that are given them, and their law."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import spectral_sched
from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.models.network import NetworkDenoiser, give_degraded
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.degrade import (
    NUM_FEATURES,
    degrade,
    octave_features,
)
from spectral_sched.diffusion.training.learned_law import LearnedNoise, MonotoneNetwork
from spectral_sched.diffusion.training.noise import training_noise
from spectral_sched.diffusion.training.pictures import picture_set
from spectral_sched.diffusion.training.run import training_options
from spectral_sched.diffusion.training.trainer import (
    Trainer,
    TrainingSettings,
    fresh_network,
)
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.degradation import Degradation, parse_degradation
from spectral_sched.files.network_config import NetworkConfig, network_config
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.sources import Item
from tests.support.commands import sentence, specsched
from tests.support.helpers import power_law_field, write_pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

REACH = (0.01, 100.0)
CPU = Processes(torch.device("cpu"))
BOX = Degradation("box", 2)


def some_pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def noise() -> Callable[[tuple[int, ...]], torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return lambda shape: torch.randn(shape, generator=generator)


def test_squares_become_their_means() -> None:
    pictures = some_pictures(2, 3, 4, 6)
    found = degrade(pictures, BOX, noise())
    corner = pictures[:, :, 2:4, 4:6].mean(dim=(2, 3))
    for row, column in [(2, 4), (3, 5), (2, 5)]:
        torch.testing.assert_close(found[:, :, row, column], corner)
    torch.testing.assert_close(degrade(found, BOX, noise()), found)


def test_noise_is_that_of_the_generator() -> None:
    pictures = some_pictures(4, 3, 32, 32)
    first, same = (degrade(pictures, Degradation("noise", 0.5), noise()) for _ in "ab")
    torch.testing.assert_close(first, same, rtol=0, atol=0)
    assert float((first - pictures).std()) == pytest.approx(0.5, rel=0.02)


def test_colours_fade_to_the_mean_of_their_channels() -> None:
    pictures = some_pictures(2, 3, 4, 4)
    grey = degrade(pictures, Degradation("grey", 1), noise())
    torch.testing.assert_close(grey[:, 1], pictures.mean(dim=1))
    half = degrade(pictures, Degradation("grey", 0.5), noise())
    torch.testing.assert_close(half, (pictures + grey) / 2)


@pytest.mark.parametrize("text", ["box=1", "noise=0", "grey=0"])
def test_the_least_degradation_is_none(text: str) -> None:
    pictures, named = some_pictures(2, 3, 4, 4), parse_degradation(text)
    assert str(named) == text
    torch.testing.assert_close(degrade(pictures, named, noise()), pictures)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("boks=4", "there is no degradation 'boks'; did you mean --restore box"),
        ("box", "--restore box has no number; write --restore box=4"),
        ("noise=much", "has no number; write --restore noise=0.2"),
        ("box=2.5", "the number of box is a whole number of pixels, not 2.5"),
        ("box=inf", "not inf; try --restore box=4"),
        ("noise=nan", "a standard deviation, 0 or more, not nan"),
        ("grey=2", "a share from 0 to 1, not 2"),
    ],
)
def test_what_is_no_degradation_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        training_options(TrainingSettings(5), "tiny", restore=text)


def test_squares_have_to_fill_the_pictures() -> None:
    with pytest.raises(UsageError, match="5 pixels do not fill 16x32"):
        network_config("tiny", (3, 32, 16), 0.5, None, Degradation("box", 5))


def test_a_model_to_go_on_from_brings_what_it_restores() -> None:
    with pytest.raises(UsageError, match="own network; leave out --restore"):
        training_options(
            TrainingSettings(5), init=Path("a.safetensors"), restore="box=4"
        )


def test_features_are_of_the_octaves_that_are_left() -> None:
    pictures = some_pictures(3, 3, 16, 16)
    whole, boxed = (
        octave_features(degrade(pictures, Degradation("box", value), noise()))
        for value in (1, 4)
    )
    assert whole.shape == (3, NUM_FEATURES)
    torch.testing.assert_close(boxed[:, :2], torch.full((3, 2), -1.0))
    torch.testing.assert_close(boxed[:, 2:], whole[:, 2:])
    assert float(whole[:, :2].min()) > 0
    flat = octave_features(torch.ones(1, 1, 3, 5))
    torch.testing.assert_close(flat[0, -1].item(), 1.0, rtol=0, atol=1e-4)
    torch.testing.assert_close(flat[0, :-1], -torch.ones(NUM_FEATURES - 1))


def bent_network() -> MonotoneNetwork:
    network = MonotoneNetwork(2)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator))
    return network.requires_grad_(requires_grad=False)


def of_two(count: int) -> NDArray[np.float32]:
    """Return features of two kinds of images in turn."""
    return np.tile(np.array([[1.0, -0.5], [-1.0, 0.8]], np.float32), (count // 2, 1))


def place_of(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    place: NDArray[np.float64] = np.log(levels / REACH[0]) / np.log(REACH[1] / REACH[0])
    return place


def drawn(noise: LearnedNoise, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    return noise.levels(positions, np.zeros(len(positions), dtype=np.int64), 0.0)


def test_every_picture_has_a_law_of_its_own_that_rises_from_end_to_end() -> None:
    network, features = bent_network().double(), torch.from_numpy(of_two(2)).double()
    values = network(torch.linspace(0, 1, 101).double(), features[:, None])
    torch.testing.assert_close(values[:, 0], torch.zeros(2).double())
    torch.testing.assert_close(values[:, -1], torch.ones(2).double())
    assert bool((values.diff() > 0).all())
    assert float((values[0] - values[1]).abs().max()) > 0.05


def test_rates_are_the_derivatives_for_every_picture() -> None:
    network, features = bent_network().double(), torch.from_numpy(of_two(20)).double()
    place = torch.linspace(0.01, 0.99, 20, dtype=torch.float64)
    step = 1e-5
    above, here, below = (
        network(place + shift, features) for shift in (step, 0.0, -step)
    )
    slope, bend = (above - below) / (2 * step), (above - 2 * here + below) / step**2
    density, curvature = network.density, network.curvature
    torch.testing.assert_close(density(place, features), slope, rtol=1e-6, atol=0)
    torch.testing.assert_close(curvature(place, features), bend, rtol=1e-3, atol=1e-3)


def test_weights_leave_the_mean_of_any_loss_alone_for_every_picture() -> None:
    noise, count = LearnedNoise(REACH, 2), 4000
    noise.network = bent_network()
    noise = noise.seeing(of_two(count))
    positions = np.repeat((np.arange(count // 2) + 0.5) / (count // 2), 2)
    levels = drawn(noise, positions)
    weighted = noise.weights(levels) * np.cos(place_of(levels)) ** 2
    for kind in (0, 1):
        expected = 0.5 + np.sin(2) / 4
        assert np.mean(weighted[kind::2]) == pytest.approx(expected, rel=2e-3)


def test_law_sees_nothing_at_first() -> None:
    positions = np.linspace(0.01, 0.99, 20)
    plain, seeing = LearnedNoise(REACH), LearnedNoise(REACH, 2).seeing(of_two(20))
    found, usual = (drawn(noise, positions) for noise in (seeing, plain))
    np.testing.assert_allclose(found, usual, rtol=1e-4)


def test_law_goes_where_the_losses_of_each_kind_are_large() -> None:
    noise, draws = LearnedNoise(REACH, 2), np.random.default_rng(0)

    def losses(levels: NDArray[np.float64]) -> NDArray[np.float64]:
        place = place_of(levels)
        place[1::2] = 1 - place[1::2]
        return 0.2 + 1.6 * place

    for _ in range(300):
        seen = noise.seeing(of_two(64))
        levels = drawn(seen, draws.permutation((np.arange(64) + 0.5) / 64))
        seen.learn(levels, losses(levels))
    levels = np.repeat(np.geomspace(0.02, 50.0, 30), 2)
    density = 1 / noise.seeing(of_two(60)).weights(levels)
    np.testing.assert_allclose(density, losses(levels), atol=0.25)


def test_state_of_a_law_that_sees_goes_on_exactly() -> None:
    def learn(noise: LearnedNoise, seed: int) -> None:
        seen = noise.seeing(of_two(32))
        levels = drawn(seen, np.random.default_rng(seed).random(32))
        seen.learn(levels, levels)

    first, second = LearnedNoise(REACH, 2), LearnedNoise(REACH, 2)
    learn(first, 1)
    second.restore({name: value.clone() for name, value in first.state().items()})
    learn(first, 2)
    learn(second, 2)
    assert float(first.state()["weight.tilt"].abs().max()) > 0
    for name, value in first.state().items():
        torch.testing.assert_close(second.state()[name], value, rtol=0, atol=0)


def test_two_processes_teach_the_law_what_one_does() -> None:
    """The features that another process gathered stay beside their losses."""

    class Recording(LearnedNoise):
        def learn(
            self, levels: NDArray[np.float64], losses: NDArray[np.float64]
        ) -> None:
            assert self.features is not None
            rows = [levels, losses, *self.features.numpy().T]
            told.append(np.array(sorted(np.stack(rows, axis=1).tolist())))

    told: list[NDArray[np.float64]] = []
    trainer = small_trainer(
        parse_degradation("noise=0.5"), Recording(REACH, NUM_FEATURES)
    )
    batch = trainer.draw()
    assert batch.features is not None
    losses = torch.arange(len(batch.sigma)) + 0.5
    trainer._teach(batch, losses)
    shares = []
    for rank in range(2):
        trainer.processes = Processes(torch.device("cpu"), rank, 2)
        mine = trainer.draw()
        assert mine.degraded is not None
        assert mine.features is not None
        shares.append(
            torch.cat([torch.stack([mine.sigma, losses[rank::2]]), mine.features.T])
        )
        torch.testing.assert_close(mine.degraded, batch.degraded[rank::2])  # type: ignore[index]

    class Joined(Processes):
        def all(self, values: Tensor) -> Tensor:
            torch.testing.assert_close(values, shares[1])
            return torch.cat(shares, dim=-1)

    trainer.processes = Joined(torch.device("cpu"), 1, 2)
    trainer._teach(mine, losses[1::2])
    alone, joined = told
    np.testing.assert_array_equal(joined, alone)


def small_trainer(
    restores: Degradation | None, noise: LearnedNoise | None = None, steps: int = 100
) -> Trainer:
    draws = np.random.default_rng(0)
    stack = [
        power_law_field((1, 8, 8), 3.0, draws).transpose(1, 2, 0) for _ in range(128)
    ]
    listed = [Item(str(n), "", array) for n, array in enumerate(stack)]
    found = picture_set(listed, Preprocessing(data_range=(-4.0, 4.0)))
    field = found.measured.spectrum.field
    law = noise or training_noise(
        "lognormal", {"mean": 0.0, "std": 1.2}, measured_data_set(found.measured), list
    )
    settings = TrainingSettings(steps, batch=16, rate=1e-2, precision="float32")
    config = NetworkConfig(1, (16,), 1, field.sigma_data, restores=restores)
    return Trainer(found, law, fresh_network(config, 0), settings, CPU)


def test_network_learns_to_use_what_it_is_given() -> None:
    """Given the very images, it finds each of them; without, it can find but one."""
    trainer = small_trainer(parse_degradation("box=1"))
    for _ in range(trainer.settings.num_steps):
        trainer.advance()
    clean = trainer.pictures.batch(np.arange(8))
    field = trainer.pictures.measured.spectrum.field
    request = TableRequest.of("dpmpp-2m", 4, "zero")
    plan = make_plan(measured_data_set(trainer.pictures.measured), "karras", request)

    def error(denoise: Any, given: Tensor | None) -> float:
        player = Player(denoise, field.shape, range(8), degraded=given)
        found = np.stack(list(player.play_plan(plan)))
        return float((torch.tensor(found) - clean).square().mean())

    restored = error(trainer.average, clean)
    unconditional = error(WienerDenoiser(field, CPU.device, torch.float32), None)
    assert unconditional > field.sigma_data**2
    assert restored < 0.1 * unconditional
    assert error(trainer.average, clean.roll(1, dims=0)) > 0.5 * unconditional


def built(
    restores: Degradation | None, ends: tuple[float, float] | None = None
) -> NetworkDenoiser:
    torch.manual_seed(0)
    network = NetworkDenoiser(NetworkConfig(1, (16,), 1, 0.5, 1, ends, restores))
    for weight in network.requires_grad_(requires_grad=False).parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return network


def test_a_network_is_told_of_ends_and_pictures_at_once() -> None:
    network, x = built(BOX, (0.1, 10.0)), some_pictures(3, 1, 8, 8)
    given = x.flip(0)
    plain = give_degraded(network, given)
    usual = plain.between(0.1, 10.0)(x, 0.5)
    torch.testing.assert_close(plain(x, 0.5), usual)
    for other in (
        plain.between(0.1, 30.0),
        give_degraded(network, x).between(0.1, 10.0),
    ):
        assert float((other(x, 0.5) - usual).abs().max()) > 1e-3
    untold = give_degraded(built(BOX), given)
    torch.testing.assert_close(untold.between(0.1, 10.0)(x, 0.5), untold(x, 0.5))


def test_pictures_to_restore_are_missed_and_refused() -> None:
    x = some_pictures(1, 1, 8, 8)
    with pytest.raises(UsageError, match=r"restores images \(box=2\) and you gave"):
        built(BOX)(x, 0.5)
    with pytest.raises(UsageError, match="restores no images; leave out --input"):
        give_degraded(built(None), x)
    with pytest.raises(UsageError, match="restores no images; leave out --input"):
        built(None)(x, 0.5, degraded=x)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model that restores, its schedule and images."""
    folder = tmp_path_factory.mktemp("trained")
    paths = write_pictures(folder / "images", 4)
    train = ("train", "images", "--restore", "box=4", "--law", "learned", "--film")
    small = ("--steps", 2, "--batch", 2, "--precision", "float32")
    specsched(*train, *small, "-o", "r.safetensors", cwd=folder)
    export = ("export", "--spectrum", "r.safetensors", "--kind", "karras")
    specsched(*export, "--steps", 3, cwd=folder)
    (folder / "degraded").mkdir()
    for path in paths[:2]:
        with Image.open(path) as picture:
            small_one = picture.resize((4, 4), Image.Resampling.BOX)
        small_one.resize((16, 16), Image.Resampling.NEAREST).save(
            folder / "degraded" / path.name
        )
    return folder


COMPARE = ("compare", "--model", "r.safetensors")
SEARCH = ("export", "--spectrum", "r.safetensors", "--kind", "grid")
PLAY = ("sample", "--model", "r.safetensors", "--device", "cpu")


def test_the_file_says_what_the_network_restores(trained: Path) -> None:
    network, header = read_model(trained / "r.safetensors")
    assert network.config.restores == header.config.restores == Degradation("box", 4)
    shown = specsched("show", "r.safetensors", cwd=trained).stdout
    assert "restores box=4" in " ".join(shown.split())


def test_every_input_is_restored_with_every_seed(trained: Path) -> None:
    flags = ("--input", "degraded", "--seeds", "3,5", "-o", "restored")
    specsched(*PLAY, *flags, cwd=trained)
    record = specsched("show", "restored/samples.json", "--json", cwd=trained).stdout
    names = [f"00000{k}-00000{seed}.png" for k in (0, 1) for seed in (3, 5)]
    assert all(name in record for name in [*names, "0000.png", "0001.png"])
    found = spectral_sched.sample(
        trained / "tight.json",
        [5],
        model=str(trained / "r.safetensors"),
        inputs=trained / "degraded",
    )
    assert found.shape == (2, 3, 16, 16)
    for name, picture in zip(names[1::2], found, strict=True):
        with Image.open(trained / "restored" / name) as hung:
            levels = np.asarray(hung).transpose(2, 0, 1) / 127.5 - 1
        np.testing.assert_allclose(levels, picture.clip(-1, 1), atol=0.01)
    # The same noise, and a network of two steps that hardly looks at the input yet.
    assert 1e-5 < np.abs(found[0] - found[1]).max() < 0.1


def test_a_seed_is_the_usual_one(trained: Path) -> None:
    once = specsched(*PLAY, "--input", "degraded", "-o", "once", "--json", cwd=trained)
    assert '"000001-000000.png"' in once.stdout
    assert "000000-000001" not in once.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (PLAY, 2, "(box=4) and you gave none; name them with specsched sample --input"),
        (
            ("sample", "--model", "wiener", "--input", "degraded"),
            *(2, "the model restores no images; leave out --input"),
        ),
        (
            (*PLAY, "--input", "large"),
            3,
            "(3, 8, 24) and the model restores (3, 16, 16)",
        ),
        ((*PLAY, "--input", "nowhere"), 3, "nowhere does not exist"),
        (
            (*SEARCH, "--model", "r.safetensors", "-o", "grid.json"),
            *(2, "you gave none; name them with specsched sample --input"),
        ),
        (
            (*COMPARE, "--data", "images", "--calls", "3", "--samples", "40"),
            *(2, "you gave none; name them with specsched sample --input"),
        ),
    ],
)
def test_mistakes_end_in_one_sentence(
    trained: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    write_pictures(trained / "large", 1, (8, 24))
    assert message in sentence(*arguments, cwd=trained, code=code)


def test_inputs_of_python_have_the_shape_of_the_model(trained: Path) -> None:
    with pytest.raises(
        ValueError, match=r"images \(N, 3, 16, 16\), not \(2, 3, 8, 8\)"
    ):
        spectral_sched.sample(
            trained / "tight.json",
            model=str(trained / "r.safetensors"),
            inputs=np.zeros((2, 3, 8, 8)),
        )


def test_init_goes_on_restoring(trained: Path) -> None:
    flags = ("--init", "r.safetensors", "--steps", 1, "--batch", 2)
    more = ("--precision", "float32", "--law", "learned", "-o", "on.safetensors")
    specsched("train", "images", *flags, *more, cwd=trained)
    network, _ = read_model(trained / "on.safetensors")
    assert network.config.restores == Degradation("box", 4)
    message = sentence(
        *("train", "images", "--init", "r.safetensors", "--restore", "box=4"),
        cwd=trained,
        code=2,
    )
    assert "brings its own network; leave out --restore" in message


def test_unknown_inputs_of_a_file_are_refused() -> None:
    with pytest.raises(InputError, match="'restores' is none that is known"):
        read_network(name="blur", value=3.0)
    with pytest.raises(InputError, match="'value' is missing"):
        read_network(name="box")
    assert read_network(name="box", value=2).restores == BOX


def read_network(**restores: object) -> NetworkConfig:
    from spectral_sched.documents.read import Fields
    from spectral_sched.files.network_config import read_network_config

    document = {"image_channels": 1, "widths": [16], "num_blocks": 1, "patch": 1}
    whole = document | {"sigma_data": 0.5, "restores": restores}
    return read_network_config(Fields(whole, Path("model.safetensors"), "make one"))
