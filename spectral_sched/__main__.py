"""``python -m spectral_sched``."""

from .cli import main

main()
