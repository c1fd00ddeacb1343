"""Settings of the library's own system, to which fines paid from the campus account are reported."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class LibraryFineSettings(BaseModel):
    """Where the library's system answers by SIP2, and what it expects there."""

    host: str
    port: int = Field(default=6001, ge=1, le=65535)
    tls: bool = Field(default=False, description="it speaks TLS")
    ca_file: Path | None = Field(default=None, description="the authority that is believed of it; else the public ones")
    in_clear: bool = Field(
        default=False, description="numbers, names and the password may cross a network to it without TLS"
    )
    login: str = Field(default="", max_length=60, description="the self-check's login there (CN)")
    password: SecretStr = Field(default=SecretStr(""), description="of the login (CO)")
    terminal_password: SecretStr = Field(default=SecretStr(""), description="field AC, where it wants one")
    institution: str = Field(default="", max_length=60, description="its institution id (AO)")
    location: str = Field(default="", max_length=60, description="of the self-check, at sign-in (CP)")
    encoding: Literal["utf-8", "gb18030"] = Field(default="utf-8", description="of texts, as it has it")
    line_end: Literal["cr", "crlf"] = Field(default="cr", description="what ends a frame that it is sent")
    error_detection: bool = Field(default=True, description="frames have sequence numbers and check sums")
    fee_type: str = Field(default="01", pattern=r"^[0-9]{2}$", description="of a fee paid")
    payment_type: str = Field(default="00", pattern=r"^[0-9]{2}$", description="of a fee paid")
    names_fines: bool = Field(
        default=False, description="its fine items (AV) are fee identifiers, which it is told with a payment (CG)"
    )

    @model_validator(mode="after")
    def _is_secret_on_networks(self) -> Self:
        if not self.tls and self.host not in _LOOPBACK and not self.in_clear:
            raise ValueError(
                "library_fines.host is on a network, where SIP2 shows numbers and names: set library_fines.tls, or "
                "say library_fines.in_clear where the network is the library's own"
            )
        return self
