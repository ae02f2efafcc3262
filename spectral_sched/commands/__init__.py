"""The commands, one module each: flags to library calls to tables. No numerics here.

Each imports what it needs in its body, so that help is quick and only sampling and
training load torch. `COMMANDS` is their order in the help.
"""

from .analyze import analyze
from .audit import audit
from .compare import compare
from .doctor import doctor
from .export import export
from .kinds import kinds
from .merge import merge
from .plot import plot
from .report import report
from .sample import sample
from .show import show
from .train import train

COMMANDS = (
    analyze,
    merge,
    export,
    kinds,
    show,
    plot,
    report,
    train,
    audit,
    sample,
    compare,
    doctor,
)
