"""Training: exact resuming, shared batches, laws, the average, and what it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.replay import Replayed
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.draws import StepDraws
from spectral_sched.diffusion.training.noise import own_ranges, training_noise
from spectral_sched.diffusion.training.pictures import (
    PictureSet,
    PlacedPictures,
    picture_set,
)
from spectral_sched.diffusion.training.run import (
    TrainingOptions,
    TrainingRun,
    training_options,
)
from spectral_sched.diffusion.training.state_file import load_state, save_state
from spectral_sched.diffusion.training.trainer import (
    AVERAGE_EXPONENT,
    Batch,
    Trainer,
    TrainingSettings,
    fresh_network,
    held_out_loss,
    set_rate,
    update_average,
)
from spectral_sched.errors import InputError, NoAnswerError, UsageError
from spectral_sched.files.network_config import NetworkConfig, network_config
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.sources import Item, items
from tests.support.helpers import power_law_field, write_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spectral_sched.diffusion.models.denoiser import Denoiser

CPU = Processes(torch.device("cpu"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PictureSet:
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder, 12, (16, 16))
    return picture_set(items(folder), Preprocessing())


def options(
    law: str = "lognormal",
    steps: int = 6,
    *,
    film: bool = False,
    restore: str | None = None,
) -> TrainingOptions:
    settings = TrainingSettings(steps, batch=4, rate=0.01, precision="float32")
    return training_options(
        settings, "tiny", law, film=film, restore=restore, minutes_between_saves=60
    )


def run(
    pictures: PictureSet, chosen: TrainingOptions, path: Path, *, resume: bool = False
) -> TrainingRun:
    return TrainingRun(pictures, chosen, path, CPU, resume=resume)


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: w.clone() for name, w in trainer.average.state_dict().items()}


def test_pictures_are_the_same_in_any_order(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 5, (8, 8))
    listed = [Item(path.name, "", path) for path in paths]
    first = picture_set(listed, Preprocessing())
    second = picture_set(listed[::-1], Preprocessing())
    np.testing.assert_array_equal(first.values, second.values)
    batch = first.batch(np.array([2, 2, 0]))
    assert batch.shape == (3, 3, 8, 8)
    stored = first.values[[2, 2, 0]] / 127.5 - 1
    np.testing.assert_allclose(batch.numpy(), stored, atol=1e-6)


def test_pictures_of_mixed_shapes_are_refused_with_a_cure() -> None:
    listed = [
        Item(f"{width}.png", "", np.zeros((8, width), np.uint8)) for width in (8, 9)
    ]
    with pytest.raises(InputError, match="with --resolution, as for training"):
        picture_set(listed, Preprocessing())
    with pytest.raises(InputError, match="with --crop center, as for training"):
        picture_set(listed, Preprocessing(resolution=8, crop="none"))


def test_pictures_of_floats_keep_their_stated_range() -> None:
    rng = np.random.default_rng(0)
    stack = [power_law_field((3, 8, 8), 2, rng).transpose(1, 2, 0) for _ in range(3)]
    listed = [Item(str(n), "", array) for n, array in enumerate(stack)]
    found = picture_set(listed, Preprocessing(data_range=(-2.0, 2.0)))
    values = sorted(float(picture.flat[0]) for picture in found.values)
    np.testing.assert_allclose(
        sorted(found.batch(np.arange(3))[:, 0, 0, 0].tolist()),
        np.array(values) / 2,
        rtol=1e-5,
    )
    assert found.measured.preprocessing.data_range == (-2.0, 2.0)


def test_no_readable_picture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"no image could be read .*a\.png"):
        picture_set(items(tmp_path), Preprocessing())


@pytest.mark.parametrize(
    ("law", "film", "restore"),
    [
        ("lognormal", False, None),
        ("polynomial", False, None),
        ("spectral", True, None),
        ("learned", False, None),
        ("learned", False, "noise=0.3"),
    ],
)
def test_resumed_run_is_the_run_that_never_stopped(
    pictures: PictureSet, tmp_path: Path, law: str, film: bool, restore: str | None
) -> None:
    chosen = options(law, film=film, restore=restore)
    whole = run(pictures, chosen, tmp_path / "whole.safetensors")
    whole()
    part = run(pictures, chosen, tmp_path / "part.safetensors")
    for _ in range(3):
        part.trainer.advance()
    part.save()
    rest = run(pictures, chosen, tmp_path / "part.safetensors", resume=True)
    assert rest.trainer.step == 3
    rest()
    assert rest.trainer.losses == whole.trainer.losses
    for name, weight in weights(whole.trainer).items():
        torch.testing.assert_close(weights(rest.trainer)[name], weight, rtol=0, atol=0)
    assert sorted(path.name for path in tmp_path.glob("part*")) == [
        "part.png",
        "part.resume.safetensors",
        "part.safetensors",
    ]


def test_resuming_another_run_is_refused(pictures: PictureSet, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    first = run(pictures, options(), path)
    first.trainer.advance()
    first.save()
    with pytest.raises(UsageError, match=r"is of another run \(other law\)"):
        run(pictures, options("laplace"), path, resume=True)
    with pytest.raises(UsageError, match="to continue from; leave out --resume"):
        run(pictures, options(), tmp_path / "other.safetensors", resume=True)
    (tmp_path / "model.resume.safetensors").write_bytes(b"cut short")
    with pytest.raises(InputError, match="is not a whole safetensors file"):
        run(pictures, options(), path, resume=True)


def test_processes_share_a_batch_between_them(pictures: PictureSet) -> None:
    def drawn(rank: int, count: int) -> Trainer:
        place = Processes(torch.device("cpu"), rank, count)
        chosen = options("spectral")
        trainer = Trainer.__new__(Trainer)
        whole = run_trainer(pictures, chosen)
        trainer.__dict__ = whole.__dict__ | {"processes": place}
        return trainer

    alone, first, second = (drawn(*place).draw() for place in [(0, 1), (0, 2), (1, 2)])
    torch.testing.assert_close(alone.clean[0::2], first.clean, rtol=0, atol=0)
    torch.testing.assert_close(alone.noise[1::2], second.noise, rtol=0, atol=0)
    torch.testing.assert_close(alone.sigma[1::2], second.sigma, rtol=0, atol=0)
    assert len(set(alone.sigma.tolist())) == 4


def run_trainer(pictures: PictureSet, chosen: TrainingOptions) -> Trainer:
    from pathlib import Path

    return run(pictures, chosen, Path("unused.safetensors")).trainer


def test_average_is_the_power_function_average() -> None:
    """Weights of step s count as the difference of s ** (exponent + 1)."""
    config = NetworkConfig(1, (16,), 1, 0.5)
    average, network = NetworkDenoiser(config), NetworkDenoiser(config)
    values, expected = [3.0, -1.0, 2.0, 5.0], 0.0
    for step, value in enumerate(values, 1):
        torch.nn.init.constant_(network.network.conv_in.bias, value)  # type: ignore[arg-type]
        update_average(average, network, step)
        power = AVERAGE_EXPONENT + 1
        share = (step**power - (step - 1) ** power) / 4**power
        expected += value * share
    found = average.network.conv_in.bias
    assert found is not None
    assert found[0].item() == pytest.approx(expected, rel=1e-5)


def test_training_approaches_the_exact_denoiser_of_a_gaussian_field() -> None:
    """On Gaussian images the best denoiser is known: the error comes close to it."""
    rng = np.random.default_rng(0)
    stack = [
        power_law_field((1, 8, 8), 4.0, rng).transpose(1, 2, 0) for _ in range(512)
    ]
    listed = [Item(str(n), "", array) for n, array in enumerate(stack)]
    found = picture_set(listed, Preprocessing(data_range=(-4.0, 4.0)))
    field = found.measured.spectrum.field
    noise = training_noise(
        "lognormal", {"mean": 0.0, "std": 0.3}, measured_data_set(found.measured), list
    )
    settings = TrainingSettings(120, batch=32, rate=1e-2, precision="float32")
    config = NetworkConfig(1, (16, 32), 1, field.sigma_data)
    trainer = Trainer(found, noise, fresh_network(config, 0), settings, CPU)
    clean = found.batch(np.arange(256))
    seeded = torch.Generator().manual_seed(1)
    noised = clean + torch.randn(clean.shape, generator=seeded)

    def error(denoise: Denoiser) -> float:
        with torch.inference_mode():
            return float((denoise(noised, 1.0) - clean).square().mean())

    untrained = error(trainer.network)
    for _ in range(120):
        trainer.advance()
    exact = error(WienerDenoiser(field, torch.device("cpu"), torch.float32))
    assert exact < 0.75 * untrained
    assert error(trainer.average) < 1.2 * exact


def test_network_that_is_told_the_ends_listens(pictures: PictureSet) -> None:
    config = network_config("tiny", (3, 16, 16), 0.5, (0.01, 10.0))
    torch.manual_seed(0)
    network = NetworkDenoiser(config)
    network.requires_grad_(requires_grad=False)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    x = pictures.batch(np.arange(3))
    plain = network(x, 0.5)
    torch.testing.assert_close(network.between(0.01, 10.0)(x, 0.5), plain)
    other = network.between(torch.full((3,), 0.05), torch.full((3,), 20.0))(x, 0.5)
    assert float((other - plain).abs().max()) > 1e-3


@pytest.mark.parametrize("law", ["lognormal", "spectral", "learned"])
def test_the_range_told_is_the_images_own_with_any_law(
    pictures: PictureSet, law: str
) -> None:
    bounds, shape = pictures.measured.bounds, (3, 16, 16)
    own = own_ranges(pictures.powers(), shape, (bounds.sigma_min, bounds.sigma_max))
    assert len(np.unique(own[:, 1])) > len(pictures) / 2
    trainer = run_trainer(pictures, options(law, film=True))
    chosen = StepDraws(0, 0, 4, CPU.share(4)).chosen(len(pictures))
    told = trainer.draw().ends
    assert told is not None
    np.testing.assert_allclose(told.numpy(), own[chosen], rtol=1e-6)
    usual = trainer.network.config.ends
    assert usual == pytest.approx(np.exp(np.log(own).mean(axis=0)), rel=1e-6)
    assert run_trainer(pictures, options(law)).draw().ends is None


def test_a_network_that_was_told_ranges_is_told_them_again(
    pictures: PictureSet, tmp_path: Path
) -> None:
    path = tmp_path / "first.safetensors"
    first = run(pictures, options("spectral", 1, film=True), path)
    first()
    again = replace(options(), init=path)
    told = run(pictures, again, tmp_path / "next.safetensors").trainer
    assert told.draw().ends is not None
    np.testing.assert_array_equal(told.ranges, first.ranges)


def test_fresh_network_does_not_heed_the_ends_and_is_the_one_without() -> None:
    told, untold = (
        fresh_network(network_config("tiny", (3, 16, 16), 0.5, ends), seed=3)
        for ends in ((0.01, 10.0), None)
    )
    shared = dict(told.named_parameters())
    for name, weight in untold.named_parameters():
        torch.testing.assert_close(shared.pop(name), weight, rtol=0, atol=0)
    assert {name.split(".")[1] for name in shared} == {"embed_ends"}
    for weight in told.network.conv_out.parameters():
        torch.nn.init.normal_(weight)
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    plain = told(x, 0.5)
    assert float(plain.detach().abs().max()) > 1e-2
    torch.testing.assert_close(told.between(0.05, 20.0)(x, 0.5), plain, rtol=0, atol=0)


def test_a_batch_that_does_not_fit_says_so_and_keeps_what_was_saved(
    pictures: PictureSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    full = run(pictures, options(), path)
    draw = Trainer.draw

    def draw_until_full(trainer: Trainer) -> Batch:
        if trainer.step == 2:
            raise torch.OutOfMemoryError
        return draw(trainer)

    monkeypatch.setattr(Trainer, "draw", draw_until_full)
    with pytest.raises(NoAnswerError, match=r"4 images .* lower --batch$"):
        full()
    full.save()
    with pytest.raises(NoAnswerError, match=r"--batch; .* stays, for --resume with th"):
        full()
    monkeypatch.undo()
    assert run(pictures, options(), path, resume=True).trainer.step == 2


def test_held_out_loss_weighs_levels_alike_in_log_snr() -> None:
    clean, told = torch.full((2, 3, 8, 8), 0.2), []

    def denoise(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        told.append(float(sigma))
        return torch.full_like(x, 0.7)

    loss = held_out_loss(denoise, clean, 0.5, (0.1, 10.0))
    steps = np.diff(np.log(told))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    assert (told[0], told[-1]) == pytest.approx((0.1, 10.0))
    weights = [1 / sigma**2 + 1 / 0.25 for sigma in told]
    assert loss == pytest.approx(0.25 * np.mean(weights), rel=1e-5)


def test_diverging_training_says_so(pictures: PictureSet, tmp_path: Path) -> None:
    bad = run(pictures, options(), tmp_path / "model.safetensors")
    bad.trainer.losses.append((1, float("nan")))
    with pytest.raises(NoAnswerError, match="lower --rate"):
        bad.save()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("told", "precision"),
    [({}, "float32"), ({"avx512_bf16": True}, "bf16"), ({"avx2": True}, "float32")],
)
def test_automatic_precision_is_what_the_processor_has_instructions_for(
    told: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    on_cpu = TrainingSettings(5).on(torch.device("cpu"))
    assert on_cpu.precision == precision
    assert TrainingSettings(5).on(torch.device("cuda")).precision == "bf16"
    asked = TrainingSettings(5, precision="bf16")
    assert asked.on(torch.device("cpu")) == asked


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_steps": 0}, "--steps and --batch"),
        ({"rate": 2.0}, "--rate must be"),
        ({"precision": "fp8"}, "there is no precision 'fp8'"),
    ],
)
def test_options_that_cannot_be_used(changes: dict[str, object], message: str) -> None:
    settings = TrainingSettings(**({"num_steps": 5} | changes))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=message):
        training_options(settings, "tiny", "lognormal")


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"multiples of 16, not 24x40.*--resolution 32"
    ):
        network_config("compact", (3, 40, 24), 0.5, None)
    with pytest.raises(UsageError, match="did you mean --size tiny"):
        network_config("tinny", (3, 40, 24), 0.5, None)


def test_state_needs_no_pickle(pictures: PictureSet, tmp_path: Path) -> None:
    trainer = run_trainer(pictures, options())
    trainer.advance()
    path = tmp_path / "state.safetensors"
    save_state(path, trainer, {"law": "x", "num_steps": 8})
    other = run_trainer(pictures, options())
    load_state(path, other, {"law": "x", "num_steps": 8})
    assert other.step == 1
    assert other.losses == trainer.losses


class Kept:
    """A recorder that keeps the work and does it again on the same fixed tensors."""

    def __init__(self) -> None:
        self.recorded, self.played = 0, 0

    def __call__(self, work: Callable[[], Any]) -> Callable[[], Any]:
        self.recorded += 1

        def play() -> Any:
            self.played += 1
            return work()

        return play


@pytest.mark.parametrize(
    ("law", "restore"), [("lognormal", None), ("spectral", None), ("learned", "box=2")]
)
def test_recorded_steps_train_the_same_network(
    pictures: PictureSet, law: str, restore: str | None
) -> None:
    """Inputs of all steps go through the same tensors, and the weights are equal."""
    kept, trainers = Kept(), list[Trainer]()
    for recorded in (False, True):
        chosen = options(law, film=law == "spectral", restore=restore)
        trainer = run_trainer(pictures, chosen)
        if recorded:
            trainer._learn = Replayed(trainer._learn_from, kept, pytest.fail)
        for _ in range(5):
            trainer.advance()
        trainers.append(trainer)
    assert (kept.recorded, kept.played) == (1, 4)
    eager, replayed = trainers
    assert replayed.losses == eager.losses
    assert len({loss for _, loss in eager.losses}) == 5
    for name, weight in weights(eager).items():
        assert torch.equal(weights(replayed)[name], weight)


def test_losses_are_read_a_part_later(pictures: PictureSet) -> None:
    """Nobody waits for the device: the newest mean is read with the next."""
    trainer = run_trainer(pictures, options())
    known = []
    for _ in range(3):
        trainer.advance()
        known.append((len(trainer._losses), trainer.last_loss))
    assert [count for count, _ in known] == [0, 1, 2]
    assert known[0][1] is None
    assert trainer.losses[:2] == [(1, known[1][1]), (2, known[2][1])]
    assert len(trainer.losses) == 3


def test_rates_are_set_in_numbers_and_in_tensors() -> None:
    weight = torch.nn.Parameter(torch.zeros(()))
    rates = (1e-3, torch.tensor(1e-3))
    for rate in rates:
        optimizer = torch.optim.Adam([weight], lr=rate, foreach=False)
        set_rate(optimizer, 0.25)
        (group,) = optimizer.param_groups
        assert float(group["lr"]) == 0.25
        # Where it is a tensor a recorded step reads it, so it is the same one.
        assert group["lr"] is rate or not isinstance(rate, torch.Tensor)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_kept_pictures_are_those_of_the_host(
    pictures: PictureSet, monkeypatch: pytest.MonkeyPatch, dtype: type
) -> None:
    """A device keeps bytes as bytes and all else as float32, if it has the room."""
    stored = replace(
        pictures, values=pictures.values.astype(dtype) * 3 // 4, high=200.0
    )
    device, free = torch.device("cuda"), 2 * stored.values.size * 4
    for name in ("PlacedPictures.place", "to_device"):
        monkeypatch.setattr(
            f"spectral_sched.diffusion.training.pictures.{name}",
            lambda *values: (
                torch.from_numpy(values[-1])
                if isinstance(values[-1], np.ndarray)
                else values[0]
            ),
        )
    for room, kept in ((free, True), (free // 8 - 1, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, room=room: (room, 0))
        placed = PlacedPictures(stored, device)
        assert (placed.values is not None) == kept
        chosen = np.array([3, 0, 3])
        assert torch.equal(placed.batch(chosen), stored.batch(chosen))
    assert PlacedPictures(stored, torch.device("cpu")).values is None
