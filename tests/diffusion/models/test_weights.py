"""Model files: round trips, and files that are damaged, foreign or hostile."""

from __future__ import annotations

import json
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.models.weights import read_model, write_model
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.strict_json import canonical
from spectral_sched.documents.tensor_file import METADATA_KEY, document_digest
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.any_format import read_data_set
from spectral_sched.files.model import (
    ModelHeader,
    check_model_output,
    model_document,
    read_model_header,
)
from spectral_sched.files.network_config import network_config
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import power_distribution
from tests.support.commands import sentence, specsched
from tests.support.helpers import power_law_field, spectrum_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPE = (3, 16, 16)


def header(ends: tuple[float, float] | None = None) -> ModelHeader:
    rng = np.random.default_rng(0)
    spectrum = spectrum_of([power_law_field(SHAPE, 2.0, rng) / 30 for _ in range(8)])
    data_set = DataSet(
        power_distribution(spectrum),
        sigma_bounds(spectrum.field),
        Preprocessing(),
        "key",
    )
    return ModelHeader(
        network_config("tiny", SHAPE, spectrum.field.sigma_data, ends),
        data_set,
        (0.01, 12.0),
        {"name": "lognormal", "set": {"mean": -1.0}},
        {"steps_done": 3, "num_steps": 3, "batch": 4, "loss": [[3, 0.5]]},
    )


def network(about: ModelHeader) -> NetworkDenoiser:
    torch.manual_seed(0)
    built = NetworkDenoiser(about.config)
    torch.nn.init.normal_(built.network.conv_out.weight, std=0.1)
    return built


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_model(path, network(header()), header(), provenance({}))
    return path


@pytest.mark.parametrize("ends", [None, (0.05, 8.0)])
def test_model_comes_back_as_it_was(
    tmp_path: Path, ends: tuple[float, float] | None
) -> None:
    about, path = header(ends), tmp_path / "model.safetensors"
    before = network(about)
    write_model(path, before, about, provenance({}))
    after, found = read_model(path)
    x = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(1))
    assert found.config == about.config
    assert found.law == about.law
    assert (after.shape, after.sigma_range) == (SHAPE, (0.01, 12.0))
    torch.testing.assert_close(after(x, 0.5), before(x, 0.5), rtol=0, atol=5e-3)
    assert float((after(x, 0.5) - x).abs().max()) > 0.1


def test_tables_are_planned_from_a_model(model: Path) -> None:
    data_set = read_data_set(model)
    np.testing.assert_array_equal(
        data_set.power.log_power, header().data_set.power.log_power
    )
    assert data_set.bounds == header().data_set.bounds


def test_show_and_export_take_a_model(model: Path) -> None:
    shown = specsched("show", model, cwd=model.parent)
    assert "trained on sigma 0.01 - 12, drawn from lognormal, mean -1.0" in shown.stdout
    specsched("export", "--spectrum", model, "-o", "t.json", cwd=model.parent)
    table = json.loads((model.parent / "t.json").read_text())
    assert table["shape"] == list(SHAPE)


def rewritten(model: Path, **changes: object) -> Path:
    """Write the file anew with other facts in its header."""
    content = model.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + size])
    document = json.loads(head["__metadata__"][METADATA_KEY])
    for key, value in changes.items():
        place, _, name = key.partition("__")
        if name:
            document[place][name] = value
        else:
            document[place] = value
    document["digest"] = document_digest(document)
    head["__metadata__"][METADATA_KEY] = json.dumps(document)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    model.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])
    return model


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "has version 2"),
        ({"format": "other"}, "not a specsched model"),
        ({"sigma_range": [3.0, 1.0]}, "'sigma_range' is not rising"),
        ({"network__widths": [32, 64]}, "does not hold the network that it describes"),
        ({"network__widths": [10**9, 16]}, "'network.widths' cannot hold 1e.09"),
        ({"network__num_blocks": 10**6}, "'network.num_blocks' cannot be 1000000"),
        ({"network__num_blocks": "many"}, "'network.num_blocks' cannot be"),
        ({"network__widths": []}, "'network.widths' has the wrong shape"),
        ({"network": "__import__('os')"}, "'network' cannot be"),
        ({"network__sigma_data": 0}, "'network.sigma_data' cannot be 0"),
        ({"network__sigma_data": 1e300}, r"'network.sigma_data' cannot be 1e\+300"),
        ({"network__image_channels": 1}, "'network.image_channels' is not 3"),
        ({"network__patch": 5}, "'network.widths' cannot halve 16x16 so often"),
        ({"shape": [3, 20000, 20000]}, "'shape' cannot be"),
        ({"sigma_data": 7.0}, "'sigma_data' does not agree"),
        ({"law": {"name": "none", "set": {}}}, "'law.name' cannot be 'none'"),
        ({"law": {"name": "karras", "set": {"rho": "x"}}}, "'law.set' cannot be used"),
    ],
)
def test_headers_that_lie_are_refused(
    model: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_model(rewritten(model, **changes))


class Hostile:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


def test_pickles_are_never_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(InputError, match="is not a whole safetensors file"):
        read_model(path)
    torch.save({"weight": Hostile()}, path)
    with pytest.raises(InputError, match="is not a whole safetensors file"):
        read_model(path)
    assert "executed" not in capsys.readouterr().out


def test_truncated_and_hostile_files_are_refused(model: Path) -> None:
    content = model.read_bytes()
    for size in (0, 7, 8, 100, 2000, len(content) // 2, len(content) - 1):
        model.write_bytes(content[:size])
        with pytest.raises(InputError, match="is not a whole safetensors file"):
            read_model_header(model)
    model.write_bytes(struct.pack("<Q", 1 << 62) + content[8:])
    with pytest.raises(InputError, match="is not a whole safetensors file"):
        read_model_header(model)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path, about = tmp_path / "model.safetensors", header()
    broken = network(about)
    torch.nn.init.constant_(broken.network.conv_out.weight, float("nan"))
    write_model(path, broken, about, provenance({}))
    with pytest.raises(InputError, match="weights that are not finite"):
        read_model(path)


def tabled(model: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write the file anew with another table of tensors."""
    content = model.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + size])
    change(head)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    model.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])
    return model


@pytest.mark.parametrize("kind", ["I16", "U16", "BF16"])
def test_weights_of_another_type_are_refused(model: Path, kind: str) -> None:
    def change(head: dict[str, Any]) -> None:
        for name, entry in head.items():
            if name != "__metadata__":
                entry["dtype"] = kind

    with pytest.raises(InputError, match=r"is damaged: .* in place of float16; make"):
        read_model(tabled(model, change))


def test_weights_that_changed_places_or_bytes_are_noticed(model: Path) -> None:
    content = model.read_bytes()

    def change(head: dict[str, Any]) -> None:
        first, second = (f"network.norm_out.{name}" for name in ("weight", "bias"))
        head[first], head[second] = head[second], head[first]

    with pytest.raises(InputError, match="was changed after it was written; make one"):
        read_model(tabled(model, change))
    changed = bytearray(content)
    changed[-1] ^= 1
    model.write_bytes(changed)
    read_model_header(model)
    with pytest.raises(InputError, match="was changed after it was written; make one"):
        read_model(model)


def test_a_header_that_was_changed_is_noticed(model: Path) -> None:
    content = model.read_bytes()
    model.write_bytes(content.replace(b"lognormal", b"lognormbl", 1))
    with pytest.raises(InputError, match=r"'law\.name' cannot be 'lognormbl'"):
        read_model_header(model)
    number = header().config.sigma_data
    infinite = json.dumps(number).encode()
    model.write_bytes(content.replace(infinite, b"1e999".ljust(len(infinite))))
    with pytest.raises(InputError, match="1e999 is too large a number"):
        read_model_header(model)
    model.write_bytes(content.replace(b'steps_done\\":3', b'steps_done\\":2', 1))
    with pytest.raises(InputError, match="was changed after it was written"):
        read_model_header(model)


def test_foreign_safetensors_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(InputError, match="not a specsched model"):
        read_model(path)
    save_file(
        {"weight": torch.ones(2)},
        path,
        metadata={METADATA_KEY: canonical(model_document(header(), provenance({})))},
    )
    with pytest.raises(InputError, match="does not hold the network"):
        read_model(path)


def test_no_model_is_replaced_without_a_word(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds a model of 3 steps.*--init.*--force"):
        check_model_output(model, force=False)
    check_model_output(model, force=True)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.ones(2)}, foreign)
    with pytest.raises(UsageError, match="was not written by specsched"):
        check_model_output(foreign, force=False)
    check_model_output(foreign, force=True)
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        check_model_output(tmp_path / "model.pt", force=False)


def test_commands_end_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"\x80\x04cut")
    message = sentence("show", "bad.safetensors", cwd=tmp_path, code=3)
    assert "is not a whole safetensors file" in message
    message = sentence("train", "nowhere", cwd=tmp_path, code=3)
    assert "nowhere does not exist" in message
    message = sentence("train", ".", "-o", "model.pt", cwd=tmp_path, code=2)
    assert "write to model.safetensors" in message
