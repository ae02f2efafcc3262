"""The state of a training run in a file beside the model, to go on after a stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from spectral_sched.defaults import NUM_TRAINED
from spectral_sched.diffusion.models.tensors import Expected, read_tensors
from spectral_sched.documents.read import Form
from spectral_sched.documents.rules import (
    each,
    members,
    nullable,
    number,
    numbers,
    positive,
    text,
    whole,
)
from spectral_sched.documents.strict_json import FORMAT_PREFIX, Document, canonical
from spectral_sched.documents.tensor_file import document_digest, read_header, sealed
from spectral_sched.documents.write import write_atomically
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.model import resume_path

from .learned_law import LearnedNoise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from spectral_sched.documents.rules import Place

    from .trainer import Trainer

VERSION = 1
REMEDY = "start again with --force, without --resume"

RULE = members(
    {
        "run": members({"num_steps": whole(1)}, {"minutes": nullable(positive)}),
        "step": whole(1),
        "losses": each(numbers(2, least=0)),
        "recent": each(number(least=0)),
    },
    {"seconds": number(least=0), "tensors": text()},
)


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` unless each step has its place in the curve of losses."""
    told = [0, *(step for step, _ in document["losses"]), document["step"]]
    if told != sorted(told) or any(step != int(step) for step in told):
        raise place.at("losses").wrong("are not of steps in order")
    if len(document["recent"]) != document["step"] - told[-2]:
        raise place.at("recent").wrong("are not the losses since the last in the curve")


FORM = Form(
    *("training-state", VERSION, REMEDY, RULE, _agrees, document_digest),
    digest_optional=True,
)

LENGTHS = ("num_steps", "minutes")
"""What a run that goes on may have been given anew."""

LATER_FACTS = ("labels",)
"""What files of earlier builds do not say of a run."""


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
        "format": FORMAT_PREFIX + FORM.kind,
        "version": VERSION,
        "run": dict(run),
        "step": trainer.step,
        "seconds": trainer.seconds,
        "losses": trainer.losses,
        "recent": [float(loss) for loss in trainer.recent],
    }
    write_atomically(path, *sealed(save(tensors), facts))


def load_state(path: Path, trainer: Trainer, run: Mapping[str, object]) -> None:
    """Put a run where its file left it.

    Raises
    ------
    UsageError
        If there is no such file, or it is of a run with other settings or images.
    InputError
        If the file is damaged.
    """
    facts = _read_facts(path)
    _check_same(path, facts["run"], json.loads(canonical(dict(run))))
    tensors = read_tensors(path, dict(_expected(trainer)), REMEDY)
    _check_moments(path, tensors, facts["step"])
    _restore(trainer, tensors)
    trainer.step = facts["step"]
    trainer.seconds = float(facts.get("seconds", 0.0))
    trainer.losses = [(int(step), float(loss)) for step, loss in facts["losses"]]
    device = trainer.processes.device
    trainer.recent = [torch.tensor(loss, device=device) for loss in facts["recent"]]


def saved_length(path: Path) -> tuple[int, float | None]:
    """Return the steps, and the minutes if any, that a run was to be trained for.

    Raises
    ------
    UsageError
        If there is no such file.
    InputError
        If it is damaged.
    """
    run = _read_facts(path)["run"]
    return run["num_steps"], run.get("minutes")


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


def _read_facts(path: Path) -> Document:
    """Return what the state of a run says of it."""
    if not path.is_file():
        message = f"there is no {path} to continue from; leave out --resume"
        raise UsageError(message)
    found = read_header(path, REMEDY)
    if found is not None and "run" in found and "format" not in found:
        # Earlier builds did not say what it is.
        found = {"format": FORMAT_PREFIX + FORM.kind, "version": VERSION, **found}
    return FORM.check(found, path)


MOMENTS = ("first_moment", "second_moment")


def _expected(trainer: Trainer) -> Iterator[tuple[str, Expected]]:
    """Yield the names of all tensors of `_state`, and what they have to be."""
    for part in ("network", "average"):
        for name, tensor in getattr(trainer, part).state_dict().items():
            yield f"{part}.{name}", _like(tensor)
    for name, weight in trainer.network.named_parameters():
        yield from ((f"{moment}.{name}", _like(weight)) for moment in MOMENTS)
    if isinstance(trainer.noise, LearnedNoise):
        for name, weight in trainer.noise.network.named_parameters():
            for key in ("weight", "exp_avg", "exp_avg_sq"):
                yield f"noise.{key}.{name}", _like(weight)
            yield f"noise.step.{name}", COUNT
    yield "count.steps", COUNT


COUNT = Expected((), torch.float32)


def _like(tensor: Tensor) -> Expected:
    return Expected(tuple(tensor.shape), tensor.dtype)


def _check_moments(path: Path, tensors: Mapping[str, Tensor], step: int) -> None:
    """Raise `InputError` where the optimiser could not have been in this state."""
    squares = ("second_moment.", "noise.exp_avg_sq.")
    for name, tensor in tensors.items():
        if name.startswith(squares) and bool((tensor < 0).any()):
            message = f"{path} is damaged: {name} holds squares below 0; {REMEDY}"
            raise InputError(message)
    counts = [name for name in tensors if name.startswith(("count.", "noise.step."))]
    for name in counts:
        if float(tensors[name]) != step:
            message = f"{path} is damaged: {name} is not step {step}; {REMEDY}"
            raise InputError(message)


def _check_same(path: Path, before: Document, now: dict[str, object]) -> None:
    known, now = _said(before), _said(now)
    for name in LENGTHS:
        known.pop(name, None), now.pop(name, None)
    for name in set(LATER_FACTS) - set(known):
        now.pop(name, None)
    if known == now:
        return
    changed = sorted(key for key in now if known.get(key) != now[key])
    message = (
        f"{path} is of another run (other {', '.join(changed) or 'settings'}); "
        "repeat its flags, or start again with --force, without --resume"
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
            "step": parts["count"]["steps"].to(weight.device, copy=True),
            # As the weight lies in memory, for the optimiser goes along all at once.
            "exp_avg": _placed_as(weight, parts["first_moment"][name]),
            "exp_avg_sq": _placed_as(weight, parts["second_moment"][name]),
        }


def _placed_as(weight: Tensor, values: Tensor) -> Tensor:
    """Return values on the device of a weight and laid out as it is."""
    return torch.empty_like(weight, requires_grad=False).copy_(values)
