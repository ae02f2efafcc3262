"""Write synthetic images from the command line."""

import argparse
import sys
from collections.abc import Sequence

from spectral_sched.errors import UsageError, why
from spectral_sched.synthetic import KINDS, SAMPLE_KINDS, write_pictures
from spectral_sched.words import number_of


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spectral_sched.synthetic",
        description="Write seeded synthetic images as FOLDER/KIND/0000.png and on.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="where the kinds' folders go")
    parser.add_argument("--count", type=int, default=48, help="images of each kind")
    parser.add_argument("--size", type=int, default=64, help="width in pixels")
    parser.add_argument("--seed", type=int, default=0, help="seed of the whole set")
    parser.add_argument(
        "--kind",
        nargs="+",
        default=list(SAMPLE_KINDS),
        metavar="NAME",
        help=f"which kinds to write, of {', '.join(KINDS)} (default: all but lines)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        paths = write_pictures(
            given.folder, given.count, given.size, given.seed, given.kind
        )
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        reason = f"cannot write {error.filename}: {why(error)}"
        parser.error(f"{reason}; name another FOLDER")
    except UsageError as error:
        parser.error(str(error).replace("with -o", "as FOLDER"))
    sys.stdout.write(f"Wrote {number_of(len(paths), 'image')} to {given.folder}.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
