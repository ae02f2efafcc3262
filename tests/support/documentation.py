"""Pages of documentation: their blocks, run in order in one folder, and their links.

``sh`` blocks are commands, ``text`` blocks what the commands before them print (in
part), ``python`` blocks run one after the other in one namespace. Blocks without a
language are left alone: they install, train or need what is not here.

``python -m tests.support.documentation PAGE ...`` runs the blocks of pages and replaces
what they quote by what is printed now; look at ``git diff`` afterwards.
"""

from __future__ import annotations

import contextlib
import math
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.commands import specsched
from tests.support.helpers import ROOT

CLOSE = 0.02
"""How far printed numbers may be apart on other machines, relative."""


FOLDERS = ("docs", "findings")


class Block(NamedTuple):
    """A block of a page, and the section that it is in."""

    language: str
    content: str
    heading: str


def pages() -> dict[str, str]:
    """Return all pages by their paths below the root."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md")]
    paths += ROOT.glob("*.md")
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted(paths)}


def blocks(text: str, language: str = "") -> list[Block]:
    """Return the blocks of a page in order, or those of one language."""
    heading, found = "", []
    pattern = r"^##* (?P<heading>[^\n]*)$|^```(?P<language>\w*)\n(?P<content>.*?)^```$"
    for part in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        if part["heading"]:
            heading = part["heading"]
        elif not language or part["language"] == language:
            found.append(Block(part["language"], part["content"], heading))
    return found


def prepared(folder: Path) -> Path:
    """Return the folder with the sample images in it."""
    shutil.copytree(ROOT / "sample_images", folder / "sample_images")
    return folder


def ran(block: Block, folder: Path) -> str:
    """Return what the commands of a ``sh`` block print on standard output."""
    return "".join(_line(line, folder) for line in block.content.splitlines())


def _line(line: str, folder: Path) -> str:
    program, *arguments = shlex.split(line)
    if program == "specsched":
        return specsched(*arguments, cwd=folder).stdout
    assert program == "python", line
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def executed(block: Block, names: dict[str, Any], folder: Path) -> None:
    """Run a ``python`` block in a namespace."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(sys.stderr):
        exec(compile(block.content, block.heading, "exec"), names)


def play(text: str, folder: Path) -> int:
    """Run the blocks of a page in order, and return how many there were."""
    names: dict[str, Any] = {}
    shown, count = "", 0
    for block in blocks(text):
        count += block.language in ("sh", "python", "text")
        match block.language:
            case "sh":
                shown = ran(block, folder)
            case "text":
                check_shown(block.content, shown)
            case "python":
                executed(block, names, folder)
    return count


def check_shown(quoted: str, shown: str) -> None:
    """Hold lines of a page against what was printed: in order, though not all of it."""
    lines = iter(shown.splitlines())
    for line in filter(str.strip, quoted.splitlines()):
        assert any(_alike(line, other) for other in lines), f"not printed: {line}"


def refreshed(text: str, folder: Path) -> str:
    """Return a page whose ``text`` blocks quote what its commands print now."""
    names: dict[str, Any] = {}
    shown = ""
    for block in blocks(text):
        match block.language:
            case "sh":
                shown = ran(block, folder)
            case "python":
                executed(block, names, folder)
            case "text":
                fresh = requoted(block.content, shown)
                text = text.replace(f"```text\n{block.content}", f"```text\n{fresh}")
    return text


def requoted(quoted: str, shown: str) -> str:
    """Return for each quoted line the printed line that is most like it, in order."""
    left, fresh = shown.splitlines(), []
    for line in quoted.splitlines():
        if line.strip():
            best = max(range(len(left)), key=lambda at: _likeness(line, left[at]))
            fresh.append(left[best].rstrip())
            left = left[best + 1 :] or [""]
        else:
            fresh.append("")
    return "".join(f"{line}\n" for line in fresh)


def _likeness(quoted: str, shown: str) -> float:
    if _alike(quoted, shown):
        return 2.0
    return SequenceMatcher(None, quoted.split(), shown.split()).ratio()


def _alike(quoted: str, shown: str) -> bool:
    ours, theirs = (re.split(r"[\s,]+", line.strip()) for line in (quoted, shown))
    return len(ours) == len(theirs) and all(map(_same, ours, theirs))


def _same(ours: str, theirs: str) -> bool:
    numbers = [re.sub(r"[%:]$", "", each) for each in (ours, theirs)]
    try:
        first, second = map(float, numbers)
    except ValueError:
        return ours == theirs
    return math.isclose(first, second, rel_tol=CLOSE, abs_tol=0.01)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    without = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", without, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def links(text: str) -> list[str]:
    """Return the links of a page that do not lead elsewhere."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|href|srcset)=\"([^\"]+)\"", prose)
    return [first or second for first, second in found if "://" not in first + second]


def main(names: list[str]) -> None:
    """Refresh what pages quote."""
    for name in names:
        page = ROOT / name
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(refreshed(page.read_text(), prepared(Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
