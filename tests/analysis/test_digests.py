"""What the digests of a data set cover."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.commands import specsched
from tests.support.helpers import write_pictures


def measured(*source: object, cwd: Path) -> dict[str, Any]:
    """Return the document that `analyze` writes."""
    arguments = ("analyze", *source, "--workers", 1, "--force", "-o", "found.json")
    specsched(*arguments, cwd=cwd)
    found: dict[str, Any] = json.loads((cwd / "found.json").read_text())
    return found


def test_the_key_is_of_the_images_and_the_digest_of_their_classes_too(
    tmp_path: Path,
) -> None:
    paths = [
        *write_pictures(tmp_path / "images" / "a", 4, seed=1),
        *write_pictures(tmp_path / "images" / "b", 4, seed=2),
    ]
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{path}\n" for path in reversed(paths)))
    folder = measured("images", cwd=tmp_path)
    listed = measured("--files-from", names, cwd=tmp_path)
    assert listed["data_key"] == folder["data_key"]
    assert listed["rings"] == folder["rings"]
    assert listed["digest"] != folder["digest"]
    paths[0].unlink()
    assert measured("images", cwd=tmp_path)["data_key"] != folder["data_key"]


def test_without_classes_the_digest_is_the_same_too(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "images", 4)
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{path}\n" for path in reversed(paths)))
    folder = measured("images", cwd=tmp_path)
    assert measured("--files-from", names, cwd=tmp_path)["digest"] == folder["digest"]
