"""What the host asks of a device, it does not wait for.

The device is torch's ``meta``, whose tensors have no numbers: whoever reads one fails.
What goes to it has to go by `to_device`, which does not wait on CUDA.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from spectral_sched.diffusion.devices import to_device
from spectral_sched.diffusion.models.diffusers_unet import UNetDenoiser
from spectral_sched.diffusion.models.guidance import Guidance
from spectral_sched.diffusion.models.preconditioning import flow
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.models.wrap import Classes, wrap
from spectral_sched.diffusion.philox import HOST, Draw
from spectral_sched.diffusion.precision import Precision
from spectral_sched.diffusion.sampling import player
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training import trainer as training
from spectral_sched.diffusion.training.noise import training_noise
from spectral_sched.diffusion.training.pictures import PictureSet, picture_set
from spectral_sched.diffusion.training.trainer import (
    Trainer,
    TrainingSettings,
    fresh_network,
)
from spectral_sched.files.degradation import parse_degradation
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.files.network_config import network_config
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.sources import Item
from spectral_sched.synthetic import SAMPLE_KINDS, picture

DEVICE = torch.device("meta")


class Unasked(TorchFunctionMode):
    """Refuses what brings numbers to the device and is not `to_device`."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        inputs: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, and look where its tensors are."""
        del types
        answer = function(*inputs, **(options or {}))
        if brings(function, inputs, answer) and not within(to_device):
            name = getattr(function, "__name__", function)
            pytest.fail(f"the host waits for {name} of {inputs}")
        return answer


def brings(function: object, inputs: Sequence[Any], answer: object) -> bool:
    """Return whether a call brought numbers of the host to the device."""
    if not (isinstance(answer, torch.Tensor) and answer.device == DEVICE):
        return False
    name = getattr(function, "__name__", "")
    given = [each for each in inputs if isinstance(each, torch.Tensor)]
    if name in {"tensor", "as_tensor", "new_tensor", "from_numpy"}:
        return not (name == "as_tensor" and given)
    moved = name in {"to", "copy_", "__getitem__", "index_select"}
    return moved and any(each.device == HOST and each.ndim for each in given)


def within(function: Callable[..., Any]) -> bool:
    """Return whether a function is among those that called this one."""
    return any(frame.frame.f_code is function.__code__ for frame in inspect.stack(0))


@pytest.fixture(autouse=True)
def without_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let noise be drawn where it goes, as on CUDA; tests of philox see to that."""
    monkeypatch.setattr(Precision, "autocast", lambda *_: nullcontext())
    monkeypatch.setattr(
        Draw,
        "normals",
        lambda draw, shape, device=HOST: torch.empty(
            len(draw.seeds), *shape, device=device
        ),
    )


def test_what_waits_is_found() -> None:
    values, found = np.ones(3), torch.empty(3, device=DEVICE)
    for work in (
        lambda: torch.tensor([1.0], device=DEVICE),
        lambda: found.new_tensor([1.0]),
        lambda: torch.from_numpy(values).to(DEVICE),
        lambda: found[torch.tensor([0, 1])],
        lambda: float(found[0]),
    ):
        with pytest.raises((pytest.fail.Exception, RuntimeError)), Unasked():
            work()
    with Unasked():
        to_device(torch.ones(3), DEVICE) + torch.full((3,), 2.0, device=DEVICE)


def bundled_plan(start: str = "spectral") -> Plan:
    data_set = read_model_header(BUNDLED).data_set
    request = TableRequest(num_steps=3, start=start)  # type: ignore[arg-type]
    return make_plan(data_set, "karras", request)


def played(
    monkeypatch: pytest.MonkeyPatch, denoise: Any, plan: Plan, **options: Any
) -> Iterator[torch.Tensor]:
    """Play a plan in two batches, and return what was on its way."""
    left = list[torch.Tensor]()

    def keep(
        play: Callable[..., torch.Tensor], places: Sequence[int], *_: object
    ) -> Iterator[torch.Tensor]:
        for batch in (places[:2], places[2:]):
            left.append(play(batch, lambda _: None))
            yield torch.zeros(len(batch), *plan.power.field.shape[1:], 3)

    class Departed:
        """What leaves without being waited for; of this device it has no values."""

        def __init__(self, values: torch.Tensor) -> None:
            self.count = len(values)

        def arrived(self) -> torch.Tensor:
            return torch.ones(self.count, dtype=torch.bool)

    monkeypatch.setattr(player, "in_batches", keep)
    monkeypatch.setattr(player, "Departure", Departed)
    shape = plan.power.field.shape
    image_plan = options.pop("image_plan", None)
    playing = Player(denoise, shape, range(3), DEVICE, **options)
    with Unasked():
        list(playing.play_levels(plan, image_plan))
    assert [tuple(each.shape) for each in left] == [
        (2, *shape[1:], 3),
        (1, *shape[1:], 3),
    ]
    assert all(each.device == DEVICE and each.dtype == torch.uint8 for each in left)
    return iter(left)


@pytest.mark.parametrize("start", ["zero", "mean", "spectral"])
@pytest.mark.parametrize("own", [False, True])
def test_sampling_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch, start: str, own: bool
) -> None:
    """Guided, with one plan for all or one for each."""
    network, plan = read_model(BUNDLED)[0].to(DEVICE), bundled_plan(start)
    guidance = Guidance(weight=2.0)
    image_plan = (lambda _: plan) if own else None
    played(monkeypatch, network, plan, guidance=guidance, image_plan=image_plan)


def test_wrapped_networks_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = bundled_plan()
    denoise = wrap(
        lambda x, time, class_labels: x * time.reshape(-1, 1, 1, 1) + class_labels[0],
        pixels=((0.0, 0.1, 0.2), (1.0, 1.1, 1.2)),
        classes=Classes(4, 3),
    )
    guidance = Guidance(class_label=1, weight=2.0)
    played(monkeypatch, denoise, plan, guidance=guidance)


def test_networks_of_diffusers_wait_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("diffusers")
    from diffusers import UNet2DModel

    plan = bundled_plan()
    unet = UNet2DModel(
        sample_size=plan.power.field.shape[1],
        block_out_channels=(32, 32),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        num_class_embeds=3,
    )
    denoise = UNetDenoiser(unet.to(DEVICE), flow(1000), plan.power.field.shape)
    guidance = Guidance(class_label=1, null_label=2, weight=2.0)
    played(monkeypatch, denoise, plan, guidance=guidance)


def some_pictures(*, bands: bool) -> PictureSet:
    kinds = [picture(kind, (0, n), 16) for n, kind in enumerate(SAMPLE_KINDS[:4])]
    listed = [Item(str(n), str(n % 2), each) for n, each in enumerate(kinds)]
    found = picture_set(listed, Preprocessing())
    if bands:
        object.__setattr__(found, "low", np.zeros(3))
        object.__setattr__(found, "high", np.array([255.0, 200.0, 255.0]))
    return found


@pytest.mark.parametrize("restore", [None, "noise=0.2"])
@pytest.mark.parametrize("bands", [False, True])
def test_training_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch, restore: str | None, bands: bool
) -> None:
    """Nor does it for losses: they are read when they are there."""

    class Leaving:
        def __init__(self, values: torch.Tensor) -> None:
            assert values.device == DEVICE

        def arrived(self) -> torch.Tensor:
            return torch.ones(())

    monkeypatch.setattr(training, "Departure", Leaving)
    found = some_pictures(bands=bands)
    field = found.measured.spectrum.field
    told = None if restore is None else parse_degradation(restore)
    config = network_config("tiny", field.shape, 0.5, (0.01, 50.0), told, ("a", "b"))
    settings = {"mean": -0.5, "std": 1.6}
    data_set = measured_data_set(found.measured)
    noise = training_noise("lognormal", settings, data_set, found.powers)
    place = Processes(DEVICE)
    asked = TrainingSettings(4, batch=2, precision="float32")
    trainer = Trainer(found, noise, fresh_network(config, 0), asked, place)
    trainer.placed.values = trainer.placed.place(found.values)
    with Unasked():
        for _ in range(3):
            trainer.advance()
    assert trainer.losses == [(step, 1.0) for step in (1, 2, 3)]
