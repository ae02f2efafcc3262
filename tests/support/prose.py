"""The prose of pages and of ``--help``, read by proselint and by our list of words.

``python -m tests.support.prose [PAGE ...]`` prints what it finds and fails if there is
anything. Code, addresses and formulas are blanked first, so that lines keep their
numbers. ``.prose.json`` holds the checks of proselint that are off, and our words.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from proselint import checks
from proselint.config import load_from
from proselint.registry import CheckRegistry
from proselint.tools import LintFile
from typer.main import get_command

from spectral_sched.commands.app import app
from tests.support.documentation import pages
from tests.support.helpers import ROOT

CONFIG = ROOT / ".prose.json"

NOT_PROSE = (
    r"^```.*?^```$",
    r"`[^`]*`",
    r"\$\$.*?\$\$",
    r"\$[^$\n]+\$",
    r"(?<=\])\([^)\s]*\)",
    r"<[^>]+>",
    r"https?://\S+",
    r"^\|[^\n]*\d[^\n]*\|$",
)
"""Code, formulas, addresses, tags, and rows of figures."""


class Finding(NamedTuple):
    """A place that wants other words."""

    page: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return it as compilers print errors."""
        return f"{self.page}:{self.line}: {self.message}"


def prose(text: str) -> str:
    """Return a page with all that is not prose blanked, line for line."""
    for pattern in NOT_PROSE:
        text = re.sub(pattern, _blank, text, flags=re.MULTILINE | re.DOTALL)
    return text


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "~", match[0])


@cache
def _words() -> dict[str, str]:
    words: dict[str, str] = json.loads(CONFIG.read_text())["words"]
    return words


def found(page: str, text: str) -> list[Finding]:
    """Return what a page should say in other words, in order of its lines."""
    plain = prose(text)
    return sorted(_by_proselint(page, plain) + _by_our_words(page, plain))


def _by_proselint(page: str, plain: str) -> list[Finding]:
    registry = CheckRegistry()
    if not registry.checks:
        registry.register_many(checks.__register__)
    return [
        Finding(page, each.pos[0], " ".join(each.check_result.message.split()))
        for each in LintFile(page, plain).lint(load_from(CONFIG))
    ]


def _by_our_words(page: str, plain: str) -> list[Finding]:
    return [
        Finding(page, plain.count("\n", 0, match.start()) + 1, f"{match[0]!r}: {cure}")
        for word, cure in _words().items()
        for match in re.finditer(rf"(?<![\w-]){word}(?![\w-])", plain, re.IGNORECASE)
    ]


def read() -> dict[str, str]:
    """Return what is held to the words: pages, the newest changes, and ``--help``."""
    texts = pages() | helps()
    texts["CHANGELOG.md"] = newest(texts["CHANGELOG.md"])
    return texts


def helps() -> dict[str, str]:
    """Return what each command says of itself and of its flags."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    return {
        f"specsched {name} --help": "\n\n".join(
            [command.help or "", *(item.help or "" for item in command.params)]
        )
        for name, command in commands.items()
    }


def newest(changelog: str) -> str:
    """Return a changelog up to the end of its newest section."""
    return "\n## ".join(changelog.split("\n## ")[:2])


def main(names: list[str]) -> int:
    """Print what is found in some pages, or in all, and return the exit code."""
    texts = {name: Path(name).read_text() for name in names} or read()
    findings = [each for name, text in texts.items() for each in found(name, text)]
    for each in findings:
        sys.stdout.write(f"{each}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
