"""Settings of the gateway for library systems."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class LibrarySettings(BaseModel):
    """Where the gateway listens for SIP2, and how patrons are known there."""

    host: str = Field(default="127.0.0.1", description="where it listens")
    port: int = Field(default=6001, ge=0, le=65535)
    cert_file: Path | None = Field(default=None, description="it speaks TLS with it")
    key_file: Path | None = None
    in_clear: bool = Field(
        default=False, description="names and passwords may cross a network of the library's own without TLS"
    )
    patrons: Literal["uid", "number"] = Field(
        default="uid", description="what library systems send as patron: a card's UID, or the person's number"
    )
    encoding: Literal["utf-8", "gb18030"] = Field(default="utf-8", description="of texts, as library systems have it")
    institution: str = Field(default="", max_length=60, description="the institution's id in the gateway's answers")

    @model_validator(mode="after")
    def _is_secret_on_networks(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("library.cert_file and library.key_file go together: give both or neither")
        if self.cert_file is None and self.host not in _LOOPBACK and not self.in_clear:
            raise ValueError(
                "library.host is on a network, where SIP2 shows names and passwords: give library.cert_file and "
                "library.key_file, or say library.in_clear where the network is the library's own"
            )
        return self
