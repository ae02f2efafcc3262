"""List the kinds of tables."""

from .shared import Json


def kinds(json: Json = False) -> None:
    """List the kinds of tables, and the samplers.

    Prints the formula, the parameters and the source of each kind. Set parameters with
    --set. A parameter whose default is a name, as in d=num_values, is measured on your
    images unless you set it.

    Example: specsched kinds

    See also: export --kind and --sampler; train --law.
    """
    from spectral_sched.console.lists import kinds_parts
    from spectral_sched.console.output import show
    from spectral_sched.planning.kinds.registry import kinds_document
    from spectral_sched.system.streams import say

    show(kinds_parts(), kinds_document(), json=json)
    say("next: specsched export --kind karras --set rho=5")
