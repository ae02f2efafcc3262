"""Work that is there is not replaced unless that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spectral_sched
from spectral_sched.diffusion.training import run as training_run
from spectral_sched.errors import UsageError
from spectral_sched.files.samples import RECORD_NAME
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

TRAIN = ("train", "images", "--batch", "4", "--device", "cpu", "-o", "m.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "images", 8)
    write_pictures(tmp_path / "others", 8, seed=1)
    return tmp_path


@pytest.fixture
def measured(folder: Path) -> Path:
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 3, cwd=folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_model_and_its_state_are_kept(folder: Path) -> None:
    specsched(*TRAIN, "--steps", 4, cwd=folder)
    before = contents(folder)
    assert set(before) == {"m.safetensors", "m.resume.safetensors", "m.png"}
    refused = sentence(*TRAIN, "--steps", 3, cwd=folder, code=2)
    assert "m.safetensors of 4 steps" in refused
    assert "continue with --resume, start again with --force" in refused
    (folder / "m.resume.safetensors").unlink()
    refused = sentence(*TRAIN, "--steps", 3, cwd=folder, code=2)
    assert "--resume cannot continue it without its m.resume.safetensors" in refused
    assert "--force" in refused
    assert contents(folder) == {
        name: content for name, content in before.items() if "resume" not in name
    }
    specsched(*TRAIN, "--steps", 3, "--force", cwd=folder)
    assert "3 of 3 steps" in specsched("show", "m.safetensors", cwd=folder).stdout


def test_a_state_without_a_model_is_kept(folder: Path) -> None:
    specsched(*TRAIN, "--steps", 2, cwd=folder)
    (folder / "m.safetensors").unlink()
    refused = sentence(*TRAIN, "--steps", 3, cwd=folder, code=2)
    assert "m.resume.safetensors holds a run towards m.safetensors; continue" in refused


def test_the_sheet_of_a_model_replaces_no_picture_of_others(folder: Path) -> None:
    Image.new("RGB", (8, 8)).save(folder / "m.png")
    refused = sentence(*TRAIN, "--steps", 1, cwd=folder, code=2)
    assert "m.png" in refused
    assert "not written by specsched" in refused
    specsched(*TRAIN, "--steps", 1, "--force", cwd=folder)


def test_a_run_is_extended_and_shortened(folder: Path) -> None:
    specsched(*TRAIN, "--steps", 4, cwd=folder)
    longer = specsched(*TRAIN, "--resume", "--steps", 8, cwd=folder)
    assert "continuing after step 4" in longer.stderr
    # Half a cosine, half way, and two hundred steps to warm up: 2e-3 * 5 / 200 / 2.
    assert (
        "8 steps in place of 4 steps: from here on the learning rate follows its half "
        "cosine over 8 steps, 2.5e-05 next" in longer.stderr
    )
    assert "8 of 8 steps" in longer.stdout
    done = specsched(*TRAIN, "--resume", cwd=folder)
    assert "8 steps are done and 8 asked for" in done.stderr
    shorter = specsched(*TRAIN, "--resume", "--steps", 6, cwd=folder)
    assert "8 steps are done and 6 asked for" in shorter.stderr
    assert "8 of 8 steps" in shorter.stdout


def test_a_time_is_trained_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        """A clock that goes on by three seconds whenever it is looked at."""

        now = 0.0

        def monotonic(self) -> float:
            self.now += 3.0
            return self.now

    monkeypatch.setattr(training_run, "time", Clock())
    rates: list[float] = []
    advance = training_run.TrainingRun._advance

    def watched(run: training_run.TrainingRun) -> None:
        advance(run)
        rates.append(run.trainer.optimizer.param_groups[0]["lr"])

    monkeypatch.setattr(training_run.TrainingRun, "_advance", watched)
    specsched(*TRAIN, "--minutes", 1, cwd=folder)
    # A look for the time after each step and one for what is due to be saved.
    done = np.arange(1, 11)
    steps = np.ceil(done * 60 / (6 * done - 3))
    half_cosine = (1 + np.cos(np.pi * done / steps)) / 2
    np.testing.assert_allclose(rates[1:], 2e-3 * (done + 1) / 200 * half_cosine)
    document = json.loads(
        specsched("show", "m.safetensors", "--json", cwd=folder).stdout
    )
    assert document["training"]["steps_done"] == document["training"]["num_steps"] == 11
    assert document["training"]["minutes"] == 1
    more = specsched(*TRAIN, "--resume", "--minutes", 2, cwd=folder)
    assert "of 2 minutes are over" in more.stderr
    assert len(rates) > 11


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--steps", "5", "--minutes", "1"), "--steps and --minutes both say"),
        (("--minutes", "0"), "--minutes must be above 0"),
        (("--minutes", "-2"), "--minutes must be above 0"),
        (("--batch", "0"), "--batch must be at least 1"),
    ],
)
def test_lengths_that_cannot_be(
    folder: Path, flags: tuple[str, ...], message: str
) -> None:
    assert message in sentence(*TRAIN, *flags, cwd=folder, code=2)


class KilledError(BaseException):
    pass


@pytest.mark.parametrize("after", ["save_state", "write_model", "save_png"])
def test_killed_at_any_moment_it_goes_on_to_the_same_weights(
    folder: Path, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    specsched(*TRAIN, "--steps", 5, cwd=folder)
    whole = (folder / "m.safetensors").read_bytes()
    written = getattr(training_run, after)
    calls = iter(range(1, 100))

    def killed(*arguments: object) -> None:
        written(*arguments)
        if next(calls) == 2:
            raise KilledError

    line = (*TRAIN, "--steps", "5", "--save-every", "0", "--force")
    with monkeypatch.context() as patched:
        patched.setattr(training_run, after, killed)
        with pytest.raises(KilledError):
            specsched(*line, cwd=folder)
    specsched(*TRAIN, "--resume", cwd=folder)
    assert tensors(folder / "m.safetensors") == tensors_of(whole, folder)


def tensors(path: Path) -> dict[str, bytes]:
    from safetensors.numpy import load_file

    return {name: array.tobytes() for name, array in load_file(path).items()}


def tensors_of(content: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "whole.safetensors"
    path.write_bytes(content)
    return tensors(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("export --steps 4", "tight.json holds the answer to another request (other s"),
        ("export --kind karras", "(other kind, steps)"),
        ("export --spectrum other.json --steps 3", "(other images)"),
        ("export --steps 3 -o spectrum.json", "spectrum.json holds a spectrum"),
        ("export --for training --kind laplace -o tight.json", "holds a schedule"),
        ("analyze images --epsilon 0.1", "(other epsilon)"),
        ("analyze images --resolution 8", "(other resolution)"),
        ("analyze others", "(other images)"),
        ("analyze images -o tight.json", "tight.json holds a schedule"),
        ("export --target comfy -o spectrum.json", "spectrum.json holds a spectrum"),
        ("export --target jit -o tight.json", "tight.json holds a schedule"),
    ],
)
def test_the_answer_to_another_request_is_kept(
    measured: Path, line: str, told: str
) -> None:
    specsched("analyze", "others", "-o", "other.json", cwd=measured)
    before = contents(measured)
    refused = sentence(*line.split(), cwd=measured, code=2)
    assert told in refused
    assert refused.endswith("name another file with -o, or replace it with --force")
    assert contents(measured) == before
    specsched(*line.split(), "--force", cwd=measured)
    assert contents(measured) != before


def test_the_same_request_may_be_repeated(measured: Path) -> None:
    before = json.loads((measured / "tight.json").read_text())
    specsched("analyze", "images", cwd=measured)
    specsched("export", "--steps", 3, cwd=measured)
    assert (
        json.loads((measured / "tight.json").read_text())["sigmas"] == before["sigmas"]
    )


def test_functions_keep_the_answer_to_another_request(measured: Path) -> None:
    plan = spectral_sched.read_schedule(measured / "tight.json")
    spectral_sched.write_schedule(plan, measured / "tight.json")
    other = spectral_sched.make_schedule(plan, 5)
    with pytest.raises(UsageError, match="another request"):
        spectral_sched.write_schedule(other, measured / "tight.json")
    spectral_sched.write_schedule(other, measured / "tight.json", force=True)


SAMPLE = ("sample", "--model", "wiener", "--seeds")


def pictures(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("0*.png")}


def test_more_pictures_make_way_for_fewer_only_if_forced(measured: Path) -> None:
    specsched(*SAMPLE, "0-3", cwd=measured)
    before = contents(measured / "samples")
    refused = sentence(*SAMPLE, "7,8", cwd=measured, code=2)
    assert "samples holds 4 images, more than the 2" in refused
    assert "--force" in refused
    assert contents(measured / "samples") == before
    specsched(*SAMPLE, "7,8", "--force", cwd=measured)
    assert pictures(measured / "samples") == {"000007", "000008"}


def test_a_new_run_leaves_no_stale_pictures(measured: Path) -> None:
    specsched(*SAMPLE, "0,1", cwd=measured)
    (measured / "samples" / "notes.txt").write_text("mine")
    specsched(*SAMPLE, "1-3", cwd=measured)
    assert pictures(measured / "samples") == {"000001", "000002", "000003"}
    assert (measured / "samples" / "notes.txt").read_text() == "mine"
    record = json.loads((measured / "samples" / RECORD_NAME).read_text())
    assert "unfinished" not in record


def test_a_record_names_no_files_elsewhere(measured: Path) -> None:
    specsched(*SAMPLE, "0", cwd=measured)
    path = measured / "samples" / RECORD_NAME
    record = json.loads(path.read_text())
    for name in ("../spectrum.json", "notes.png", "../000009.png"):
        (measured / "samples" / name).touch()
        record["pictures"].append(name)
    path.write_text(json.dumps(record))
    specsched(*SAMPLE, "1,2,3,4", cwd=measured)
    assert (measured / "spectrum.json").exists()
    assert (measured / "000009.png").exists()
    assert (measured / "samples" / "notes.png").exists()
    assert "000000" not in pictures(measured / "samples")


def test_a_seed_that_is_named_twice_is_one_image(measured: Path) -> None:
    said = specsched(*SAMPLE, "2,1-2", cwd=measured).stdout
    assert said.startswith("2 images in samples")
    record = json.loads((measured / "samples" / RECORD_NAME).read_text())
    assert record["pictures"] == ["000002.png", "000001.png"]


def test_a_picture_without_a_class_is_named(folder: Path) -> None:
    for number, name in enumerate(("cats", "dogs")):
        write_pictures(folder / "pets" / name, 2, seed=number)
    write_pictures(folder / "pets", 1, seed=9)
    line = ("train", "pets", "--classes", "--steps", "1", "--device", "cpu")
    refused = sentence(*line, cwd=folder, code=3)
    assert "the class of 0000.png is not known; move it into the folder" in refused


def test_labels_that_cannot_be_used_are_told_before_the_refusal(folder: Path) -> None:
    write_pictures(folder / "worded", 2)
    names = sorted(path.name for path in (folder / "worded").iterdir())
    worded = {"labels": [[name, f"kind {name}"] for name in names]}
    (folder / "worded" / "dataset.json").write_text(json.dumps(worded))
    line = ("train", "worded", "--classes", "--steps", "1", "--device", "cpu")
    told = specsched(*line, cwd=folder, code=3).stderr
    assert "2 of 2 labels in worded/dataset.json are not a name and an integer" in told
    assert "with a dataset.json, labels there" in told


def test_a_run_is_not_continued_with_other_classes_of_the_same_images(
    folder: Path,
) -> None:
    for number, name in enumerate(("a", "b")):
        write_pictures(folder / "moved" / name, 2, seed=number)
    line = ("train", "moved", "--classes", "--batch", "2", "-o", "moved.safetensors")
    specsched(*line, "--steps", "1", "--device", "cpu", cwd=folder)
    first = next((folder / "moved" / "a").iterdir())
    first.rename(folder / "moved" / "b" / "moved.png")
    again = (*line, "--steps", "2", "--device", "cpu", "--resume")
    assert "of another run (other labels)" in sentence(*again, cwd=folder, code=2)
    (folder / "moved" / "b" / "moved.png").rename(first)
    specsched(*again, cwd=folder)


def test_processes_get_as_many_pictures_each(folder: Path) -> None:
    import torch

    from spectral_sched import sources
    from spectral_sched.diffusion.torchrun import Processes
    from spectral_sched.diffusion.training.pictures import picture_set
    from spectral_sched.diffusion.training.trainer import TrainingSettings
    from spectral_sched.images.preprocessing import Preprocessing

    pictures = picture_set(sources.items(folder / "images"), Preprocessing())
    settings = TrainingSettings(2, batch=3, precision="float32")
    options = training_run.training_options(settings, "tiny")
    two = Processes(torch.device("cpu"), 0, 2)
    with pytest.raises(UsageError, match=r"multiple of 2, as --batch 4"):
        training_run.TrainingRun(pictures, options, folder / "m.safetensors", two)


def test_a_model_does_not_replace_the_one_it_begins_with(folder: Path) -> None:
    specsched(*TRAIN, "--steps", 1, cwd=folder)
    before = contents(folder)
    again = (*TRAIN, "--steps", 2, "--init", "./m.safetensors", "--force")
    told = sentence(*again, cwd=folder, code=2)
    assert "--init m.safetensors would be replaced" in told
    assert "name another file with -o" in told
    assert contents(folder) == before


def test_a_run_from_a_model_that_is_gone_goes_on_to_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specsched(*TRAIN, "--steps", 1, cwd=folder)
    first = folder / "m.safetensors"
    content = first.read_bytes()
    advance = training_run.TrainingRun._advance

    def removing(run: training_run.TrainingRun) -> None:
        first.unlink(missing_ok=True)
        advance(run)

    monkeypatch.setattr(training_run.TrainingRun, "_advance", removing)
    tuned = (*TRAIN[:-1], "tuned.safetensors", "--init", "m.safetensors", "--steps")
    specsched(*tuned, 2, cwd=folder)
    monkeypatch.undo()
    first.write_bytes(content)
    specsched(*tuned, 3, "--resume", cwd=folder)


def test_the_size_of_a_model_to_begin_with_is_its_own(folder: Path) -> None:
    specsched(*TRAIN, "--steps", 1, cwd=folder)
    flags = ("-o", "n.safetensors", "--init", "m.safetensors", "--size", "base")
    told = sentence(*TRAIN, *flags, cwd=folder, code=2)
    assert "--init brings its own network; leave out --size" in told


def test_no_sheet_is_shown_among_the_images_that_are_learned_from(folder: Path) -> None:
    before = contents(folder / "images")
    for source, output in (("images", "images/m.safetensors"), (".", "m.safetensors")):
        told = sentence("train", source, "-o", output, cwd=folder, code=2)
        assert f"would be among the images of {source}" in told
        assert "name a file outside of it with -o" in told
    assert contents(folder / "images") == before
    (folder / ".kept").mkdir()
    hidden = ("--steps", 1, "-o", ".kept/m.safetensors", "--resolution", 16)
    specsched("train", ".", "--batch", 4, *hidden, cwd=folder)


def test_a_model_of_another_ending_keeps_its_folder(folder: Path) -> None:
    told = sentence("train", "images", "-o", "others/m.pt", cwd=folder, code=2)
    assert "write to others/m.safetensors" in told


def test_a_seed_of_a_training_has_an_end(folder: Path) -> None:
    told = sentence(*TRAIN, "--seed", 1 << 63, cwd=folder, code=2)
    assert f"--seed must be from 0 to {(1 << 63) - 1}" in told


def test_a_folder_of_samples_is_read_without_its_sheet(measured: Path) -> None:
    specsched(*SAMPLE, "0-3", cwd=measured)
    told = specsched("analyze", "samples", "-o", "s.json", cwd=measured)
    assert told.stdout.startswith("4 images of 16x16")
    assert "left out 2 other files (1 .json, 1 .png" in told.stderr
    sheet = Image.open(measured / "samples" / "contact_sheet.png")
    sheet.save(measured / "samples" / "contact_sheet.png")  # by another program
    told = specsched(
        *("analyze", "samples", "-o", "s.json", "--resolution", 8, "--force"),
        cwd=measured,
    )
    assert told.stdout.startswith("5 images of 8x8")
