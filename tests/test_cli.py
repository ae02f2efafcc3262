"""Commands as a user runs them: their output, their files, their exit codes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectral_sched import __version__
from tests.support.commands import sentence, specsched
from tests.support.helpers import ROOT, write_pictures


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    write_pictures(folder / "images", 12)
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 3, cwd=folder)
    return folder


def test_the_three_lines(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_images", tmp_path / "sample_images")
    run = specsched("analyze", "./sample_images", cwd=tmp_path)
    assert "192 images of 64x64" in run.stdout
    assert run.stderr.splitlines()[-1].endswith("next: specsched export --steps 8")
    run = specsched("export", "--steps", 8, cwd=tmp_path)
    assert "next: specsched sample --schedule tight.json" in run.stderr
    table = json.loads((tmp_path / "tight.json").read_text())
    assert table["num_steps"] == 8
    assert len(table["sigmas"]) == 9
    specsched("sample", "--schedule", "tight.json", cwd=tmp_path)
    pictures = sorted((tmp_path / "samples").glob("[0-9]*.png"))
    assert len(pictures) == 16
    levels = np.array([np.asarray(Image.open(path)) for path in pictures]) / 127.5 - 1
    assert levels.shape == (16, 64, 64, 3)
    assert len({picture.tobytes() for picture in levels}) == 16
    # The samples vary about as much as the data set they were measured on.
    spectrum = json.loads((tmp_path / "spectrum.json").read_text())
    assert 0.5 < levels.std() / spectrum["sigma_data"] < 1.5


def test_results_are_json_when_asked(measured: Path, tmp_path: Path) -> None:
    for command in (("analyze", "images"), ("export", "--steps", 2)):
        output = ("-o", tmp_path / command[0])
        run = specsched(*command, "--json", *output, cwd=measured)
        document = json.loads(run.stdout, parse_constant=pytest.fail)
        assert document["tool"] == f"specsched {__version__}"
    output = ("-o", tmp_path / "samples")
    run = specsched(
        "sample",
        "--model",
        "wiener",
        "--seeds",
        "5,7-8",
        *output,
        "--json",
        cwd=measured,
    )
    record = json.loads(run.stdout)
    assert record["pictures"] == ["000005.png", "000007.png", "000008.png"]


def test_runs_repeat_and_files_hold_no_paths(measured: Path, tmp_path: Path) -> None:
    payloads = []
    for name in ("a.json", "b.json"):
        specsched("analyze", measured / "images", "-o", tmp_path / name, cwd=tmp_path)
        text = (tmp_path / name).read_text()
        assert str(measured) not in text
        payloads.append(json.loads(text)["digest"])
    assert payloads[0] == payloads[1]
    for name in ("x", "y"):
        specsched(
            "sample",
            "--model",
            "wiener",
            "--seeds",
            "3",
            "-o",
            tmp_path / name,
            cwd=measured,
        )
    assert (tmp_path / "x/000003.png").read_bytes() == (
        tmp_path / "y/000003.png"
    ).read_bytes()


def test_a_seed_is_the_same_picture_in_any_batch(
    measured: Path, tmp_path: Path
) -> None:
    specsched(
        "sample",
        "--model",
        "wiener",
        "--seeds",
        "0-20",
        "-o",
        tmp_path / "many",
        cwd=measured,
    )
    specsched(
        "sample",
        "--model",
        "wiener",
        "--seeds",
        "19",
        "-o",
        tmp_path / "one",
        cwd=measured,
    )
    many, one = (
        np.asarray(Image.open(tmp_path / name / "000019.png")).astype(int)
        for name in ("many", "one")
    )
    assert np.abs(many - one).max() <= 1


def test_sampling_a_finite_set_finds_its_pictures(
    measured: Path, tmp_path: Path
) -> None:
    specsched("export", "--steps", 40, "-o", tmp_path / "fine.json", cwd=measured)
    specsched(
        *(
            "sample",
            "--model",
            "wiener",
            "--schedule",
            tmp_path / "fine.json",
            "--seeds",
            "0-3",
        ),
        *("--model", "images:images", "-o", tmp_path / "found"),
        cwd=measured,
    )
    known = [np.asarray(Image.open(p)) for p in (measured / "images").iterdir()]
    for path in sorted((tmp_path / "found").glob("[0-9]*.png")):
        picture = np.asarray(Image.open(path)).astype(float)
        nearest = min(np.abs(picture - other).mean() for other in known)
        assert nearest < 1.5


def test_grey_pictures_stay_grey(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 5)
    for path in (tmp_path / "images").iterdir():
        grey = Image.open(path).convert("L")
        grey.save(path)
    assert "1 channel," in specsched("analyze", "images", cwd=tmp_path).stdout
    specsched("export", cwd=tmp_path)
    text = sentence("sample", "--seeds", "0", cwd=tmp_path, code=3)
    assert "1 channel and the model makes 64x64 images of 3 channels" in text
    assert text.endswith("or sample with --model wiener")
    specsched("sample", "--model", "wiener", "--seeds", "0", cwd=tmp_path)
    with Image.open(tmp_path / "samples/000000.png") as picture:
        assert picture.mode == "L"


def test_empty_folders_and_folders_of_text(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    text = sentence("analyze", "empty", cwd=tmp_path, code=3)
    assert "empty is empty; name a folder of images" in text
    (tmp_path / "texts").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "texts" / name).write_text("no picture")
    text = sentence("analyze", "texts", cwd=tmp_path, code=3)
    assert "holds no images, only 2 other files" in text
    text = sentence("analyze", "nowhere", cwd=tmp_path, code=3)
    assert "nowhere does not exist" in text


def test_a_truncated_picture_is_skipped_counted_and_named(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "images", 6, (40, 40))
    paths[2].write_bytes(paths[2].read_bytes()[:900])
    run = specsched("analyze", "images", cwd=tmp_path)
    assert "5 images of 40x40" in run.stdout
    assert "1 skipped: 1 damaged" in run.stdout
    assert "0002.png is damaged" in run.stderr
    source = json.loads((tmp_path / "spectrum.json").read_text())["source"]
    assert source["num_skipped"] == 1
    assert source["skipped_by_reason"] == {"damaged": 1}


def test_nothing_but_damaged_pictures(tmp_path: Path) -> None:
    for path in write_pictures(tmp_path / "images", 2):
        path.write_bytes(b"no picture")
    text = sentence("analyze", "images", cwd=tmp_path, code=3)
    assert "no image could be read (first: 000" in text


def test_mixed_sizes_and_their_cure(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images/a", 2, (16, 16))
    write_pictures(tmp_path / "images/b", 2, (24, 20))
    text = sentence("analyze", "images", cwd=tmp_path, code=3)
    assert "16x16" in text
    assert "20x24" in text
    assert "--resolution" in text
    run = specsched("analyze", "images", "--resolution", 16, cwd=tmp_path)
    assert "4 images of 16x16" in run.stdout
    document = json.loads((tmp_path / "spectrum.json").read_text())
    assert document["preprocessing"]["resolution"] == 16
    assert document["classes"] == {"a": 2, "b": 2}


def test_mixed_channels_and_their_cure(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "images", 2)
    Image.open(paths[0]).convert("L").save(paths[0])
    text = sentence("analyze", "images", cwd=tmp_path, code=3)
    assert "--color rgb or --color luma" in text
    for color, channels in (("rgb", "3 channels"), ("luma", "1 channel")):
        run = specsched("analyze", "images", "--color", color, "--force", cwd=tmp_path)
        assert channels in run.stdout


def test_a_constant_set_has_no_answer(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(3):
        Image.new("RGB", (16, 16), (9, 80, 120)).save(tmp_path / f"images/{number}.png")
    text = sentence("analyze", "images", cwd=tmp_path, code=1)
    assert "same constant colour" in text


def test_missing_truncated_and_foreign_files(measured: Path, tmp_path: Path) -> None:
    text = sentence("export", cwd=tmp_path, code=3)
    assert "spectrum.json does not exist; make one with: specsched analyze" in text
    whole = (measured / "spectrum.json").read_text()
    spectrum = tmp_path / "spectrum.json"
    spectrum.write_text(whole[: len(whole) // 2])
    assert "damaged or not JSON" in sentence("export", cwd=tmp_path, code=3)
    spectrum.write_text('{"hello": 1}')
    assert "not a specsched file" in sentence("export", cwd=tmp_path, code=3)
    spectrum.write_text(whole.replace('"shape": [3,16', '"shape": [3,20'))
    assert "'rings.frequency' has the wrong" in sentence("export", cwd=tmp_path, code=3)
    spectrum.write_text(whole.replace('"num_images": ', '"num_images": 1'))
    assert "was changed after" in sentence("export", cwd=tmp_path, code=3)
    spectrum.unlink()
    text = sentence("sample", cwd=tmp_path, code=3)
    assert "tight.json does not exist; make one with: specsched export" in text
    (tmp_path / "tight.json").write_text(whole)
    text = sentence("sample", cwd=tmp_path, code=3)
    assert "not a specsched schedule file" in text


def test_a_damaged_schedule_names_what_is_wrong(measured: Path, tmp_path: Path) -> None:
    document = json.loads((measured / "tight.json").read_text())
    for key, value, message in (
        ("sigmas", [1.0, 2.0, 0.5, 0.0], "2.0 follows 1.0"),
        ("sigmas", [1.0, 0.0], "'sigmas' is no table of 3 levels and 0"),
        ("sampler", "eular", "did you mean --sampler euler?"),
        ("mean_color", [0.0], "'mean_color' has the wrong shape"),
    ):
        (tmp_path / "tight.json").write_text(json.dumps(document | {key: value}))
        assert message in sentence("sample", cwd=tmp_path, code=3)


@pytest.mark.parametrize("steps", ["0", "-3", "1001"])
def test_steps_out_of_range(measured: Path, steps: str) -> None:
    text = sentence("export", "--steps", steps, cwd=measured, code=2)
    assert f"--steps must be from 1 to 1000, not {steps}" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("export", "--kind", "karas"), "did you mean --kind karras?"),
        (("export", "--sampler", "hein"), "did you mean --sampler heun?"),
        (("export", "--start", "zro"), "did you mean --start zero?"),
        (("analyze", "images", "--resize", "bilineer"), "did you mean --resize bili"),
        (("analyze", "images", "--precision", "float16"), "--precision float"),
        (("analyze", "images", "--resolution", "0"), "--resolution must be at least"),
        (("analyze", "images", "--epsilon", "0"), "--epsilon must be a positive"),
        (("analyze", "images", "--shard", "2/2"), "--shard must be one of 0/N to"),
        (("analyze", "images", "--resume", "-o", "-"), "--resume needs the file"),
        (("merge", "a.json", "--tolerance", "-1"), "--tolerance must be"),
        (("sample", "--model", "wienr"), "there is no model 'wienr'"),
        (("sample", "--seeds", "a-b"), "--seeds 'a-b' is no list of seeds"),
        (("sample", "--seeds", "5-2"), "no sensible range in '5-2'"),
        (
            ("sample", "--seeds", "0-999999,1000000"),
            "no sensible range in '1000000'",
        ),
        (("sample", "--device", "tpu"), "there is no device 'tpu'"),
    ],
)
def test_values_that_cannot_be_used(
    measured: Path, flags: tuple[str, ...], message: str
) -> None:
    assert message in sentence(*flags, cwd=measured, code=2)


def test_outputs_that_cannot_be_written(measured: Path, tmp_path: Path) -> None:
    text = sentence("export", "-o", "none/tight.json", cwd=measured, code=2)
    assert "cannot write none/tight.json: its folder does not exist" in text
    (tmp_path / "notes.json").write_text("my notes")
    text = sentence("export", "-o", tmp_path / "notes.json", cwd=measured, code=2)
    assert "was not written by specsched" in text
    assert (tmp_path / "notes.json").read_text() == "my notes"
    specsched("export", "-o", tmp_path / "notes.json", "--force", cwd=measured)
    text = sentence("sample", "-o", tmp_path, cwd=measured, code=2)
    assert "holds files that specsched did not write" in text
    text = sentence("sample", "-o", "/proc/none", cwd=measured, code=2)
    assert "cannot write to /proc/none" in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(measured: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    text = sentence("export", "-o", tmp_path / "tight.json", cwd=measured, code=2)
    assert "permission denied" in text


def test_a_device_that_is_not_there(measured: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    text = sentence("sample", "--device", "cuda", cwd=measured, code=4)
    assert "no cuda device" in text
    assert "--device cpu" in text


def test_files_are_shown_as_they_were_when_made(measured: Path, tmp_path: Path) -> None:
    spectrum, tight = tmp_path / "spectrum.json", tmp_path / "tight.json"
    made = specsched("analyze", "images", "-o", spectrum, cwd=measured).stdout
    assert specsched("show", spectrum, cwd=measured).stdout == made
    made = specsched("export", "-o", tight, cwd=measured).stdout
    assert "steps are enough: more reduce the predicted error by less than" in made
    assert specsched("show", tight, cwd=measured).stdout == made
    run = specsched("show", tight, "--json", cwd=measured)
    assert json.loads(run.stdout) == json.loads(tight.read_text())
    notes = tmp_path / "notes.json"
    notes.write_text('{"format": "other"}')
    text = sentence("show", notes, cwd=measured, code=3)
    assert "is not a specsched file; name a file that specsched wrote" in text


def test_shards_and_merge_give_what_one_run_gives(
    measured: Path, tmp_path: Path
) -> None:
    images = measured / "images"
    for index in (1, 0):
        run = specsched("analyze", images, "--shard", f"{index}/2", cwd=tmp_path)
        assert f"shard {index}/2: " in run.stdout
        assert run.stderr.endswith("next: specsched merge *.partial.json\n")
    text = sentence("merge", "spectrum.1-of-2.partial.json", cwd=tmp_path, code=3)
    assert "shard 0/2 is missing" in text
    parts = sorted(tmp_path.glob("*.partial.json"))
    run = specsched("merge", *reversed(parts), cwd=tmp_path)
    assert "12 images of 16x16" in run.stdout
    whole, merged = (
        json.loads((folder / "spectrum.json").read_text())
        for folder in (measured, tmp_path)
    )
    assert merged["digest"] == whole["digest"]


def test_nothing_but_the_output_is_left_behind(measured: Path, tmp_path: Path) -> None:
    shutil.copytree(measured / "images", tmp_path / "images")
    before = sorted((tmp_path / "images").iterdir())
    specsched("analyze", "images", "--resume", cwd=tmp_path)
    assert sorted((tmp_path / "images").iterdir()) == before
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["images", "spectrum.json"]


def test_documents_on_standard_output(measured: Path) -> None:
    run = specsched("export", "--steps", 2, "-o", "-", cwd=measured)
    assert json.loads(run.stdout)["num_steps"] == 2


def test_version() -> None:
    assert specsched("--version", cwd=ROOT).stdout == f"specsched {__version__}\n"


@pytest.mark.parametrize(
    "command", ["analyze", "merge", "export", "kinds", "sample", "show"]
)
def test_help_of_every_command_has_an_example(command: str) -> None:
    assert (
        f"Example: specsched {command}" in specsched(command, "--help", cwd=ROOT).stdout
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("export -o {}.json", 2),
        ("analyze . -o {}.json", 2),
        ("sample --model {}.safetensors --schedule tight.json", 3),
        ("sample --model diffusers:{} --schedule tight.json", 3),
    ],
)
def test_a_name_that_is_too_long_is_told_of_in_a_sentence(
    measured: Path, line: str, code: int
) -> None:
    said = sentence(*line.format("x" * 300).split(), cwd=measured, code=code)
    assert "file name too long" in said
