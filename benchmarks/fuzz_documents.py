"""Edit documents at random and show that each is refused or holds what it must.

    python benchmarks/fuzz_documents.py --count 5000 [FORMAT ...]

Seeds are files of every format, those of earlier builds in tests/files and some made
here. Each is edited once or twice: values replaced, scaled, swapped, left out, doubled
or nested, bytes changed or cut; in most of the files that hold digests these are then
computed anew, so that rules are tried and not digests alone. A file that is edited must
be refused in one sentence that names it, or everything that is read of it must hold
(`HOLDS`), be shown, and be of use. Printed: what became of the files of each format,
the slowest, and every failure (none is expected).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import re
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from safetensors.torch import save

from spectral_sched import make_schedule
from spectral_sched.analysis.measurement import derive
from spectral_sched.analysis.partial_file import FORM as PARTIAL
from spectral_sched.analysis.partial_file import read_partial
from spectral_sched.comparisons.cache import Cache
from spectral_sched.comparisons.files import FORM as COMPARISON
from spectral_sched.comparisons.files import (
    comparison_csv,
    read_comparison,
    read_row,
)
from spectral_sched.console.show import file_parts
from spectral_sched.diffusion.evaluation.bench import ROW
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.learned_law import LearnedNoise
from spectral_sched.diffusion.training.pictures import picture_set
from spectral_sched.diffusion.training.state_file import load_state, save_state
from spectral_sched.diffusion.training.trainer import (
    Trainer,
    TrainingSettings,
    fresh_network,
)
from spectral_sched.documents.read import read_any
from spectral_sched.documents.tensor_file import document_digest, sealed
from spectral_sched.errors import SpecschedError
from spectral_sched.files.model import read_model_document
from spectral_sched.files.network_config import NetworkConfig
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import FORM as SPECTRUM
from spectral_sched.files.spectrum import read_spectrum
from spectral_sched.files.training_law import read_training_schedule
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.sources import items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.spectra.bounds import SigmaBounds
    from spectral_sched.spectra.gaussian_field import GaussianField

ROOT = Path(__file__).parents[1]
BEFORE = ROOT / "tests" / "files" / "files_of_before"

RAW = "@raw:"
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3.7, -0.5, 1e-300, 1e300, 2**53, 2**63, -(2**70)),
    *("", "x", "sigma", "0", "\u0000", "2" * 400, [], {}, [[]], [0], [1, 2], {"a": 1}),
    *(RAW + text for text in ("1e999", "-1e999", "NaN", "Infinity", "9" * 5000)),
    *(RAW + text for text in ('"\\ud800"', "[" * 60 + "]" * 60, "[" * 9999, "1.0")),
    *([3, 20000, 20000], [1, 10**9, 10**9], [0.0] * 3000, "@again"),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the values in a document are; of long lists only some."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        if isinstance(key, int) and 4 < key < len(value) - 2:
            continue
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from paths(item, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at a path."""
    for key in path:
        document = document[key]
    return document


def edit(document: Any, rng: random.Random) -> None:
    """Change one value of a document in place."""
    places = list(paths(document))
    *path, key = rng.choice(places)
    outer = at(document, tuple(path))
    value, kind = outer[key], rng.randrange(8)
    if kind == 0 or (kind == 1 and isinstance(outer, list)):
        del outer[key]
    elif kind == 2:
        outer[key] = copy.deepcopy(at(document, rng.choice(places)))
    elif kind <= 4 and isinstance(value, int | float):
        outer[key] = value * rng.choice((-1, 0, 0.5, 1.001, 2, 10, 1e6)) + rng.choice(
            (0, 0, 1)
        )
    elif kind <= 5 and isinstance(value, list) and len(value) > 1:
        one, other = rng.randrange(len(value)), rng.randrange(len(value))
        value[one], value[other] = value[other], value[one]
    elif kind == 6 and isinstance(value, list):
        value.append(copy.deepcopy(value[-1]) if value else 0)
    elif kind == 1 and isinstance(outer, dict):
        outer[f"{key}{rng.choice('x_s ')}"] = outer.pop(key)
    else:
        outer[key] = rng.choice(VALUES)


def text_of(document: Any, rng: random.Random) -> str:
    """Return the text of a document; now and then with a key twice."""
    text = json.dumps(document)
    text = re.sub(
        rf'"{RAW}((?:[^"\\]|\\.)*)"', lambda raw: json.loads(f'"{raw[1]}"'), text
    )
    if rng.random() < 0.03:
        place = rng.choice([found.start() for found in re.finditer(r'"\w+": ', text)])
        key = re.match(r'"\w+": ', text[place:])
        text = f"{text[:place]}{key[0] if key else ''}0, {text[place:]}"
    return text


def scramble(content: bytes, rng: random.Random) -> bytes:
    """Change or cut bytes."""
    changed, kind = bytearray(content), rng.randrange(4)
    if kind == 0:
        return content[: rng.randrange(len(content))]
    place = rng.randrange(len(content))
    if kind == 1:
        changed[place] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del changed[place : place + rng.randrange(1, 9)]
    else:
        changed[place:place] = changed[place : place + rng.randrange(1, 9)]
    return bytes(changed)


class Format(NamedTuple):
    """A format: its seeds, what holds of a file that is read, and its digest."""

    seeds: list[tuple[str, bytes]]
    holds: Callable[[Path], None]
    digest: Callable[[dict[str, Any]], str] | None = None
    tensors: bool = False


def edited(kind: Format, content: bytes, rng: random.Random) -> bytes:
    """Return a file with one or two edits."""
    if rng.random() < 0.15:
        return scramble(content, rng)
    if kind.tensors:
        return edited_tensors(content, rng)
    document = json.loads(content)
    for _ in range(rng.choice((1, 1, 2))):
        edit(document, rng)
    if kind.digest and "digest" in document and rng.random() < 0.9:
        document["digest"] = kind.digest(document)
    return text_of(document, rng).encode()


DTYPES = ("F16", "BF16", "I16", "U16", "F32", "I32", "F64", "BOOL", "U8")


def edited_tensors(content: bytes, rng: random.Random) -> bytes:
    """Return a file of tensors with edits to its document, its table or its numbers."""
    (size,) = struct.unpack("<Q", content[:8])
    table, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    document = json.loads(table.pop("__metadata__")["specsched"])
    names, kind = list(table), rng.randrange(6)
    if kind == 0 and names:
        table[rng.choice(names)]["dtype"] = rng.choice(DTYPES)
    elif kind == 1 and len(names) > 1:
        one, other = rng.sample(names, 2)
        table[one], table[other] = table[other], table[one]
    elif kind == 2 and data:
        place = rng.randrange(len(data) // 2) * 2
        data[place : place + 2] = rng.choice((b"\x00\x7c", b"\xff\xff", b"\x80\x7f"))
    elif kind == 3 and names:
        table[rng.choice(names) + "x"] = table.pop(rng.choice(names))
    else:
        edit(document, rng)
    if rng.random() < 0.7:
        return resealed(table, bytes(data), document)
    return packed(table, bytes(data), text_of(document, rng))


def packed(table: dict[str, Any], data: bytes, text: str | None) -> bytes:
    """Return a file of tensors."""
    about = {} if text is None else {"__metadata__": {"specsched": text}}
    head = json.dumps({**about, **table}).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def resealed(table: dict[str, Any], data: bytes, document: dict[str, Any]) -> bytes:
    """Return a file of tensors whose digests are right."""
    try:
        return b"".join(sealed(packed(table, data, None), document))
    except (ValueError, TypeError, AttributeError):
        return packed(table, data, json.dumps(document))


def hold(truth: object, what: str) -> None:
    """Raise `AssertionError` unless something is true."""
    if not truth:
        raise AssertionError(what)


def field_holds(field: GaussianField) -> None:
    """Hold a field to what every field is."""
    cross = field.cross_power
    hold(np.all(np.isfinite(cross)), "cross power is finite")
    hold(np.allclose(cross, cross.swapaxes(1, 2)), "cross power is symmetric")
    least = np.linalg.eigvalsh(cross).min()
    scale = np.abs(cross).max() + field.mean_offset
    hold(least >= -2e-5 * scale, "cross power is no less than 0")
    hold(np.all(field.power >= -1e-9 * field.power.max()), "power is no less than 0")
    hold(0 < field.sigma_data < math.inf, "sigma_data is positive")
    hold(np.all(np.isfinite(field.mean_color)), "the mean colour is finite")


def bounds_hold(bounds: SigmaBounds) -> None:
    """Hold bounds to what those of the seeds and their like are."""
    levels = (bounds.sigma_min, bounds.sigma_max_centred, bounds.sigma_max)
    hold(all(0 < level < math.inf for level in levels), "bounds are positive")
    hold(bounds.sigma_min < bounds.sigma_max, "bounds are in order")
    hold(0 <= bounds.sigma_min_ring < math.inf, "sigma_min_ring is finite")
    hold(0 < bounds.epsilon < math.inf, "epsilon is positive")


def data_set_holds(data_set: DataSet) -> None:
    """Hold a data set to what every one is, and plan from it."""
    field_holds(data_set.power.field)
    bounds_hold(data_set.bounds)
    logs = data_set.power.log_power
    hold(np.all(np.isfinite(logs)), "quantiles are finite")
    hold(np.all(np.diff(logs, axis=1) >= 0), "quantiles do not fall")
    if data_set.mixture:
        drawn = data_set.mixture.draw_for(3)
        hold(np.all(np.isfinite(drawn)), "a spectrum that is drawn is finite")


def table_holds(sigmas: tuple[float, ...]) -> None:
    """Hold a table to what every table is."""
    hold(len(sigmas) > 1 and sigmas[-1] == 0, "a table ends in 0")
    hold(np.all(np.diff(sigmas) < 0) and math.isfinite(sigmas[0]), "a table falls")


def show(document: dict[str, Any], path: Path) -> None:
    """Tell what is in a file, as the command does."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(file=nowhere)
        for part in file_parts(document, path):
            console.print(part)
    json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def spectrum_holds(path: Path) -> None:
    """Read a spectrum."""
    measured = read_spectrum(path)
    spectrum = measured.spectrum
    field_holds(spectrum.field)
    bounds_hold(measured.bounds)
    hold(spectrum.num_images >= 1, "there are images")
    hold(sum(spectrum.class_counts.values()) == spectrum.num_images, "classes add up")
    hold(np.all(spectrum.sample.power >= 0), "powers of the sample are 0 or more")
    hold(0 < spectrum.sample.num_uniform <= len(spectrum.sample.labels), "a sample")
    hold(np.all(spectrum.power_std >= 0), "deviations are 0 or more")
    plan = make_schedule(measured, 3, kind="karras")
    table_holds(plan.table.sigmas)
    show(read_any(path), path)


def schedule_holds(path: Path) -> None:
    """Read a schedule."""
    plan = read_plan(path)
    table_holds(plan.table.sigmas)
    data_set_holds(plan.data_set)
    hold(0 < plan.ends[0] < plan.ends[1] < math.inf, "ends are in order")
    hold(len(plan.table.sigmas) == plan.request.num_steps + 1, "steps are counted")
    hold(math.isfinite(plan.predicted.error), "the error is finite")
    show(read_any(path), path)


def law_holds(path: Path) -> None:
    """Read a law to train with."""
    schedule = read_training_schedule(path)
    levels = schedule(np.linspace(0, 1, 9))
    hold(np.all(np.diff(levels) > 0) and levels[0] > 0, "levels rise")
    hold(np.all(np.isfinite(levels)), "levels are finite")
    show(read_any(path), path)


def partial_holds(path: Path) -> None:
    """Read a partial and derive a spectrum from it."""
    partial = read_partial(path)
    shard = partial.shard
    hold(0 <= shard.index < shard.count, "a shard is one of those that there are")
    hold(partial.chunk.num_images <= partial.chunk.manifest.count, "images are items")
    found = derive(partial.chunk, partial.settings.preprocessing)
    field_holds(found.spectrum.field)
    show(read_any(path), path)


def model_holds(path: Path) -> None:
    """Read a model and play it."""
    network, header = read_model(path)
    data_set_holds(header.data_set)
    low, high = header.sigma_range
    hold(0 < low < high < math.inf, "the range is one")
    hold(0 < header.config.sigma_data < math.inf, "sigma_data is positive")
    shape = header.data_set.power.field.shape
    if header.config.restores is None:
        made = network(torch.zeros(1, *shape), low)
        hold(bool(made.isfinite().all()), "what it makes is finite")
    show(read_model_document(path), path)


def state_holds(path: Path) -> None:
    """Take up a training run and go one step on."""
    trainer = same_trainer()
    load_state(path, trainer, RUN)
    for state in (trainer.network.state_dict(), trainer.average.state_dict()):
        hold(all(bool(each.isfinite().all()) for each in state.values()), "weights")
    hold(trainer.step >= 1 and trainer.seconds >= 0, "steps were made")
    trainer.advance()


def comparison_holds(path: Path) -> None:
    """Read a comparison and tell of it."""
    found = read_comparison(path)
    for cell in found.cells:
        for row in cell.rows:
            table_holds(row.sigmas)
            hold(row.num_calls >= 1, "a table takes calls")
    hold("nan" not in comparison_csv(found), "figures are numbers")
    show(read_any(path), path)


def samples_hold(path: Path) -> None:
    """Read a record of samples."""
    document = read_any(path)
    show(document, path)
    hold(document["format"] == "specsched.samples", "it is a record of samples")
    hold(all(isinstance(name, str) for name in document["pictures"]), "names are texts")


def target_holds(path: Path) -> None:
    """Read what another program was given."""
    document = read_any(path)
    show(document, path)
    values = document.get("values", [1.0])
    hold(values and np.all(np.isfinite(np.array(values, float))), "values are numbers")


def row_holds(path: Path) -> None:
    """Read a row that is kept."""
    kept_in = Cache(path.parent)
    kept = kept_in._place(ROW.kind, path.name, ".json")
    path.replace(kept)
    row = read_row(kept_in.fields(ROW, path.name, dict))
    table_holds(row.sigmas)
    hold(math.isfinite(row.judgement.estimate("frechet").value), "a figure")


def array_holds(path: Path) -> None:
    """Read samples that are kept."""
    kept_in = Cache(path.parent)
    kept = kept_in._place("samples", path.name, ".safetensors")
    path.replace(kept)
    found = kept_in.array(
        "samples", path.name, SHAPE, lambda: np.zeros(SHAPE, np.float32)
    )
    hold(np.isfinite(found).all() and found.shape == SHAPE, "samples are numbers")


RUN = {"law": "learned", "num_steps": 8}
SHAPE = (4, 1, 2, 2)
PICTURES = picture_set(
    list(items(ROOT / "sample_images"))[:6], Preprocessing(resolution=16)
)


@cache
def same_trainer() -> Trainer:
    """Return one run for all states: each that is taken up replaces all of it."""
    return new_trainer()


def new_trainer() -> Trainer:
    """Return a small training run at its beginning."""
    config = NetworkConfig(3, (16,), 1, 0.5)
    noise = LearnedNoise((0.01, 50.0))
    settings = TrainingSettings(8, batch=2, precision="float32")
    network = fresh_network(config, 0)
    return Trainer(PICTURES, noise, network, settings, Processes(torch.device("cpu")))


def made(suffix: str, make: Callable[[Path], None]) -> tuple[str, bytes]:
    """Return a seed that is written by the package itself."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"made{suffix}"
        make(path)
        return path.name, path.read_bytes()


def make_state(path: Path) -> None:
    """Write the state of a training run after three steps."""
    trainer = new_trainer()
    for _ in range(3):
        trainer.advance()
    save_state(path, trainer, RUN)


def make_array(path: Path) -> None:
    """Write samples as a comparison keeps them."""
    values = np.arange(math.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    Cache(path.parent).array("samples", 0, SHAPE, lambda: values)
    next(path.parent.glob("samples-*")).replace(path)


def make_model(path: Path) -> None:
    """Write the model of before as it is written now."""
    old = (BEFORE / "model.safetensors").read_bytes()
    network, _ = read_model(BEFORE / "model.safetensors")
    tensors = {
        name: value.half().contiguous() for name, value in network.state_dict().items()
    }
    (size,) = struct.unpack("<Q", old[:8])
    document = json.loads(json.loads(old[8 : 8 + size])["__metadata__"]["specsched"])
    path.write_bytes(b"".join(sealed(save(tensors), document)))


def make_row(path: Path) -> None:
    """Write a row of the comparison of before as it is kept now."""
    row = json.loads((BEFORE / "comparison.json").read_text())["cells"][0]["rows"][0]
    document = {"format": "specsched.row", "version": 1, **row}
    document["digest"] = document_digest(document)
    path.write_text(json.dumps(document))


def before(*names: str) -> list[tuple[str, bytes]]:
    """Return files of an earlier build."""
    return [(Path(name).name, (BEFORE / name).read_bytes()) for name in names]


def with_digest(seeds: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return comparisons, each with a digest too."""
    more = []
    for name, content in seeds:
        document = json.loads(content)
        document["digest"] = COMPARISON.digest(document) if COMPARISON.digest else ""
        more.append((name, json.dumps(document).encode()))
    return [*seeds, *more]


def formats() -> Mapping[str, Format]:
    """Return all formats by name."""
    shards = before("spectrum.0-of-2.partial.json", "spectrum.1-of-2.partial.json")
    schedules = ("optimal.json", "gits.json", "partial.json", "per_image.json")
    return {
        "spectrum": Format(
            before("spectrum.json", "mixture.json"), spectrum_holds, SPECTRUM.digest
        ),
        "schedule": Format(before(*schedules), schedule_holds),
        "training": Format(before("training.json", "laplace.json"), law_holds),
        "partial": Format(shards, partial_holds, PARTIAL.digest),
        "model": Format(
            [*before("model.safetensors"), made(".safetensors", make_model)],
            model_holds,
            tensors=True,
        ),
        "state": Format([made(".safetensors", make_state)], state_holds, tensors=True),
        "comparison": Format(
            with_digest(before("comparison.json")), comparison_holds, COMPARISON.digest
        ),
        "row": Format([made(".json", make_row)], row_holds, document_digest),
        "array": Format([made(".safetensors", make_array)], array_holds, tensors=True),
        "samples": Format(before("samples/samples.json"), samples_hold),
        "target": Format(before("target.json"), target_holds),
    }


def outcome(kind: Format, path: Path) -> str:
    """Return what becomes of a file; raise where it is neither refused nor right."""
    try:
        kind.holds(path)
    except SpecschedError as error:
        message = str(error)
        hold("\n" not in message and len(message) < 600, f"one sentence: {message}")
        known = path.name.split(".")[0] in message or error.exit_code == 1
        hold(known or path.parent.name in message, f"the file is named: {message}")
        return "refused"
    return "read"


def run(name: str, kind: Format, count: int, folder: Path) -> dict[str, Any]:
    """Return what became of so many edits of a format."""
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    for number in range(count):
        rng = random.Random(f"{name} {number}")
        seed, content = rng.choice(kind.seeds)
        path = folder / f"edited-{number}-{seed}"
        path.write_bytes(edited(kind, content, rng))
        begun = time.perf_counter()
        try:
            outcomes[outcome(kind, path)] += 1
        except Exception:  # noqa: BLE001
            outcomes["failed"] += 1
            failures.append(f"{name} {number}: {traceback.format_exc(limit=-4)}")
        slowest = max(slowest, time.perf_counter() - begun)
        for each in folder.iterdir():
            each.unlink()
    return {"outcomes": dict(outcomes), "slowest": slowest, "failures": failures}


def main() -> None:
    """Run the formats that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("formats", nargs="*")
    asked = parser.parse_args()
    warnings.simplefilter("error")
    known = formats()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.formats or known:
            results[name] = run(name, known[name], asked.count, Path(folder))
    print(json.dumps(results, indent=2))
    sys.exit(any(result["failures"] for result in results.values()))


if __name__ == "__main__":
    main()
