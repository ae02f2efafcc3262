"""List the kinds of tables."""

from .shared import Json


def kinds(json: Json = False) -> None:
    """List kinds of tables, their parameters and sources; and samplers.

    A parameter with a number is set with --set; one with a name is measured on your
    images if it is not set.

    Example: specsched kinds

    See also: export --kind and --sampler; train --law.
    """
    from spectral_sched.console.lists import kinds_parts
    from spectral_sched.console.output import show
    from spectral_sched.planning.kinds.registry import kinds_document
    from spectral_sched.system.streams import say

    show(kinds_parts(), kinds_document(), json=json)
    say("next: specsched export --kind karras --set rho=5")
