"""The state of a training run in a file beside the model, to go on after a stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from spectral_sched.documents.strict_json import canonical
from spectral_sched.documents.write import write_atomically
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.model import METADATA_KEY

from .learned_law import LearnedNoise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from .trainer import Trainer


def resume_path(output: Path) -> Path:
    """Return where the state of a run towards a model is kept."""
    return output.with_name(f"{output.stem}.resume.safetensors")


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
    if not path.is_file():
        message = f"there is no {path} to go on from; leave out --resume"
        raise UsageError(message)
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        message = f"{path} is damaged ({error}); start anew without --resume"
        raise InputError(message) from error
    _check_same(path, facts.get("run"), json.loads(canonical(dict(run))))
    _restore(trainer, tensors)
    trainer.step = int(facts["step"])
    trainer.losses = [(int(step), float(loss)) for step, loss in facts["losses"]]
    trainer.recent = [torch.tensor(loss) for loss in facts["recent"]]


def _check_same(path: Path, before: object, now: dict[str, object]) -> None:
    known, now = _said(before if isinstance(before, dict) else {}), _said(now)
    if known == now:
        return
    changed = sorted(key for key in now if known.get(key) != now[key])
    message = (
        f"{path} is of another run (other {', '.join(changed) or 'settings'}); "
        "repeat its flags, or start anew without --resume"
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
