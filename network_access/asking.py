"""What a RADIUS server asks or reports: by whom, of which service, on what terms, from where."""

from dataclasses import dataclass
from datetime import datetime

from accounts.principals import DevicePrincipal
from network_access.attributes import Request
from network_access.services import NetworkServices
from network_access.tables import NetworkSession
from network_access.terms import ServiceTerms
from network_access.vocabulary import NetworkService


@dataclass(frozen=True, slots=True)
class Seat:
    """Where somebody sits: the device (NAS) that asks, its port, and the computer behind it, as far as it says so."""

    nas: str
    nas_address: str | None
    port: str | None
    station: str | None

    @classmethod
    def of(cls, request: Request) -> "Seat":
        """Read it from a packet; RFC 2865 asks for an identifier or an address of the NAS."""
        address = request.text("NAS-IP-Address") or request.text("NAS-IPv6-Address")
        nas = request.text("NAS-Identifier") or address
        port = request.text("NAS-Port-Id") or request.text("NAS-Port")
        return cls(nas, address or None, port or None, request.text("Calling-Station-Id") or None)

    def is_same(self, row: NetworkSession) -> bool:
        """Tell whether a session is at this seat; without a port and a computer nobody can say."""
        if (self.port, self.station) == (None, None):
            return False
        return (row.nas, row.port, row.station) == (self.nas, self.port, self.station)


@dataclass(frozen=True, slots=True)
class Asking:
    """A packet, the RADIUS server that passes it on, the service that it is of with its terms, and the time."""

    services: NetworkServices
    device: DevicePrincipal
    service: NetworkService
    terms: ServiceTerms
    request: Request
    seat: Seat
    now: datetime

    @classmethod
    def of(
        cls,
        services: NetworkServices,
        device: DevicePrincipal,
        service: NetworkService,
        request: Request,
        *,
        now: datetime,
    ) -> "Asking":
        """Put it together.

        Raises:
            NotFoundError: the campus does not offer this service.
        """
        return cls(services, device, service, services.terms_of(service), request, Seat.of(request), now)
