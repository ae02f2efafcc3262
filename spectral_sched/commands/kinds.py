"""List the kinds of tables."""

from .options import Json


def kinds(json: Json = False) -> None:
    """List the kinds of tables: names, parameters, formulas, sources.

    Example: specsched kinds --json
    """
    from spectral_sched import console, report
    from spectral_sched.table_kinds import kinds_document

    console.show([report.kinds_table()], kinds_document(), json=json)
    console.say("next: specsched export --kind karras --set rho=5")
