"""Settings of network access: the services that the campus offers, and the devices that take Disconnect-Requests."""

from pydantic import BaseModel, Field, IPvAnyAddress, SecretStr

from network_access.terms import ServiceTerms


class NasSettings(BaseModel):
    """Where a switch, access point or gateway takes Disconnect-Requests, and the secret shared with it."""

    address: IPvAnyAddress
    port: int = Field(default=3799, ge=1, le=65535)
    secret: SecretStr


class NetworkSettings(BaseModel):
    """Computer rooms and the internet; a service without settings is not offered."""

    computer_room: ServiceTerms | None = None
    internet: ServiceTerms | None = None
    nas: dict[str, NasSettings] = Field(
        default_factory=dict, repr=False, description="who takes Disconnect-Requests, by NAS-Identifier or address"
    )
    kept_days: int = Field(
        default=185, ge=1, le=3_650, description="how long sessions are kept; the Cybersecurity Law asks for six months"
    )
