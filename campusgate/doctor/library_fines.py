"""Whether the library's own system answers, and lets this server in."""

from collections.abc import Iterator
from typing import Final

from campusgate.doctor.findings import Finding, fault, ok
from campusgate.settings import Settings
from campusgate.wiring.library_fines import make_library_system
from integrations.library_fines.library_system import LibraryAwayError

_LINK: Final = "library"


def check_library(settings: Settings) -> Iterator[Finding]:
    """Sign in and ask for the state, where a library's system is set; nobody's fines are looked at."""
    library = make_library_system(settings)
    if library is None:
        return
    try:
        yield ok(_LINK, f"the library's system {library.check()}")
    except LibraryAwayError as error:
        yield fault(
            _LINK, f"the library's system: {error}; mend CAMPUSGATE_LIBRARY_FINES__…, or tell who runs that system"
        )
