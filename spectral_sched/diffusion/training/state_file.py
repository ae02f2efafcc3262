"""The state of a training run in a file beside the model, to go on after a stop."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from spectral_sched.defaults import NUM_TRAINED
from spectral_sched.documents.strict_json import canonical
from spectral_sched.documents.write import write_atomically
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.model import METADATA_KEY, resume_path

from .learned_law import LearnedNoise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from .trainer import Trainer


LENGTHS = ("num_steps", "minutes")
"""What a run that goes on may have been given anew."""


def save_state(path: Path, trainer: Trainer, run: Mapping[str, object]) -> None:
    """Write the state of a run atomically.

    Parameters
    ----------
    run
        What the run is, with all that its result depends on.
    """
    tensors = {
        f"{part}.{name}": tensor.detach().cpu().contiguous().clone()
        for part, values in _state(trainer).items()
        for name, tensor in values.items()
    }
    facts = {
        "run": dict(run),
        "step": trainer.step,
        "seconds": trainer.seconds,
        "losses": trainer.losses,
        "recent": [float(loss) for loss in trainer.recent],
    }
    write_atomically(path, save(tensors, {METADATA_KEY: canonical(facts)}))


def load_state(path: Path, trainer: Trainer, run: Mapping[str, object]) -> None:
    """Put a run where its file left it.

    Raises
    ------
    UsageError
        If there is no such file, or it is of a run with other settings or pictures.
    InputError
        If the file is damaged.
    """
    with _opened(path) as file:
        facts = json.loads(file.metadata()[METADATA_KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    _check_same(path, facts.get("run"), json.loads(canonical(dict(run))))
    _restore(trainer, tensors)
    trainer.step = int(facts["step"])
    trainer.seconds = float(facts.get("seconds", 0.0))
    trainer.losses = [(int(step), float(loss)) for step, loss in facts["losses"]]
    trainer.recent = [torch.tensor(loss) for loss in facts["recent"]]


def saved_length(path: Path) -> tuple[int, float | None]:
    """Return the steps, and the minutes if any, that a run was to be trained for.

    Raises
    ------
    UsageError
        If there is no such file.
    InputError
        If it is damaged.
    """
    with _opened(path) as file:
        run = json.loads(file.metadata()[METADATA_KEY])["run"]
    return int(run["num_steps"]), run.get("minutes")


def length_of_run(
    output: Path, steps: int | None, minutes: float | None, *, resume: bool
) -> tuple[int, float | None]:
    """Return how long a run is: as asked, else as before if it goes on, else as usual.

    Parameters
    ----------
    output
        The model's file, beside which the state of a run that goes on is kept.
    """
    if resume and (steps, minutes) == (None, None):
        return saved_length(resume_path(output))
    return NUM_TRAINED if steps is None else steps, minutes


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open the state of a run."""
    if not path.is_file():
        message = f"there is no {path} to go on from; leave out --resume"
        raise UsageError(message)
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (SafetensorError, LookupError, TypeError, ValueError) as error:
        message = (
            f"{path} is damaged ({error}); start anew with --force, without --resume"
        )
        raise InputError(message) from error


def _check_same(path: Path, before: object, now: dict[str, object]) -> None:
    known, now = _said(before if isinstance(before, dict) else {}), _said(now)
    for name in LENGTHS:
        known.pop(name, None), now.pop(name, None)
    if known == now:
        return
    changed = sorted(key for key in now if known.get(key) != now[key])
    message = (
        f"{path} is of another run (other {', '.join(changed) or 'settings'}); "
        "repeat its flags, or start anew with --force, without --resume"
    )
    raise UsageError(message)


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    """Return facts without what is None, as files of before there was such a fact."""
    return {
        key: _said(value) if isinstance(value, dict) else value
        for key, value in facts.items()
        if value is not None
    }


def _state(trainer: Trainer) -> dict[str, dict[str, Tensor]]:
    """Return every tensor that the next step depends on, by part and name."""
    named = list(trainer.network.named_parameters())
    moments, noise = trainer.optimizer.state, trainer.noise
    return {
        "network": trainer.network.state_dict(),
        "average": trainer.average.state_dict(),
        "first_moment": {name: moments[weight]["exp_avg"] for name, weight in named},
        "second_moment": {
            name: moments[weight]["exp_avg_sq"] for name, weight in named
        },
        "noise": noise.state() if isinstance(noise, LearnedNoise) else {},
        "count": {"steps": torch.tensor(float(trainer.step))},
    }


def _restore(trainer: Trainer, tensors: Mapping[str, Tensor]) -> None:
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    trainer.network.load_state_dict(parts["network"])
    trainer.average.load_state_dict(parts["average"])
    if isinstance(trainer.noise, LearnedNoise):
        trainer.noise.restore(parts["noise"])
    for name, weight in trainer.network.named_parameters():
        trainer.optimizer.state[weight] = {
            "step": parts["count"]["steps"].clone(),
            "exp_avg": parts["first_moment"][name].to(weight.device),
            "exp_avg_sq": parts["second_moment"][name].to(weight.device),
        }
