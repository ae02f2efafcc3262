"""Networks that are told the class of each image: training, sampling, guidance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

import spectral_sched
from spectral_sched.diffusion.models.denoiser import tell_ends
from spectral_sched.diffusion.models.guidance import Guidance, guide
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.noise import training_noise
from spectral_sched.diffusion.training.pictures import picture_set
from spectral_sched.diffusion.training.trainer import UNTOLD, Trainer, TrainingSettings
from spectral_sched.documents.read import Fields
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.network_config import NetworkConfig, read_network_config
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.sources import Item, items
from tests.support.commands import sentence, specsched

if TYPE_CHECKING:
    from spectral_sched.diffusion.training.pictures import PictureSet
    from spectral_sched.planning.plan import Plan

NAMES = ("dark", "light")
CONFIG = NetworkConfig(1, (16,), 1, 0.6, class_names=NAMES)
CPU = Processes(torch.device("cpu"))


def pictures_of(*labels: str, count: int = 16) -> PictureSet:
    """Return flat images with some noise: dark about -0.5, light about 0.5."""
    rng = np.random.default_rng(3)
    level = {"dark": -0.5, "light": 0.5}
    arrays = {
        f"{label}{n}": level[label] + 0.1 * rng.standard_normal((8, 8, 1))
        for label in labels
        for n in range(count)
    }
    listed = [
        Item(name, name.strip("0123456789"), data) for name, data in arrays.items()
    ]
    return picture_set(listed, Preprocessing(data_range=(-1.0, 1.0)))


def untrained(config: NetworkConfig = CONFIG) -> NetworkDenoiser:
    torch.manual_seed(0)
    return NetworkDenoiser(config).requires_grad_(requires_grad=False)


def some(network: NetworkDenoiser) -> NetworkDenoiser:
    """Return a network all of whose weights are drawn, so that it heeds everything."""
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=generator)
    return network


def x_of(count: int) -> torch.Tensor:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """Return a network trained on both classes."""
    found = pictures_of(*NAMES)
    law = training_noise(
        "lognormal", {"mean": 0.0, "std": 1.5}, measured_data_set(found.measured), list
    )
    settings = TrainingSettings(120, batch=16, rate=1e-2, precision="float32")
    torch.manual_seed(0)
    trainer = Trainer(found, law, NetworkDenoiser(CONFIG), settings, CPU)
    for _ in range(settings.num_steps):
        trainer.advance()
    trainer.average.eval()
    return trainer


@pytest.fixture
def plan(trainer: Trainer) -> Plan:
    data_set = measured_data_set(trainer.pictures.measured)
    return make_plan(data_set, "karras", TableRequest.of("dpmpp-2m", 5, "zero"))


def test_labels_are_places_among_the_names() -> None:
    found = pictures_of("light", "dark")
    assert found.class_names == NAMES
    brightness = found.batch(np.arange(32)).mean(dim=(1, 2, 3))
    np.testing.assert_array_equal(found.labels, (brightness > 0).numpy())


def test_a_picture_without_a_class_leaves_none() -> None:
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8))
    listed = [Item("a", "dark", pictures[0]), Item("b", "", pictures[1])]
    found = picture_set(listed, Preprocessing(data_range=(-1.0, 1.0)))
    assert found.class_names == ()


def test_a_fresh_network_heeds_no_class() -> None:
    told, untold = untrained(), untrained(replace(CONFIG, class_names=None))
    some(untold)
    told.load_state_dict(untold.state_dict(), strict=False)
    x = x_of(3)
    for denoise in (told, told.of_class(0), told.of_class(torch.tensor([0, 1, 2]))):
        torch.testing.assert_close(denoise(x, 0.7), untold(x, 0.7), rtol=0, atol=0)


def test_each_picture_has_its_own_class_and_none_is_the_last() -> None:
    network, x = some(untrained()), x_of(1).expand(3, -1, -1, -1)
    each = network.of_class(torch.tensor([0, 1, 2]))(x, 0.7)
    for label in range(3):
        alone = network.of_class(label)(x[:1], 0.7)
        torch.testing.assert_close(each[label : label + 1], alone)
    torch.testing.assert_close(network(x[:1], 0.7), each[2:])
    assert network.null_label == 2
    assert float((each[0] - each[1]).abs().max()) > 1e-3


def test_a_class_and_the_ends_are_told_together() -> None:
    network = some(untrained(replace(CONFIG, ends=(0.1, 10.0))))
    x, light = x_of(2), network.of_class(1)
    torch.testing.assert_close(light.between(0.1, 10.0)(x, 0.7), light(x, 0.7))
    wider = light.between(0.1, 30.0)(x, 0.7)
    assert float((wider - light(x, 0.7)).abs().max()) > 1e-3
    both = tell_ends(guide(network, Guidance(1, weight=2.0), [0]), (0.1, 30.0))
    expected = 2 * wider - network.between(0.1, 30.0)(x, 0.7)
    torch.testing.assert_close(both(x, 0.7), expected)


def test_a_tenth_is_not_told(trainer: Trainer) -> None:
    fresh = Trainer(trainer.pictures, trainer.noise, untrained(), trainer.settings, CPU)
    told = []
    for step in range(200):
        fresh.step = step
        batch = fresh.draw()
        assert batch.labels is not None
        told.append(batch.labels)
        light = batch.clean.mean(dim=(1, 2, 3)) > 0
        known = batch.labels < 2
        assert torch.equal(batch.labels[known], light[known].long())
    share = float((torch.cat(told) == 2).double().mean())
    assert share == pytest.approx(UNTOLD, abs=4 * (0.09 / 3200) ** 0.5)


def test_samples_are_of_their_class(trainer: Trainer, plan: Plan) -> None:
    def brightness(guidance: Guidance) -> list[float]:
        player = Player(trainer.average, (1, 8, 8), range(8), guidance=guidance)
        pictures = player.play_plan(plan)
        return [float(picture.mean()) for picture in pictures]

    dark, light = brightness(Guidance("dark")), brightness(Guidance("light"))
    assert max(dark) < -0.3
    assert min(light) > 0.3
    turns = brightness(Guidance())
    assert turns[::2] == pytest.approx(dark[::2], abs=1e-5)
    assert turns[1::2] == pytest.approx(light[1::2], abs=1e-5)


def test_comparisons_play_what_sample_plays(trainer: Trainer, plan: Plan) -> None:
    player = Player(trainer.average, (1, 8, 8), range(4))
    sampled = player.play_plan(plan)
    found = player.play_table(SigmaTable(plan.table.sigmas), "dpmpp-2m")
    np.testing.assert_allclose(found, np.stack(list(sampled)), atol=1e-5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images of two classes and a model trained on them."""
    folder = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(4)
    for label, level in zip(NAMES, (64, 192), strict=True):
        (folder / "images" / label).mkdir(parents=True)
        for n in range(6):
            noisy = (level + 20 * rng.standard_normal((8, 8, 3))).clip(0, 255)
            image = Image.fromarray(noisy.astype(np.uint8))
            image.save(folder / "images" / label / f"{n}.png")
    train = ("train", "images", "--steps", 2, "--batch", 4, "--precision", "float32")
    specsched(*train, "-o", "plain.safetensors", cwd=folder)
    specsched(
        *(*train, "--classes", "--init", "plain.safetensors", "-o", "told.safetensors"),
        cwd=folder,
    )
    specsched("export", "--spectrum", "told.safetensors", "--steps", 3, cwd=folder)
    return folder


def test_a_model_that_knew_no_class_goes_on_with_them(folder: Path) -> None:
    network, header = read_model(folder / "told.safetensors")
    assert header.config.class_names == network.class_names == NAMES
    plain, _ = read_model(folder / "plain.safetensors")
    assert plain.class_names == ()
    assert network.state_dict().keys() > plain.state_dict().keys()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("train", "images/dark", "--classes"), 3, "--classes needs a folder for each"),
        (
            ("train", "images", "--init", "told.safetensors"),
            *(3, "knows the classes dark, light; continue with images in folders"),
        ),
        (
            ("sample", "--model", "told.safetensors", "--class-label", "lihgt"),
            *(2, "there is no class 'lihgt'; did you mean --class-label light?"),
        ),
        (
            ("sample", "--model", "told.safetensors", "--class-label", "3"),
            *(2, "there is no class 3; choose --class-label 0 to 2"),
        ),
        (
            ("sample", "--model", "plain.safetensors", "--guidance", "2"),
            *(2, "the model has no classes; leave out --class-label and --guidance"),
        ),
    ],
)
def test_mistakes_end_in_one_sentence(
    folder: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in sentence(*arguments, cwd=folder, code=code)


def test_names_and_numbers_are_the_same_classes(folder: Path) -> None:
    def drawn(**flags: str | int | float) -> np.ndarray:
        return spectral_sched.sample(
            *(folder / "tight.json", [5]),
            model=str(folder / "told.safetensors"),
            **flags,  # type: ignore[arg-type]
        )

    by_name = drawn(class_label="light", guidance=1.5)
    np.testing.assert_array_equal(by_name, drawn(class_label=1, guidance=1.5))
    np.testing.assert_array_equal(drawn(), drawn(class_label="light"))


@pytest.mark.parametrize(
    ("names", "wrong"),
    [(["a", 1], "are no names"), ("ab", "cannot be 'ab'"), ([], "cannot be used")],
)
def test_damaged_names_are_refused(names: object, wrong: str) -> None:
    document = {"image_channels": 1, "widths": [16], "num_blocks": 1, "patch": 1}
    whole = document | {"sigma_data": 0.5, "class_names": names}
    with pytest.raises(InputError, match=wrong):
        read_network_config(Fields(whole, Path("model.safetensors"), "make one"))


def test_a_class_of_a_plain_network_is_refused() -> None:
    plain = untrained(replace(CONFIG, class_names=None))
    with pytest.raises(UsageError, match="no classes; leave out --class-label"):
        guide(plain, Guidance(0), [0])


def test_copies_in_two_classes_have_the_same_order_in_any_container() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.uniform(-1, 1, (4, 8, 8, 1))
    listed = [Item("x", label, pixels[0]) for label in ("light", "dark", "light")]
    other = [Item("y", "dark", array) for array in pixels]
    settings = Preprocessing(data_range=(-1.0, 1.0))
    there = picture_set([*listed, *other], settings)
    back = picture_set([*other, *listed[::-1]], settings)
    np.testing.assert_array_equal(there.labels, back.labels)
    assert there.labels_key == back.labels_key


def test_folders_of_the_sample_images_are_classes() -> None:
    found = picture_set(items("sample_images"), Preprocessing(resolution=8))
    assert found.class_names == ("color_fields", "dead_leaves", "landscapes", "shapes")
    assert np.bincount(found.labels).tolist() == [48, 48, 48, 48]
