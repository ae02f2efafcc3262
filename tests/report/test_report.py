"""``specsched report``: a page that is whole, honest and alone."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from spectral_sched.files.schedule import read_plan
from spectral_sched.images.png import thumbnail
from spectral_sched.plots.marks import is_our_picture
from tests.support.commands import Run, sentence, specsched
from tests.support.helpers import write_pictures
from tests.test_architecture import command, loaded_by

VOID = {"br", "img", "link", "meta", "source"}
CLASS = '<b>&"x'
TABLE = "[bold]<i>&amp;x.json"


class Page(HTMLParser):
    """What a browser would find: elements that nest, addresses, ids and words."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        assert self.open or not data.strip()
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def values(self, *names: str) -> list[str]:
        return [value for _, name, value in self.attributes if name in names]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    write_pictures(place / "images" / CLASS, 7)
    write_pictures(place / "images" / "plain", 5, seed=1)
    specsched("analyze", "images", "--workers", 1, cwd=place)
    specsched("export", "--steps", 4, "-o", TABLE, cwd=place)
    return place


@pytest.fixture(scope="module")
def made(folder: Path) -> Run:
    return specsched(
        *("report", "--schedule", TABLE, "--images", "images", "--seeds", "3-5"),
        "--json",
        cwd=folder,
    )


@pytest.fixture(scope="module")
def page(folder: Path, made: Run) -> Page:
    assert made.returncode == 0
    return Page((folder / "report.html").read_text())


@pytest.fixture(scope="module")
def document(made: Run) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(made.stdout, parse_constant=pytest.fail)
    return told


def test_the_page_is_well_formed(page: Page) -> None:
    assert not page.open
    assert page.tags[0] == "html"
    for tag in ("title", "main", "header", "h1"):
        assert page.tags.count(tag) == 1
    ids = page.values("id")
    assert len(ids) == len(set(ids)) == 14
    # Your images and their spectrum come first.
    assert ids[:3:2] == ["images", "numbers"]
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_nothing_is_loaded_from_outside_and_nothing_runs(page: Page) -> None:
    addresses = page.values("src", "href", "srcset", "action", "data", "poster")
    assert len(addresses) == 1 + 2 * 5 + 12 + 2 * 3
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not {"script", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    policy = dict.fromkeys(page.values("content"))
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in policy


def test_styles_load_nothing(folder: Path, page: Page) -> None:
    text = (folder / "report.html").read_text()
    (style,) = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert not page.values("style")


def test_names_are_escaped(folder: Path, page: Page) -> None:
    text = (folder / "report.html").read_text()
    assert CLASS not in text
    assert "<i>&amp;x" not in text
    assert f"{CLASS} 7" in page.text
    assert TABLE in page.text
    assert page.tags.count("i") == 1  # sigma, in the first sentence


def test_figures_of_the_page_are_those_of_the_files(
    folder: Path, page: Page, document: dict[str, Any]
) -> None:
    spectrum = json.loads((folder / "spectrum.json").read_text())
    schedule = json.loads((folder / TABLE).read_text())
    assert document["data"]["num_images"] == spectrum["num_images"] == 12
    assert document["data"]["sigma_data"] == spectrum["sigma_data"]
    for name in ("sigma_min", "sigma_max", "sigma_max_centred", "sigma_min_ring"):
        assert document["bounds"][name] == spectrum["bounds"][name]
        assert f"{name} {spectrum['bounds'][name]:.4g}" in page.text
    assert [step["sigma"] for step in document["table"]["steps"]] == (
        schedule["sigmas"][:-1]
    )
    for level in schedule["sigmas"][:-1]:
        assert f" {level:.4g} " in page.text
    assert document["table"]["error"] == pytest.approx(schedule["predicted"]["error"])
    assert f"{schedule['predicted']['error']:.3g} per pixel with your" in page.text
    beyond = schedule["predicted"]["enough_steps"]
    assert f"Beyond {beyond} steps, more reduce the error by less than 1 %" in page.text
    for name in ("P_mean", "P_std"):
        assert f"{name} {document['training'][name]:.3g}" in page.text
    for name in ("spectrum.json", TABLE):
        assert document["files"][name]["tool"] == schedule["tool"]
        assert document["files"][name]["digest"] in page.text


def test_the_law_is_that_of_export(folder: Path, document: dict[str, Any]) -> None:
    specsched("export", "--for", "training", "-o", "law.json", cwd=folder)
    law = json.loads((folder / "law.json").read_text())
    for name in ("P_mean", "P_std", "sigma_data"):
        assert document["training"][name] == law["edm"][name]


def test_captions_name_no_command(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    captions = re.findall(r"<(?:figcaption|caption)>(.*?)</", text, flags=re.DOTALL)
    assert len(captions) == 1 + 5 + 2 + 3
    for caption in captions:
        assert not re.search(r"--[a-z]|specsched|\.json", caption)


def test_every_frequency_comes_into_sight_once(
    folder: Path, document: dict[str, Any]
) -> None:
    table = document["table"]
    field = read_plan(folder / TABLE).power.field
    rows = [table["before"], *table["steps"]]
    assert sum(row["num_resolved"] for row in rows) == field.num_pixels
    tops = [row["emerging"][1] for row in rows if row["emerging"]]
    assert tops == sorted(tops)
    assert tops[-1] == field.frequency[-1]
    for step in table["steps"]:
        powers = np.append(field.power_about_zero[0], field.power[1:])
        nats = np.log1p(powers / step["sigma"] ** 2) / 2
        swamped = field.num_modes[nats <= document["bounds"]["epsilon"]].sum()
        assert step["num_swamped"] == swamped


def test_pictures_are_whole(page: Page) -> None:
    pictures = [a for a in page.values("src", "srcset") if a.startswith("data:")]
    plots = [a for a in pictures if a.startswith("data:image/svg+xml;base64,")]
    assert len(plots) == 10
    for address in plots:
        root = ElementTree.fromstring(base64.b64decode(address.partition(",")[2]))
        assert root.tag.endswith("svg")
        inner = [
            value
            for element in root.iter()
            for name, value in element.attrib.items()
            if name.endswith(("href", "src"))
        ]
        assert all(value.startswith("#") for value in inner)
    tiles = [a for a in pictures if a.startswith("data:image/png;base64,")]
    assert len(set(tiles)) == len(tiles) == 12 + 6
    for address in tiles:
        with Image.open(io.BytesIO(decoded(address))) as picture:
            picture.load()
            assert picture.size == (16, 16)  # with no border about them
            assert len(picture.getcolors(1 << 20) or []) > 100
    alts = [value for tag, name, value in page.attributes if name == "alt"]
    assert len(alts) == page.tags.count("img") == 5 + 12 + 6
    assert all(alts)


def decoded(address: str) -> bytes:
    return base64.b64decode(address.partition(",")[2])


def test_your_images_are_shown_as_they_were_measured(folder: Path, page: Page) -> None:
    shown = [a for a in page.values("src") if a.startswith("data:image/png")][:12]
    stored = [path.read_bytes() for path in (folder / "images").rglob("*.png")]
    assert sorted(map(pixels_of, map(decoded, shown))) == sorted(map(pixels_of, stored))


def pixels_of(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB").tobytes()


def test_samples_are_those_of_sample(folder: Path, page: Page, tmp_path: Path) -> None:
    specsched(
        *("sample", "--schedule", TABLE, "--model", "wiener", "--seeds", "3-5"),
        *("-o", tmp_path / "samples"),
        cwd=folder,
    )
    shown = [a for a in page.values("src") if a.startswith("data:image/png")][-3:]
    for seed, address in zip((3, 4, 5), shown, strict=True):
        path = tmp_path / f"samples/{seed:06d}.png"
        assert decoded(address) == path.read_bytes()


def test_the_other_table_is_the_usual_one(document: dict[str, Any]) -> None:
    levels = np.array([step["sigma"] for step in document["usual"]["steps"]])
    place = np.linspace(0, 1, 4)
    wanted = (80 ** (1 / 7) + place * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(levels, wanted)
    assert document["usual"]["sampler"] == document["table"]["sampler"]


def test_pages_repeat_and_only_ours_are_replaced(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    arguments = ("report", "--schedule", TABLE, "--no-samples", "-o", path)
    run = specsched(*arguments, cwd=folder)
    assert run.stderr == f"wrote {path}; next: open {path}\n"
    assert f"with {TABLE}, " in run.stdout
    content = path.read_bytes()
    assert is_our_picture(path)
    assert b"Copied table and yours" not in content
    assert b"of your images, as they" not in content
    specsched(*arguments, cwd=folder)
    assert path.read_bytes() == content
    path.write_text("<!doctype html>\n<p>specsched 1.0</p>\n")
    text = sentence(*arguments, cwd=folder, code=2)
    assert "was not written by specsched" in text


def test_a_page_may_go_to_standard_output(folder: Path) -> None:
    run = specsched(
        "report", "--schedule", TABLE, "--no-samples", "-o", "-", cwd=folder
    )
    assert not Page(run.stdout).open


def test_files_that_do_not_belong_together(folder: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 3, seed=5)
    specsched("analyze", "images", "--workers", 1, cwd=tmp_path)
    spectrum = tmp_path / "spectrum.json"
    text = sentence(
        "report", "--spectrum", spectrum, "--schedule", TABLE, cwd=folder, code=3
    )
    assert f"{TABLE} was not made from {spectrum}; make it again with" in text
    text = sentence("report", cwd=tmp_path, code=3)
    assert "tight.json does not exist; make one with: specsched export" in text


def test_images_that_are_not_those_measured(folder: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "other", 3, (8, 8))
    command = ("report", "--schedule", TABLE, "--no-samples", "--images")
    text = sentence(*command, tmp_path / "other", cwd=folder, code=3)
    assert "name the images that it was measured from" in text
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/a.png").write_bytes(b"no image")
    text = sentence(*command, tmp_path / "broken", cwd=folder, code=3)
    assert "none of the images can be read" in text


def test_large_images_are_shown_smaller() -> None:
    wide = np.zeros((100, 1000, 1), np.uint8)
    assert thumbnail(wide, 250).shape == (25, 250, 1)
    assert thumbnail(wide, 1000) is wide


def test_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    text = sentence("report", "--schedule", TABLE, cwd=folder, code=4)
    assert "needs matplotlib and jinja2" in text
    assert text.endswith("install both: pip install 'spectral-sched[plot]'")


def test_torch_is_for_samples_alone(folder: Path, tmp_path: Path) -> None:
    options = ("--schedule", TABLE, "--no-samples", "-o", str(tmp_path / "a.html"))
    loaded = loaded_by(command("report", *options), folder)
    assert "jinja2" in loaded
    assert "torch" not in loaded
