"""Say what is installed, what works and what is missing."""

from .shared import Json


def doctor(json: Json = False) -> None:
    """Say what is installed, what works, and what is missing.

    Lists versions, the devices that torch can use, whether the bundled model can be
    read, and the line that installs each missing extra. Ends with 1 if something that
    is required does not work.

    Example: specsched doctor
    """
    from spectral_sched.console.doctor import check_health, doctor_parts, examined
    from spectral_sched.console.output import show
    from spectral_sched.system.streams import say

    document = examined()
    show(doctor_parts(document), document, json=json)
    check_health(document)
    say("next: specsched analyze ./images")
