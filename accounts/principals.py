"""Who calls: a signed-in person or a device that showed its token, as the services know them."""

from dataclasses import dataclass
from uuid import UUID

from accounts import audit
from accounts.vocabulary import DeviceRole, Role


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person, with the roles they have at this moment."""

    person_id: UUID
    sign_in_id: UUID
    roles: frozenset[Role]

    @property
    def actor(self) -> str:
        """The name of this person in the audit trail."""
        return audit.person_actor(self.person_id)


@dataclass(frozen=True, slots=True)
class DevicePrincipal:
    """A device that showed its token."""

    device_id: UUID
    name: str
    role: DeviceRole
    campus: str | None
    gate: str | None
    merchant_id: UUID | None

    @property
    def actor(self) -> str:
        """The name of this device in the audit trail."""
        return audit.device_actor(self.device_id)
