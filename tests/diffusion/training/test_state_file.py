"""States of training runs in files: whole, of earlier builds, and damaged."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save, save_file

from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.learned_law import LearnedNoise
from spectral_sched.diffusion.training.pictures import PictureSet, picture_set
from spectral_sched.diffusion.training.state_file import (
    load_state,
    save_state,
    saved_length,
)
from spectral_sched.diffusion.training.trainer import (
    Trainer,
    TrainingSettings,
    fresh_network,
)
from spectral_sched.documents.strict_json import canonical
from spectral_sched.documents.tensor_file import METADATA_KEY, sealed
from spectral_sched.documents.write import write_atomically
from spectral_sched.errors import InputError
from spectral_sched.files.network_config import NetworkConfig
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.sources import items
from tests.support.helpers import write_pictures

RUN = {"law": "learned", "num_steps": 8, "minutes": None}
STEPS = 3
REMEDY = "start again with --force, without --resume"

Facts = dict[str, Any]
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PictureSet:
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder, 4, (16, 16))
    return picture_set(items(folder), Preprocessing())


def begun(pictures: PictureSet) -> Trainer:
    config = NetworkConfig(3, (16,), 1, 0.5)
    settings = TrainingSettings(8, batch=2, precision="float32")
    place = Processes(torch.device("cpu"))
    network = fresh_network(config, 0)
    return Trainer(pictures, LearnedNoise((0.01, 50.0)), network, settings, place)


@pytest.fixture(scope="module")
def whole(pictures: PictureSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    trainer = begun(pictures)
    for _ in range(STEPS):
        trainer.advance()
    path = tmp_path_factory.mktemp("whole") / "m.resume.safetensors"
    save_state(path, trainer, RUN)
    return path


def facts_of(path: Path) -> Facts:
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    facts: Facts = json.loads(
        json.loads(content[8 : 8 + size])["__metadata__"][METADATA_KEY]
    )
    return facts


def test_a_state_of_an_earlier_build_is_taken_up(
    pictures: PictureSet, whole: Path, tmp_path: Path
) -> None:
    told = ("run", "step", "losses", "recent")
    facts = {key: value for key, value in facts_of(whole).items() if key in told}
    old = tmp_path / "old.resume.safetensors"
    save_file(load_file(whole), old, {METADATA_KEY: canonical(facts)})
    one, other = begun(pictures), begun(pictures)
    load_state(old, one, RUN)
    load_state(whole, other, RUN)
    assert saved_length(old) == (8, None)
    assert one.step == other.step == STEPS
    one.advance()
    other.advance()
    assert one.losses == other.losses
    for mine, theirs in zip(
        one.network.parameters(), other.network.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_losses_are_where_those_to_come_will_be(
    pictures: PictureSet, tmp_path: Path
) -> None:
    """Their mean is taken of all at once."""
    one, other, path = begun(pictures), begun(pictures), tmp_path / "m.safetensors"
    for trainer in (one, other):
        trainer.settings = replace(trainer.settings, num_steps=10_000)
    one.advance()
    save_state(path, one, RUN)
    other.processes = Processes(torch.device("meta"))
    load_state(path, other, RUN)
    assert [loss.device.type for loss in other.recent] == ["meta"]


def test_flipped_bytes_are_noticed(
    pictures: PictureSet, whole: Path, tmp_path: Path
) -> None:
    content, path = whole.read_bytes(), tmp_path / "flipped.safetensors"
    trainer = begun(pictures)
    for place in range(len(content) - 1, 0, -len(content) // 150):
        changed = bytearray(content)
        changed[place] ^= 4
        path.write_bytes(changed)
        with pytest.raises(InputError, match=rf"flipped\.safetensors .*{REMEDY}$"):
            load_state(path, trainer, RUN)
    assert trainer.step == 0


def changed_facts(key: str, value: object) -> Callable[[Facts, Tensors], None]:
    return lambda facts, _: facts.update({key: value})


def without(name: str) -> Callable[[Facts, Tensors], None]:
    def change(facts: Facts, tensors: Tensors) -> None:
        (facts if name in facts else tensors).pop(name)

    return change


def changed_tensor(
    name: str, value: Callable[[torch.Tensor], torch.Tensor]
) -> Callable[[Facts, Tensors], None]:
    return lambda _, tensors: tensors.update({name: value(tensors[name])})


WEIGHT = "network.network.conv_in.weight"
SQUARES = "second_moment.network.conv_in.weight"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (changed_facts("step", 4), "'recent' are not the losses since the last"),
        (changed_facts("step", 0), "'step' cannot be 0"),
        (changed_facts("step", 1.5), "'step' cannot be 1.5"),
        (changed_facts("losses", [[3, 1, 1]]), r"'losses\[0\]' has the wrong shape"),
        (changed_facts("losses", [[2, 1.0], [1, 1.0]]), "'losses' are not of steps"),
        (changed_facts("run", []), r"'run' cannot be \[\]"),
        (changed_facts("run", {}), "'run.num_steps' is missing"),
        (changed_facts("seconds", -1), "'seconds' cannot be -1"),
        (changed_facts("format", "specsched.model"), "but holds a model"),
        (without("recent"), "'recent' is missing"),
        (without(WEIGHT), f"it lacks {WEIGHT}"),
        (without("count.steps"), "it lacks count.steps"),
        (changed_tensor(WEIGHT, lambda it: it[:1].clone()), r"is of the shape \(1, 3,"),
        (changed_tensor(WEIGHT, lambda it: it.half()), "float16 in place of float32"),
        (changed_tensor(WEIGHT, lambda it: it / 0), f"not finite, in {WEIGHT}"),
        (changed_tensor(SQUARES, lambda it: it - 1), "holds squares below 0"),
        (changed_tensor("count.steps", lambda it: it + 1), "is not step 3"),
        (
            lambda _, tensors: tensors.update(x=torch.ones(1)),
            "it has 'x'",
        ),
    ],
)
def test_states_that_cannot_be_are_refused(
    pictures: PictureSet,
    whole: Path,
    tmp_path: Path,
    change: Callable[[Facts, Tensors], None],
    told: str,
) -> None:
    facts, tensors = facts_of(whole), load_file(whole)
    change(facts, tensors)
    path, trainer = tmp_path / "bad.safetensors", begun(pictures)
    write_atomically(path, *sealed(save(tensors), facts))
    with pytest.raises(InputError, match=rf"bad\.safetensors .*{told}.*; {REMEDY}$"):
        load_state(path, trainer, RUN)
    assert trainer.step == 0


def test_files_of_others_are_told_apart(pictures: PictureSet, tmp_path: Path) -> None:
    path = tmp_path / "other.resume.safetensors"
    save_file({"x": torch.ones(1)}, path)
    with pytest.raises(InputError, match="is not a specsched training-state file; sta"):
        load_state(path, begun(pictures), RUN)
    save_file({"x": torch.ones(1)}, path, {METADATA_KEY: "{"})
    with pytest.raises(InputError, match=r"the header of .* is damaged"):
        saved_length(path)
