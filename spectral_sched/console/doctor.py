"""What is installed here, what works, and what to install for what is missing.

Requirements and extras are those that the installed distribution declares. torch is
tried in a process of its own, so that one that breaks or crashes breaks nothing else.
Neither host names nor paths are told.
"""

from __future__ import annotations

import importlib
import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.table import Table

from spectral_sched.errors import InputError, SpecschedError
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.version import __version__
from spectral_sched.words import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import RenderableType

    from spectral_sched.documents.strict_json import Document

DISTRIBUTION = "spectral-sched"
VERSION = 1
PROBE = "spectral_sched.diffusion.probe"
PROBE_SECONDS = 120


@dataclass(frozen=True)
class Package:
    """One required package.

    Attributes
    ----------
    wanted, found
        The versions that are asked for, and the one that is there, if any.
    problem
        Why it cannot be used, or the empty string.
    """

    name: str
    wanted: str
    found: str | None
    problem: str = ""


def examined() -> Document:
    """Return what is here and what works, as a document."""
    declared = _declared()
    required = [_package(each) for each in _needed(declared, "")]
    tried = [_imported(each) for each in required]
    torch, model = _torch(), _bundled_model()
    found = {each.name: each.problem for each in tried}
    found["torch"] = found.get("torch") or torch.get("problem", "")
    found["bundled model"] = model.get("problem", "")
    found[DISTRIBUTION] = "" if declared else "is not installed as a package"
    return {
        "format": "specsched.doctor",
        "version": VERSION,
        "tool": f"specsched {__version__}",
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "required": [asdict(each) for each in tried],
        "torch": torch,
        "extras": [_extra(name, declared) for name in _extras()],
        "bundled_model": model,
        "problems": [f"{name} {what}" for name, what in found.items() if what],
    }


def check_health(document: Document) -> None:
    """Raise `SpecschedError` if something that is required does not work."""
    if document["problems"]:
        message = (
            f"{'; '.join(document['problems'])}; install it again with: "
            f"pip install --upgrade {DISTRIBUTION}"
        )
        raise SpecschedError(message)


def _declared() -> list[Requirement]:
    try:
        texts = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    return [Requirement(text) for text in texts]


def _extras() -> list[str]:
    try:
        declared = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra")
    except metadata.PackageNotFoundError:
        return []
    return sorted(declared or [])


def _needed(declared: Iterable[Requirement], extra: str) -> Iterator[Requirement]:
    """Yield what an extra needs, what is needed by extras that it names included.

    The empty string stands for what is needed without any extra.
    """
    declared = list(declared)
    for each in declared:
        about_extras = each.marker is not None and "extra" in str(each.marker)
        if about_extras != bool(extra):
            continue
        if each.marker is not None and not each.marker.evaluate({"extra": extra}):
            continue
        if canonicalize_name(each.name) == DISTRIBUTION:
            for other in sorted(each.extras):
                yield from _needed(declared, other)
        else:
            yield each


def _package(requirement: Requirement) -> Package:
    """Return whether a package is installed in a version that will do."""
    wanted = str(requirement.specifier)
    try:
        found = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Package(requirement.name, wanted, None, "is not installed")
    fits = requirement.specifier.contains(found, prereleases=True)
    problem = "" if fits else f"is {found}, and {wanted} is needed"
    return Package(requirement.name, wanted, found, problem)


def _imported(package: Package) -> Package:
    """Return a package with the problem of loading it, torch apart."""
    if package.problem or package.name == "torch":
        return package
    try:
        importlib.import_module(_module_of(package.name))
    except Exception as error:  # noqa: BLE001, whatever it is, it is told
        return Package(package.name, package.wanted, package.found, _told(error))
    return package


def _module_of(name: str) -> str:
    """Return what a distribution is imported as, such as ``PIL`` for ``pillow``."""
    modules = [
        module
        for module, owners in _distributions().items()
        if canonicalize_name(name) in map(canonicalize_name, owners)
    ]
    return name if name in modules or not modules else modules[0]


@cache
def _distributions() -> Mapping[str, list[str]]:
    # It reads what every installed package says of itself, which takes a while.
    return metadata.packages_distributions()


def _told(error: Exception) -> str:
    return f"cannot be loaded ({type(error).__name__})"


def _torch() -> Document:
    """Return which torch there is and the devices that it can use."""
    command = [sys.executable, "-m", PROBE]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=True
        )
        found: Document = json.loads(ended.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit {error.returncode}"])[-1]
        return {"problem": f"cannot be loaded ({last.partition(':')[0]})"}
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return {"problem": f"gives no answer in {PROBE_SECONDS} s"}
    return found


def _extra(name: str, declared: list[Requirement]) -> Document:
    packages = [_package(each) for each in _needed(declared, name)]
    missing = [f"{each.name} {each.problem}" for each in packages if each.problem]
    return {
        "name": name,
        "installed": not missing,
        "missing": missing,
        "install": f"pip install '{DISTRIBUTION}[{name}]'",
    }


def _bundled_model() -> Document:
    try:
        header = read_model_header(BUNDLED)
    except InputError:
        return {"problem": "is missing or damaged"}
    return {
        "shape": header.data_set.power.field.shape,
        "sigma_range": header.sigma_range,
    }


def doctor_parts(document: Document) -> list[RenderableType]:
    """Return what was found, for people."""
    return [
        f"{document['tool']}, Python {document['python']}, {document['platform']}",
        "",
        _required_table(document["required"]),
        "",
        *_torch_lines(document["torch"]),
        _model_line(document["bundled_model"]),
        "",
        _extras_table(document["extras"]),
    ]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _required_table(required: Iterable[Document]) -> Table:
    table = _table("required", "wanted", "found", "")
    for each in required:
        found = each["found"] or "-"
        table.add_row(each["name"], each["wanted"], found, each["problem"])
    return table


def _torch_lines(torch: Document) -> list[str]:
    if "problem" in torch:
        return [f"torch {torch['problem']}"]
    return [
        f"torch {torch['version']}, built for {torch['build']}",
        "devices: " + ", ".join(map(_device, torch["devices"])),
    ]


def _device(device: Document) -> str:
    if not device["there"]:
        return f"no {device['name']}"
    broken = "" if device["works"] else ", which does not work"
    return f"{device['name']} ({device['what']}){broken}"


def _model_line(model: Document) -> str:
    if "problem" in model:
        return f"bundled model {model['problem']}"
    (channels, height, width), (low, high) = model["shape"], model["sigma_range"]
    return (
        f"bundled model: {width}x{height}, {number_of(channels, 'channel')}, "
        f"sigma {low:.4g} - {high:.4g}"
    )


def _extras_table(extras: Iterable[Document]) -> Table:
    table = _table("extra", "")
    for each in extras:
        missing = f"{', '.join(each['missing'])}: {each['install']}"
        table.add_row(each["name"], "installed" if each["installed"] else missing)
    return table
