"""Whether the university's identity providers answer, and know this server."""

from collections.abc import Iterator
from typing import Final

from accounts.sign_in.identity_providers import ProviderUnavailableError
from campusgate.doctor.findings import Finding, fault, ok
from campusgate.settings import Settings
from campusgate.wiring.identity_providers import connect_identity_providers

_LINK: Final = "sign-in"


def check_identity_providers(settings: Settings) -> Iterator[Finding]:
    """Ask each that is set up; nobody is signed in."""
    for name, connected in connect_identity_providers(settings).items():
        try:
            yield ok(_LINK, f"{name}: the identity provider {connected.provider.check()}")
        except ProviderUnavailableError as error:
            yield fault(_LINK, f"{name}: {error}; mend CAMPUSGATE_{name.upper()}__…, or tell who runs the provider")
